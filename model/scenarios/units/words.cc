// SPDX-License-Identifier: Apache-2.0
//
// Single words, and what is pure.
#include "netpoll/model/scenarios/family.h"
#include "netpoll/model/scenarios/futex_world.h"
#include "netpoll/model/scenarios/lock_scenarios.h"
#include "netpoll/model/scenarios/pipe_world.h"
#include "netpoll/model/scenarios/pure_world.h"
#include "netpoll/model/scenarios/token_world.h"

namespace netpoll::model {

NETPOLL_DEFINE_FAMILY(Token)
NETPOLL_DEFINE_FAMILY(Pipe)
NETPOLL_DEFINE_FAMILY(Lock)
NETPOLL_DEFINE_FAMILY(Futex)
NETPOLL_DEFINE_FAMILY(Pure)

}  // namespace netpoll::model
