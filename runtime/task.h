// SPDX-License-Identifier: Apache-2.0
//
// Task<T>: a coroutine that starts when it is awaited and yields a T, or the
// exception that left it, to whoever awaits it. Awaited at most once. Owns its
// frame: a task that was never awaited does nothing.
//
// A task runs on the thread that awaits it until it first suspends, and goes
// on on whatever worker takes it from a run queue. It may await what is not of
// this library, a thread pool's work say: whoever resumes the handle, once,
// from any thread, runs the task and those that await it until they suspend or
// end. The next operation of a runtime that suspends brings it back there.
//
// Awaiting any number of tasks that are ready at once, in a loop, takes no
// stack at any optimisation level; nor do tasks that await each other, however
// deep. (Tasks that own each other and were never awaited do when they are
// destroyed: some 200 bytes each, twice that unoptimised.)
//
// gcc 12.2 compiles two forms of awaits in conditions wrongly; clang 19
// doesn't:
//   if (co_await x) ...         (or while, for, do, switch) in a coroutine that
//                               declares no variable in its outermost block:
//                               its frame is wrong, and the body most often
//                               never begins: that stops the process
//   while (a && co_await x)     (or for, do; ||) awaits x whatever a is
// Await in a statement of its own: const bool done = co_await x;

#ifndef NETPOLL_RUNTIME_TASK_H_
#define NETPOLL_RUNTIME_TASK_H_

#include "netpoll/core/cpp20.h"

#include <coroutine>
#include <cstdint>
#include <exception>
#include <optional>
#include <utility>

#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/task_context.h"
#include "netpoll/runtime/task_waiter.h"
#include "netpoll/runtime/worker.h"

namespace netpoll {

template <class T = void>
class Task;

namespace internal {

// Whether the body of the task that this thread started last has begun.
inline thread_local bool body_begun = false;

class TaskPromiseBase;

// Who is told that a task has ended that was not awaited but begun: it was
// spawned (join.h), or runs beside others (when_all.h). The frame of the one
// that did may be gone once this is called. The answer is whom to resume; null:
// nobody.
class Fork {
 public:
  virtual std::coroutine_handle<> Ended(TaskPromiseBase& branch) = 0;

 protected:
  ~Fork() = default;
};

class TaskPromiseBase {
 public:
  struct InitialAwaiter : std::suspend_always {
    void await_resume() const noexcept { body_begun = true; }
  };
  InitialAwaiter initial_suspend() noexcept { return {}; }

  struct FinalAwaiter {
    bool await_ready() noexcept { return false; }
    // The frame may be gone once the continuation is known to another thread,
    // so nothing follows.
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> ended) noexcept {
      TaskPromiseBase& promise = ended.promise();
      const std::coroutine_handle<> continuation =
          promise.told_ % 2 == 0 ? HandleAt(promise.told_)
                                 : promise.Told()->Ended(promise);
      if (resumed == ended.address()) {
        resume_next = continuation;
      } else {
        ResumeAwaiter(continuation);
      }
    }
    void await_resume() noexcept {}
  };
  FinalAwaiter final_suspend() noexcept { return {}; }

  void unhandled_exception() noexcept { exception_ = std::current_exception(); }

  void set_continuation(std::coroutine_handle<> continuation) {
    told_ = reinterpret_cast<std::uintptr_t>(continuation.address());
  }
  // It tells `fork` of its end, and has no awaiter.
  void set_fork(Fork* fork) {
    told_ = reinterpret_cast<std::uintptr_t>(fork) + 1;
  }
  bool started() const { return told_ != 0; }
  const std::exception_ptr& exception() const { return exception_; }

  TaskContext context;

 protected:
  void Rethrow() {
    if (exception_) std::rethrow_exception(std::move(exception_));
  }

 private:
  static std::coroutine_handle<> HandleAt(std::uintptr_t address) {
    return std::coroutine_handle<>::from_address(
        reinterpret_cast<void*>(address));
  }
  Fork* Told() const { return reinterpret_cast<Fork*>(told_ - 1); }

  // Whom its end is told: 0 it has not begun; even: the coroutine that awaits
  // it; odd: a Fork, and one more.
  std::uintptr_t told_ = 0;
  std::exception_ptr exception_;
};

template <class T>
class TaskPromise : public TaskPromiseBase {
 public:
  Task<T> get_return_object();
  template <class U>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  T Take() {
    Rethrow();
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
};

template <>
class TaskPromise<void> : public TaskPromiseBase {
 public:
  Task<void> get_return_object();
  void return_void() {}
  void Take() { Rethrow(); }
};

[[noreturn]] inline void NotBegun() {
  StdEnv::Misuse(
      "a Task did not begin: gcc 12 leaves out the body of a coroutine that "
      "awaits in a condition and declares no variable in its outermost "
      "block");
}

// Children that this thread has started and that have neither suspended nor
// ended, each in a call of the one above it.
inline thread_local int nested_children = 0;

// Starts `child` on this thread. True: it suspended, and so must the parent,
// whose frame may not be touched any more. False: it has ended.
//
// Whether it ended is told by this thread alone: a child that suspended may be
// resumed, and end, on another one at any time.
//
// On a worker only so many calls are nested: a deeper child is left to the run
// loop, which resumes it when they have returned. (Not if code of the program
// resumed the parent: that goes on before.)
[[gnu::noinline]] inline bool StartChild(std::coroutine_handle<> child,
                                         std::coroutine_handle<> parent) {
  constexpr int kMostNested = 32;
  void* const outer = resumed;
  if (nested_children >= kMostNested && this_worker != nullptr &&
      outer == parent.address()) {
    resume_next = child;
    return true;
  }
  ++nested_children;
  body_begun = false;
  ResumeHere(child);
  resumed = outer;
  --nested_children;
  // It would be asleep for ever.
  if (!body_begun) NotBegun();
  if (resume_next != parent) return true;
  resume_next = nullptr;
  return false;
}

// Gives out a task's coroutine, to what runs tasks side by side.
struct TaskAccess;

}  // namespace internal

template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = internal::TaskPromise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  explicit Task(Handle handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      Destroy();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  ~Task() { Destroy(); }

  class Awaiter {
   public:
    explicit Awaiter(Handle child) : child_(child) {
      if (!child_ || child_.promise().started()) {
        StdEnv::Misuse(
            "a Task was awaited that was moved from or awaited before");
      }
    }
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> parent) {
      child_.promise().set_continuation(parent);
      if (const internal::TaskContext* carried = internal::ContextOf(parent)) {
        child_.promise().context = *carried;
      }
      return internal::StartChild(child_, parent);
    }
    T await_resume() { return child_.promise().Take(); }

   private:
    Handle child_;
  };
  Awaiter operator co_await() && { return Awaiter(handle_); }

 private:
  friend internal::TaskAccess;

  void Destroy() {
    if (!handle_) return;
    if (handle_.promise().started() && !handle_.done()) {
      StdEnv::Misuse("a Task was destroyed while it was suspended");
    }
    handle_.destroy();
  }

  Handle handle_;
};

namespace internal {

struct TaskAccess {
  // Of a task that was not awaited yet, or this stops the process.
  template <class T>
  static typename Task<T>::Handle Fresh(Task<T>& task) {
    static_cast<void>(typename Task<T>::Awaiter(task.handle_));
    return task.handle_;
  }
  // Who has the coroutine destroys it from now on.
  template <class T>
  static void Release(Task<T>& task) {
    task.handle_ = {};
  }
  template <class T>
  static typename Task<T>::Handle HandleOf(Task<T>& task) {
    return task.handle_;
  }
};

template <class T>
Task<T> TaskPromise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<TaskPromise<T>>::from_promise(*this));
}
inline Task<void> TaskPromise<void>::get_return_object() {
  return Task<void>(
      std::coroutine_handle<TaskPromise<void>>::from_promise(*this));
}

}  // namespace internal
}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_TASK_H_
