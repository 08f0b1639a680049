// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/suspend.h"

#include <algorithm>
#include <coroutine>
#include <cstdint>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/types.h"
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
  Runtime& runtime = *home;
  // From here on another worker may wake the task and destroy this.
  runtime.StartSleep(this, When());
  if (runtime.stopping()) runtime.DrainSleeps();
}

std::int64_t SleepAwaiter::When() const {
  constexpr std::int64_t kLatest = Deadline::kNever - 1;
  return deadline_.none() ? kLatest : std::min(deadline_.value(), kLatest);
}

void RoomlessSleeps::Add(SleepAwaiter* sleep) {
  const std::int64_t when = sleep->When();
  bool moved = false;
  {
    const LockHolder hold(lock_, "roomless.add.lock");
    sleeps_.Push(sleep);
    if (when < earliest_) {
      earliest_ = when;
      moved = runtime_.ArmRoomless(when);
    }
  }
  if (moved) runtime_.DeadlineMoved(when);
}

void RoomlessSleeps::Retry(Timed* self) {
  auto* const roomless = static_cast<RoomlessSleeps*>(self);
  Runtime& runtime = roomless->runtime_;
  WaiterList sleeps;
  {
    const LockHolder hold(roomless->lock_, "roomless.retry.lock");
    sleeps.Append(roomless->sleeps_);
    roomless->earliest_ = Deadline::kNever;
  }
  const std::int64_t now = Runtime::Now();
  while (Waiter* const waiter = sleeps.Pop()) {
    auto* const sleep = static_cast<SleepAwaiter*>(waiter);
    const std::int64_t when = sleep->When();
    if (when <= now || runtime.stopping()) {
      SleepAwaiter::Wake(sleep);
    } else {
      runtime.StartSleep(sleep, when);
    }
  }
}

}  // namespace netpoll::internal
