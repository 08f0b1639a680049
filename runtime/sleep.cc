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
  return (home != nullptr ? *home : scheduler_).stopping();
}

bool SleepAwaiter::await_ready() {
  return Pay() && (deadline.past() || Stopping());
}

void SleepAwaiter::await_suspend(std::coroutine_handle<> task) {
  handle = task;
  const bool stopping = Stopping();
  Settle(*this, &scheduler_);
  if (deadline.past() || stopping) {
    stopped_ = stopping;
    GoLast(*this);
    return;
  }
  home->StartSleep(this);
}

}  // namespace netpoll::internal
