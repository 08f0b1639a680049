// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/suspend.h"

#include "netpoll/core/concurrency.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/protocols/cancel_node.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task_context.h"
#include "netpoll/runtime/task_waiter.h"
#include "netpoll/runtime/worker.h"

namespace netpoll::internal {

void GoLast(TaskWaiter& waiter) { Scheduler::MakeRunnable(&waiter); }

const Home* HomeIn(const TaskContext* context) {
  const SpawnedBase* const task =
      context != nullptr ? SpawnedIn(*context) : nullptr;
  if (task == nullptr || task->home == nullptr) {
    StdEnv::Misuse("a coroutine waits that no Runtime runs: spawn it");
  }
  return task->home;
}

CancelSeat& SeatFor(const TaskWaiter& waiter, const TaskContext* context,
                    CancelSeat& own) {
  if (context != nullptr && context->seat != nullptr) return *context->seat;
  own.node = &waiter.home->scheduler->waits();
  return own;
}

void WaitNote::WriteMore(const TaskContext* context) {
  since = clock_stamp != 0 ? clock_stamp : StampOf(sys.now());
  task = context != nullptr ? NameIn(*context) : nullptr;
}

CancelNode<StdEnv>* ListedWait::WaitsOf(const TaskWaiter& waiter) {
  return &waiter.home->scheduler->waits();
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
