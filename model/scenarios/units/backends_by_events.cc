// SPDX-License-Identifier: Apache-2.0
//
// The backends that hand out events, over modelled systems.
#include "netpoll/model/scenarios/family.h"
#include "netpoll/model/systems/kqueue_world.h"
#include "netpoll/model/systems/ports_world.h"
#include "netpoll/model/systems/uring_world.h"

namespace netpoll::model {

NETPOLL_DEFINE_FAMILY(Uring)
NETPOLL_DEFINE_FAMILY(Port)
NETPOLL_DEFINE_FAMILY(Kqueue)

}  // namespace netpoll::model
