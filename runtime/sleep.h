// SPDX-License-Identifier: Apache-2.0
//
// co_await runtime.Sleep(...). A task sleeps in the runtime that runs it,
// whichever was asked.

#ifndef NETPOLL_RUNTIME_SLEEP_H_
#define NETPOLL_RUNTIME_SLEEP_H_

#include "netpoll/core/cpp20.h"

#include <coroutine>

#include "netpoll/core/deadline.h"
#include "netpoll/runtime/suspend.h"
#include "netpoll/runtime/task_context.h"
#include "netpoll/runtime/timed.h"

namespace netpoll::internal {

class Scheduler;

class SleepAwaiter : public Sleeper {
 public:
  SleepAwaiter(Scheduler& scheduler, Deadline until)
      : Sleeper(&SleepAwaiter::Wake, until), scheduler_(scheduler) {}

  bool await_ready();
  // Inline also where nothing else is: Suspend looks who calls.
  template <class Promise>
  [[gnu::always_inline]] void await_suspend(
      std::coroutine_handle<Promise> task) {
    Suspend(task, ContextOf(task));
  }
  // Whether the time has passed; false if the runtime stopped, or the scope was
  // cancelled.
  bool await_resume();

 private:
  friend struct WaitLister;

  // Out of line, as IoOp's: once armed, another worker may end the task.
  [[gnu::noinline]] void Suspend(std::coroutine_handle<> task,
                                 const TaskContext* context);
  void SleepInScope(CancelSeat* seat);
  static void Interrupt(void* self, CancelReason reason);
  static void Wake(Timed* self);
  // The runtime that was asked; once the task has suspended, its own: the other
  // may be gone.
  bool Stopping() const;

  Scheduler& scheduler_;
  bool stopped_ = false;
  bool cancelled_ = false;
  CancelSeat* seat_ = nullptr;
  WaitNote note_;
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_SLEEP_H_
