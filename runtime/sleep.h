// SPDX-License-Identifier: Apache-2.0
//
// co_await runtime.Sleep(...). A task sleeps in the runtime that runs it,
// whichever was asked. And what else waits for a time.

#ifndef NETPOLL_RUNTIME_SLEEP_H_
#define NETPOLL_RUNTIME_SLEEP_H_

#include <coroutine>

#include "netpoll/core/delta.h"
#include "netpoll/core/timer_heap.h"
#include "netpoll/runtime/task_waiter.h"

namespace netpoll {

class Runtime;

namespace internal {

// What the runtime's heap of times holds. `due` is called once when the time
// has come, by a worker that holds no lock.
struct Timed {
  using Due = void (*)(Timed*);

  explicit Timed(Due called) : due(called) {}

  // For the timer heap, under its lock.
  TimerPosition& timer_position(int) { return position; }

  const Due due;
  TimerPosition position = 0;
};

class SleepAwaiter : public ResumeWaiter, public Timed {
 public:
  SleepAwaiter(Runtime& runtime, Deadline deadline)
      : Timed(&SleepAwaiter::Wake), runtime_(runtime), deadline_(deadline) {}

  bool await_ready();
  // Out of line, as IoOp's: once armed, another worker may end the task.
  [[gnu::noinline]] void await_suspend(std::coroutine_handle<> task);
  // Whether the time has passed; false if the runtime stopped.
  bool await_resume() const { return !stopped_ && !Stopping(); }

 private:
  static void Wake(Timed* self);
  // The runtime that was asked; once the task has suspended, its own: the other
  // may be gone.
  bool Stopping() const;

  Runtime& runtime_;
  Deadline deadline_;
  bool stopped_ = false;
};

}  // namespace internal
}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_SLEEP_H_
