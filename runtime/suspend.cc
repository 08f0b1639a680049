// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/suspend.h"

#include "netpoll/core/concurrency.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/scheduler.h"

namespace netpoll::internal {

void GoLast(TaskWaiter& waiter) { Scheduler::MakeRunnable(&waiter); }

void Turn::await_suspend(std::coroutine_handle<> task) {
  handle = task;
  Settle(*this, &scheduler_);
  GoLast(*this);
}

void SettleIn(TaskWaiter& waiter, const TaskContext* context) {
  const SpawnedBase* const task =
      context != nullptr ? SpawnedIn(*context) : nullptr;
  Settle(waiter, task != nullptr ? task->home : nullptr);
  if (waiter.home == nullptr) {
    StdEnv::Misuse("a coroutine waits that no Runtime runs: spawn it");
  }
}

CancelSeat& SeatFor(const TaskWaiter& waiter, const TaskContext* context,
                    CancelSeat& own) {
  if (context != nullptr && context->seat != nullptr) return *context->seat;
  own.node = &waiter.home->scheduler->waits();
  return own;
}

IoStatus StatusOf(CancelReason reason) {
  switch (reason) {
    case CancelReason::kTimeout:
      return IoStatus::FromPoll(PollError::kTimeout);
    case CancelReason::kClosing:
      return IoStatus::FromPoll(PollError::kClosing);
    case CancelReason::kCancelled:
    case CancelReason::kNone:
      break;
  }
  return IoStatus::Cancelled();
}

}  // namespace netpoll::internal
