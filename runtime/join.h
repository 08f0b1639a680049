// SPDX-License-Identifier: Apache-2.0
//
// Spawned tasks and the handles to await them.

#ifndef NETPOLL_RUNTIME_JOIN_H_
#define NETPOLL_RUNTIME_JOIN_H_

#include "netpoll/core/cpp20.h"

#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
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

// A spawned task beside its frame: how it begins and ends. Another class
// derives, which says what becomes of its end.
class SpawnedTask : public SpawnedBase, public Fork {
 public:
  SpawnedTask(const SpawnedTask&) = delete;
  SpawnedTask& operator=(const SpawnedTask&) = delete;

  // Its place is its own from now on.
  void Start(Scheduler& scheduler, SpawnOptions options, bool background);
  // It was started and never ran, nor will it, because its runtime could not be
  // made. The last call.
  void Abandon() {
    frame().destroy();
    NeverRan();
  }
  std::coroutine_handle<> Ended(TaskPromiseBase& task) final;

 protected:
  // `task` is its own.
  template <class T>
  SpawnedTask(std::coroutine_handle<TaskPromise<T>> task, CancelSeat* seat) {
    run = &Begin;
    about = task.address();
    task.promise().context = {seat, this};
    task.promise().set_fork(this);
  }
  ~SpawnedTask() = default;

 private:
  static void Begin(TaskWaiter* self);
  // Takes the result. Throws what left the task.
  virtual void Keep(TaskPromiseBase& task) = 0;
  // It has ended, with that exception or null. Its frame is gone, and after
  // this so may be all that is here.
  virtual void End(std::exception_ptr exception) = 0;
  virtual void NeverRan() = 0;
};

// What it shares with its handle, the task until it has ended:
// protocols/join_word.h, and where an exception goes that nobody awaits.
//
//   refs_   acq_rel: who is the last frees what the other wrote
class JoinStateBase : public SpawnedTask {
 public:
  bool ended() const { return word_.ended(); }
  // False: it has ended already.
  bool Park(ResumeWaiter* waiter);
  // As JoinWord's.
  bool Withdraw(ResumeWaiter* waiter);
  void Detach();
  void Unref() {
    if (refs_.FetchAdd("join.unref", -1, Order::kAcqRel) == 1) delete this;
  }
  Scheduler* scheduler() const { return unheard_.scheduler; }

 protected:
  template <class T>
  JoinStateBase(Unheard& unheard, std::coroutine_handle<TaskPromise<T>> task)
      : SpawnedTask(task, nullptr), unheard_(unheard) {
    unheard_.Ref();
  }
  virtual ~JoinStateBase() { unheard_.Unref(); }

  void Rethrow() {
    if (word_.exception()) std::rethrow_exception(word_.exception());
  }

 private:
  void End(std::exception_ptr exception) final;
  void NeverRan() final;

  StdEnv::Atomic<std::int32_t> refs_{2};
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
class JoinState final : public JoinStateBase {
 public:
  JoinState(Unheard& unheard, std::coroutine_handle<TaskPromise<T>> task)
      : JoinStateBase(unheard, task) {}
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
  void Keep(TaskPromiseBase& task) override {
    value_.emplace(static_cast<TaskPromise<T>&>(task).Take());
  }

  std::optional<T> value_;
};

template <>
class JoinState<void> final : public JoinStateBase {
 public:
  JoinState(Unheard& unheard, std::coroutine_handle<TaskPromise<void>> task)
      : JoinStateBase(unheard, task) {}
  void Take() { Rethrow(); }

 private:
  void Keep(TaskPromiseBase& task) override {
    static_cast<TaskPromise<void>&>(task).Take();
  }
};

// The handle's share.
struct JoinShare {
  void operator()(JoinStateBase* state) const { state->Unref(); }
};
template <class T>
using JoinRef = std::unique_ptr<JoinState<T>, JoinShare>;

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
  explicit JoinHandle(internal::JoinRef<T> state) : state_(std::move(state)) {}
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
    explicit Awaiter(internal::JoinRef<T> state) : state_(std::move(state)) {}
    bool await_ready() const { return Ready(state_.get()) && internal::Pay(); }
    template <class Promise>
    [[gnu::always_inline]] bool await_suspend(
        std::coroutine_handle<Promise> task) {
      return Suspend(*state_, task, internal::ContextOf(task));
    }
    T await_resume() {
      const internal::JoinRef<T> state = std::move(state_);
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
    internal::JoinRef<T> state_;
  };
  Awaiter operator co_await() && { return Awaiter(std::move(state_)); }

 private:
  internal::JoinRef<T> state_;
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_JOIN_H_
