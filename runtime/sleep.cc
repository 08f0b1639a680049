// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/sleep.h"

#include <coroutine>

#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/suspend.h"

namespace netpoll::internal {

void SleepAwaiter::Wake(Timed* self) {
  Scheduler::MakeRunnable(static_cast<SleepAwaiter*>(self));
}

bool SleepAwaiter::Stopping() const {
  return (home != nullptr ? *home->scheduler : scheduler_).stopping();
}

bool SleepAwaiter::await_ready() {
  return Pay() && (deadline.past() || Stopping());
}

void SleepAwaiter::Suspend(std::coroutine_handle<> task,
                           const TaskContext* context) {
  Resumes(task);
  const bool stopping = Stopping();
  Settle(*this, &scheduler_);
  if (deadline.past() || stopping) {
    stopped_ = stopping;
    GoLast(*this);
    return;
  }
  note_.Write(__builtin_return_address(0), context);
  if (context != nullptr && context->seat != nullptr) {
    SleepInScope(context->seat);
  } else {
    home->scheduler->StartSleep(this);
  }
}

// Until the seat is known to be taken nobody ends the sleep but its time, and
// whoever wakes it waits at the seat: so the timer begins with it.
void SleepAwaiter::SleepInScope(CancelSeat* seat) {
  Scheduler* const scheduler = home->scheduler;
  seat_ = seat;
  const CancelReason why =
      seat->node->Sit(*seat, this, &SleepAwaiter::Interrupt,
                      [&] { scheduler->ArmSleep(this); });
  if (why == CancelReason::kNone) {
    scheduler->EndSleepsIfStopping();  // This one may be gone.
  } else {
    cancelled_ = true;
    GoLast(*this);
  }
}

// Not in the heap: its time has come, and wakes it.
void SleepAwaiter::Interrupt(void* self, CancelReason) {
  auto* const sleep = static_cast<SleepAwaiter*>(self);
  if (!sleep->home->scheduler->StopTimer(sleep)) return;
  sleep->cancelled_ = true;
  Wake(sleep);
}

bool SleepAwaiter::await_resume() {
  if (seat_ != nullptr) seat_->node->Leave(*seat_);
  return !cancelled_ && !stopped_ && !Stopping();
}

}  // namespace netpoll::internal
