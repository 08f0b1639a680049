// SPDX-License-Identifier: Apache-2.0
//
// What the run queues hold: a waiter that knows how to go on, and where.

#ifndef NETPOLL_RUNTIME_TASK_WAITER_H_
#define NETPOLL_RUNTIME_TASK_WAITER_H_

#include <coroutine>

#include "netpoll/core/types.h"

namespace netpoll {

class Runtime;

namespace internal {

// `run` is called once each time the waiter is taken from a run queue. It may
// resume a coroutine and so destroy the waiter.
struct TaskWaiter : Waiter {
  using Run = void (*)(TaskWaiter*);
  Run run = nullptr;
  // The runtime whose workers run the task. Set before the waiter is known to
  // anybody (suspend.h); whoever wakes it makes it runnable there.
  Runtime* home = nullptr;
};

// Resumes a coroutine.
struct ResumeWaiter : TaskWaiter {
  ResumeWaiter() {
    run = [](TaskWaiter* self) {
      static_cast<ResumeWaiter*>(self)->handle.resume();
    };
  }
  std::coroutine_handle<> handle;
};

// The coroutine that this thread resumes next. A task that ends names its
// awaiter here instead of resuming it, so that no chain of completions grows
// the stack (a symmetric transfer is a nested call at -O0 and under
// sanitizers). Read by whoever resumed the task: see Task, and the run loop.
inline thread_local std::coroutine_handle<> resume_next = nullptr;

// Runs a waiter and everything that completes because of it.
inline void RunWaiter(TaskWaiter* waiter) {
  waiter->run(waiter);
  while (resume_next) {
    const std::coroutine_handle<> next = resume_next;
    resume_next = nullptr;
    next.resume();
  }
}

}  // namespace internal
}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_TASK_WAITER_H_
