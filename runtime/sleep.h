// SPDX-License-Identifier: Apache-2.0
//
// co_await runtime.Sleep(...).

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

  bool await_ready() const;
  bool await_suspend(std::coroutine_handle<> task);
  // Whether the time has passed; false if the runtime stopped.
  bool await_resume() const;

  // For the timer heap, under its lock.
  TimerPosition& timer_position(int) { return position_; }

 private:
  Runtime& runtime_;
  Deadline deadline_;
  TimerPosition position_ = 0;
};

}  // namespace internal
}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_SLEEP_H_
