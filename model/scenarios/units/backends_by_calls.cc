// SPDX-License-Identifier: Apache-2.0
//
// The backends that are asked by a call with a list or a set, over modelled
// systems, and the heap of timers.
#include "netpoll/model/scenarios/family.h"
#include "netpoll/model/scenarios/heap_world.h"
#include "netpoll/model/systems/epoll_world.h"
#include "netpoll/model/systems/poll_world.h"

namespace netpoll::model {

NETPOLL_DEFINE_FAMILY(Poll)
NETPOLL_DEFINE_FAMILY(Epoll)
NETPOLL_DEFINE_FAMILY(Heap)

}  // namespace netpoll::model
