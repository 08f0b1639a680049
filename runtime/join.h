// SPDX-License-Identifier: Apache-2.0
//
// Spawned tasks and the handles to await them.

#ifndef NETPOLL_RUNTIME_JOIN_H_
#define NETPOLL_RUNTIME_JOIN_H_

#include "netpoll/core/cpp20.h"

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/cancelled.h"
#include "netpoll/runtime/exceptions.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/protocols/hearing.h"
#include "netpoll/runtime/protocols/join_word.h"
#include "netpoll/runtime/runtime_options.h"
#include "netpoll/runtime/suspend.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/task_context.h"
#include "netpoll/runtime/task_waiter.h"

namespace netpoll {
namespace internal {

class Scheduler;

// Where the exceptions go that nobody awaits: to the scheduler, while there is
// one. Shared and counted, because handles may outlive it.
class Unheard {
 public:
  explicit Unheard(Scheduler& owner) : scheduler(&owner) {}
  Unheard(const Unheard&) = delete;
  Unheard& operator=(const Unheard&) = delete;

  void Ref() { hearing_.Ref(); }
  void Unref() {
    if (hearing_.Unref()) delete this;
  }
  void Report(std::exception_ptr exception);
  // The runtime goes, and its reference: what comes later is dropped.
  void Forget() {
    if (hearing_.Forget()) delete this;
  }

  Scheduler* const scheduler;

 private:
  Hearing<StdEnv> hearing_;
};

// What a spawned task and its handle share: protocols/join_word.h, and where an
// exception goes that nobody awaits.
class JoinStateBase {
 public:
  explicit JoinStateBase(Unheard& unheard) : unheard_(unheard) {
    unheard_.Ref();
  }
  JoinStateBase(const JoinStateBase&) = delete;
  JoinStateBase& operator=(const JoinStateBase&) = delete;
  ~JoinStateBase() { unheard_.Unref(); }

  bool ended() const { return word_.ended(); }
  // False: it has ended already.
  bool Park(ResumeWaiter* waiter);
  // As JoinWord's.
  bool Withdraw(ResumeWaiter* waiter);
  void Detach();
  void End(std::exception_ptr exception);
  // The task's frame goes: if it never ended, because its runtime could not be
  // made, it ends with an exception that says so.
  void Abandon();
  Scheduler* scheduler() const { return unheard_.scheduler; }

 protected:
  void Rethrow() {
    if (word_.exception()) std::rethrow_exception(word_.exception());
  }

 private:
  JoinWord<StdEnv, std::exception_ptr> word_;
  Unheard& unheard_;
};

// The part of the awaitables that does not depend on the result.
class JoinAwaiterBase : public ResumeWaiter {
 public:
  // `state` null: the handle has none, which breaks its rules.
  static bool Ready(const JoinStateBase* state);

 protected:
  // Out of line: once parked, the task may go on and end elsewhere.
  [[gnu::noinline]] bool Suspend(JoinStateBase& state,
                                 std::coroutine_handle<> task,
                                 const TaskContext* context);
  // When it goes on: whether the other has ended, or why it waits no more.
  IoStatus Left(const JoinStateBase& state);

 private:
  friend struct WaitLister;

  bool ParkInScope(JoinStateBase& state, CancelSeat* seat);
  [[gnu::cold, gnu::noinline]] bool ParkListed(JoinStateBase& state);
  static void Interrupt(void* self, CancelReason reason);

  JoinStateBase* joined_ = nullptr;
  CancelSeat* seat_ = nullptr;
  std::optional<ListedWait> listed_;
};

// co_await handle.Ended().
class EndedAwaiter : public JoinAwaiterBase {
 public:
  explicit EndedAwaiter(JoinStateBase* state) : state_(state) {}
  bool await_ready() const { return Ready(state_) && Pay(); }
  // Inline also where nothing else is: Suspend looks who calls.
  template <class Promise>
  [[gnu::always_inline]] bool await_suspend(
      std::coroutine_handle<Promise> task) {
    return Suspend(*state_, task, ContextOf(task));
  }
  IoStatus await_resume() { return Left(*state_); }

 private:
  JoinStateBase* const state_;
};

template <class T>
class JoinState : public JoinStateBase {
 public:
  using JoinStateBase::JoinStateBase;
  void Set(T&& value) { value_.emplace(std::move(value)); }
  T Take() {
    Rethrow();
#ifndef __cpp_exceptions
    if (!value_) {
      StdEnv::Misuse(
          "a task was awaited whose Runtime went before it could start");
    }
#endif
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
};

template <>
class JoinState<void> : public JoinStateBase {
 public:
  using JoinStateBase::JoinStateBase;
  void Take() { Rethrow(); }
};

// A place for a task that is being spawned; given back unless it is kept.
class TaskPlace {
 public:
  // Throws std::bad_alloc.
  explicit TaskPlace(Scheduler& scheduler);
  TaskPlace(const TaskPlace&) = delete;
  TaskPlace& operator=(const TaskPlace&) = delete;
  ~TaskPlace();
  // The task has it, and gives it back when it ends.
  void Keep() { scheduler_ = nullptr; }

 private:
  Scheduler* scheduler_;
};

// The outermost coroutine of a spawned task. Starts suspended; destroys itself
// at its end, after it has told the scheduler.
struct SpawnedTask {
  struct promise_type : SpawnedBase {
    promise_type() {
      run = [](TaskWaiter* self) { ResumeHere(HandleOf(self)); };
      context.carried = this;
    }
    static std::coroutine_handle<promise_type> HandleOf(TaskWaiter* self) {
      return std::coroutine_handle<promise_type>::from_promise(
          *static_cast<promise_type*>(self));
    }
    SpawnedTask get_return_object() { return SpawnedTask{this}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept;
    void return_void() {}
    void unhandled_exception() { std::terminate(); }  // RunSpawned catches.

    TaskContext context;
  };

  // Its place is its own from now on.
  void Start(Scheduler& scheduler, SpawnOptions options, bool background) const;

  promise_type* promise;
};

// Keeps the state for the coroutine of a spawned task.
template <class State>
struct Spawner {
  explicit Spawner(std::shared_ptr<State> shared) : state(std::move(shared)) {}
  Spawner(Spawner&&) noexcept = default;
  ~Spawner() {
    if (state != nullptr) state->Abandon();
  }
  std::shared_ptr<State> state;
};

template <class T>
SpawnedTask RunSpawned(Task<T> task, Spawner<JoinState<T>> spawner) {
  std::exception_ptr exception;
  NETPOLL_TRY {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(task);
    } else {
      spawner.state->Set(co_await std::move(task));
    }
  }
  NETPOLL_CATCH(...) { exception = std::current_exception(); }
  // The task's frame goes before anybody learns that it has ended.
  task = Task<T>(typename Task<T>::Handle());
  spawner.state->End(std::move(exception));
}

}  // namespace internal

// Awaits a spawned task: its result, or the exception that left it. At most
// one task awaits it, once; a task of another runtime may, and goes on in its
// own. Dropping the handle detaches the task. The handle may outlive the
// runtime: the result stays, an exception that nobody awaits is then dropped.
//
// In a scope that is cancelled (cancel.h) the await ends with the exception
// Cancelled, and the task is detached: it belongs to its runtime, not to who
// awaits it. Await Ended() first to keep the handle, or use a TaskGroup.
//
// A handle that was moved from, detached or awaited has no task: ended and
// co_await stop the process, Detach does nothing.
template <class T>
class JoinHandle {
 public:
  explicit JoinHandle(std::shared_ptr<internal::JoinState<T>> state)
      : state_(std::move(state)) {}
  JoinHandle(JoinHandle&&) noexcept = default;
  JoinHandle& operator=(JoinHandle&& other) noexcept {
    if (this == &other) return *this;
    Detach();
    state_ = std::move(other.state_);
    return *this;
  }
  ~JoinHandle() { Detach(); }

  void Detach() {
    if (state_ != nullptr) state_->Detach();
    state_.reset();
  }
  bool ended() const { return internal::JoinAwaiterBase::Ready(state_.get()); }

  // co_await handle.Ended(): ok when the task has ended, and the handle may be
  // awaited without waiting; or cancelled(), timeout(), closing(), of the scope
  // in which this waited (cancel.h): the task goes on, and the handle is as it
  // was. Not while another awaits the task.
  internal::EndedAwaiter Ended() const {
    return internal::EndedAwaiter(state_.get());
  }

  class Awaiter : public internal::JoinAwaiterBase {
   public:
    explicit Awaiter(std::shared_ptr<internal::JoinState<T>> state)
        : state_(std::move(state)) {}
    bool await_ready() const { return Ready(state_.get()) && internal::Pay(); }
    template <class Promise>
    [[gnu::always_inline]] bool await_suspend(
        std::coroutine_handle<Promise> task) {
      return Suspend(*state_, task, internal::ContextOf(task));
    }
    T await_resume() {
      const auto state = std::move(state_);
      if (const IoStatus left = Left(*state); !left.ok()) {
        state->Detach();
        NETPOLL_THROW(
            "a JoinHandle was awaited in a scope that was cancelled: without "
            "exceptions co_await its Ended() first",
            Cancelled(left));
      }
      return state->Take();
    }

   private:
    std::shared_ptr<internal::JoinState<T>> state_;
  };
  Awaiter operator co_await() && { return Awaiter(std::move(state_)); }

 private:
  std::shared_ptr<internal::JoinState<T>> state_;
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_JOIN_H_
