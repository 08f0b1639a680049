// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/suspend.h"

#include <algorithm>
#include <coroutine>
#include <cstdint>

#include "netpoll/core/delta.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/sleep.h"

namespace netpoll::internal {

void GoLast(TaskWaiter& waiter) { waiter.home->MakeRunnable(&waiter); }

void SleepAwaiter::Wake(Timed* self) {
  auto* const sleeper = static_cast<SleepAwaiter*>(self);
  sleeper->home->MakeRunnable(sleeper);
}

bool SleepAwaiter::Stopping() const {
  return (home != nullptr ? *home : runtime_).stopping();
}

bool SleepAwaiter::await_ready() {
  return Pay() && (deadline_.past() || Stopping());
}

void SleepAwaiter::await_suspend(std::coroutine_handle<> task) {
  handle = task;
  const bool stopping = Stopping();
  Settle(*this, &runtime_);
  if (deadline_.past() || stopping) {
    stopped_ = stopping;
    GoLast(*this);
    return;
  }
  constexpr std::int64_t kLatest = Deadline::kNever - 1;
  Runtime& runtime = *home;
  const std::int64_t when =
      deadline_.none() ? kLatest : std::min(deadline_.value(), kLatest);
  // From here on another worker may wake the task and destroy this.
  runtime.StartTimer(this, when);
  if (runtime.stopping()) runtime.DrainSleeps();
}

}  // namespace netpoll::internal
