// SPDX-License-Identifier: Apache-2.0
//
// The runtime around its tasks.
#include "netpoll/model/scenarios/dispatch_scenarios.h"
#include "netpoll/model/scenarios/family.h"
#include "netpoll/model/scenarios/queue_world.h"
#include "netpoll/model/scenarios/timetable_world.h"
#include "netpoll/model/scenarios/two_runtimes_world.h"
#include "netpoll/model/scenarios/work_world.h"

namespace netpoll::model {

NETPOLL_DEFINE_FAMILY(Queue)
NETPOLL_DEFINE_FAMILY(Dispatch)
NETPOLL_DEFINE_FAMILY(Timetable)
NETPOLL_DEFINE_FAMILY(TwoRuntimes)
NETPOLL_DEFINE_FAMILY(Work)

}  // namespace netpoll::model
