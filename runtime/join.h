// SPDX-License-Identifier: Apache-2.0
//
// Spawned tasks and the handles to await them.

#ifndef NETPOLL_RUNTIME_JOIN_H_
#define NETPOLL_RUNTIME_JOIN_H_

#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/task_waiter.h"

namespace netpoll {

class Runtime;

namespace internal {

// What a spawned task and its handle share. The word:
//   kRunning    the task runs, nobody awaits it. Await -> the waiter's address;
//               dropping the handle -> kDetached; the task's end -> kEnded.
//   waiter      ... and a task is parked. The end -> kEnded, and wakes it.
//   kDetached   nobody will ask. The end -> kEnded; an exception is reported.
//   kEnded      result and exception are set. Final.
// All exchanges are acq_rel: the result is written before, read after.
class JoinStateBase {
 public:
  explicit JoinStateBase(Runtime& runtime) : runtime_(runtime) {}

  bool ended() const {
    return word_.Load("join.ended", Order::kAcquire) == kEnded;
  }
  // False: it has ended already.
  bool Park(ResumeWaiter* waiter);
  void Detach();
  void End(std::exception_ptr exception);

 protected:
  void Rethrow() {
    if (exception_) std::rethrow_exception(exception_);
  }

 private:
  static constexpr std::uintptr_t kRunning = 0;
  static constexpr std::uintptr_t kDetached = 1;
  static constexpr std::uintptr_t kEnded = 2;

  Runtime& runtime_;
  StdEnv::Atomic<std::uintptr_t> word_{kRunning};
  std::exception_ptr exception_;
};

template <class T>
class JoinState : public JoinStateBase {
 public:
  using JoinStateBase::JoinStateBase;
  void Set(T&& value) { value_.emplace(std::move(value)); }
  T Take() {
    Rethrow();
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

// The outermost coroutine of a spawned task. Starts suspended; destroys itself
// at its end, after it has told the runtime.
struct SpawnedTask {
  struct promise_type : ResumeWaiter {
    SpawnedTask get_return_object() {
      handle = std::coroutine_handle<promise_type>::from_promise(*this);
      return SpawnedTask{this};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept;
    void return_void() {}
    void unhandled_exception() { std::terminate(); }  // RunSpawned catches.
    Runtime* runtime = nullptr;
  };
  promise_type* promise;
};

template <class T>
SpawnedTask RunSpawned(Task<T> task, std::shared_ptr<JoinState<T>> state) {
  std::exception_ptr exception;
  try {
    // The task's frame goes before anybody learns that it has ended.
    Task<T> owned = std::move(task);
    if constexpr (std::is_void_v<T>) {
      co_await std::move(owned);
    } else {
      state->Set(co_await std::move(owned));
    }
  } catch (...) {
    exception = std::current_exception();
  }
  state->End(std::move(exception));
}

}  // namespace internal

// Awaits a spawned task: its result, or the exception that left it. At most
// one task awaits it, once. Dropping the handle detaches the task.
template <class T>
class JoinHandle {
 public:
  explicit JoinHandle(std::shared_ptr<internal::JoinState<T>> state)
      : state_(std::move(state)) {}
  JoinHandle(JoinHandle&&) noexcept = default;
  JoinHandle& operator=(JoinHandle&& other) noexcept {
    Detach();
    state_ = std::move(other.state_);
    return *this;
  }
  ~JoinHandle() { Detach(); }

  void Detach() {
    if (state_ != nullptr) state_->Detach();
    state_.reset();
  }
  bool ended() const { return state_->ended(); }

  class Awaiter : public internal::ResumeWaiter {
   public:
    explicit Awaiter(std::shared_ptr<internal::JoinState<T>> state)
        : state_(std::move(state)) {}
    bool await_ready() const { return state_->ended(); }
    [[gnu::noinline]] bool await_suspend(std::coroutine_handle<> task) {
      handle = task;
      return state_->Park(this);
    }
    T await_resume() { return state_->Take(); }

   private:
    std::shared_ptr<internal::JoinState<T>> state_;
  };
  Awaiter operator co_await() && { return Awaiter(std::move(state_)); }

 private:
  std::shared_ptr<internal::JoinState<T>> state_;
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_JOIN_H_
