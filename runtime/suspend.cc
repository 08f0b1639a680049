// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/suspend.h"

#include "netpoll/runtime/scheduler.h"

namespace netpoll::internal {

void GoLast(TaskWaiter& waiter) { Scheduler::MakeRunnable(&waiter); }

}  // namespace netpoll::internal
