// SPDX-License-Identifier: Apache-2.0
//
// The runtime's descriptors, and the operations on them.
#include "netpoll/model/scenarios/family.h"
#include "netpoll/model/scenarios/fd_world.h"
#include "netpoll/model/scenarios/io_scenarios.h"

namespace netpoll::model {

NETPOLL_DEFINE_FAMILY(Fd)
NETPOLL_DEFINE_FAMILY(Io)

}  // namespace netpoll::model
