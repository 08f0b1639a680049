// SPDX-License-Identifier: Apache-2.0
//
// Whatever holds a PollDesc.
#include "netpoll/model/scenarios/closed_descriptor_scenarios.h"
#include "netpoll/model/scenarios/descriptor_scenarios.h"
#include "netpoll/model/scenarios/family.h"
#include "netpoll/model/scenarios/pool_world.h"
#include "netpoll/model/scenarios/user_ready_world.h"

namespace netpoll::model {

NETPOLL_DEFINE_FAMILY(Descriptor)
NETPOLL_DEFINE_FAMILY(ClosedDescriptor)
NETPOLL_DEFINE_FAMILY(Pool)
NETPOLL_DEFINE_FAMILY(UserReady)

}  // namespace netpoll::model
