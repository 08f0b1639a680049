// SPDX-License-Identifier: Apache-2.0
//
// What tasks do between them: join, wake, take turns, send.
#include "netpoll/model/scenarios/channel_world.h"
#include "netpoll/model/scenarios/family.h"
#include "netpoll/model/scenarios/fork_world.h"
#include "netpoll/model/scenarios/join_world.h"
#include "netpoll/model/scenarios/permits_world.h"
#include "netpoll/model/scenarios/wakeup_world.h"

namespace netpoll::model {

NETPOLL_DEFINE_FAMILY(Join)
NETPOLL_DEFINE_FAMILY(Wakeup)
NETPOLL_DEFINE_FAMILY(Permits)
NETPOLL_DEFINE_FAMILY(Channel)
NETPOLL_DEFINE_FAMILY(Fork)

}  // namespace netpoll::model
