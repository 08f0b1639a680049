// SPDX-License-Identifier: Apache-2.0
//
// The poller that the runtime uses on this system: over any of its backends.

#ifndef NETPOLL_RUNTIME_HOST_POLLER_H_
#define NETPOLL_RUNTIME_HOST_POLLER_H_

#include "netpoll/backends/backend_list.h"
#include "netpoll/backends/host/host_backends.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/timer_heap.h"
#include "netpoll/core/waiter_count.h"

namespace netpoll {

using HostBackend = AnyOf<HostBackends>;
// People alone ask it how many wait.
using HostPoller =
    Poller<HostBackend, StdEnv, TimerHeap, WaiterCounting::kWhenAsked>;

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_HOST_POLLER_H_
