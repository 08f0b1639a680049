// SPDX-License-Identifier: Apache-2.0
//
// co_await runtime.Sleep(...). A task sleeps in the runtime that runs it,
// whichever was asked.

#ifndef NETPOLL_RUNTIME_SLEEP_H_
#define NETPOLL_RUNTIME_SLEEP_H_

#include <coroutine>

#include "netpoll/core/delta.h"
#include "netpoll/core/timer_heap.h"
#include "netpoll/runtime/task_waiter.h"

namespace netpoll {

class Runtime;

namespace internal {

class SleepAwaiter : public ResumeWaiter {
 public:
  SleepAwaiter(Runtime& runtime, Deadline deadline)
      : runtime_(runtime), deadline_(deadline) {}

  bool await_ready();
  // Out of line, as IoOp's: once armed, another worker may end the task.
  [[gnu::noinline]] void await_suspend(std::coroutine_handle<> task);
  // Whether the time has passed; false if the runtime stopped.
  bool await_resume() const { return !stopped_ && !Stopping(); }

  // For the timer heap, under its lock.
  TimerPosition& timer_position(int) { return position_; }

 private:
  // The runtime that was asked; once the task has suspended, its own: the other
  // may be gone.
  bool Stopping() const;

  Runtime& runtime_;
  Deadline deadline_;
  bool stopped_ = false;
  TimerPosition position_ = 0;
};

}  // namespace internal
}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_SLEEP_H_
