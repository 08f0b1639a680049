// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/suspend.h"

#include "netpoll/core/concurrency.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/scheduler.h"

namespace netpoll::internal {

void GoLast(TaskWaiter& waiter) { Scheduler::MakeRunnable(&waiter); }

void SettleIn(TaskWaiter& waiter, const TaskContext* context) {
  const bool spawned = context != nullptr && context->spawned != nullptr;
  Settle(waiter, spawned ? context->spawned->home : nullptr);
  if (waiter.home == nullptr) {
    StdEnv::Misuse("a coroutine waits that no Runtime runs: spawn it");
  }
}

CancelSeat& SeatFor(const TaskWaiter& waiter, const TaskContext* context,
                    CancelSeat& own) {
  if (context != nullptr && context->seat != nullptr) return *context->seat;
  own.node = &waiter.home->waits();
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
