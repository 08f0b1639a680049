// SPDX-License-Identifier: Apache-2.0
//
// Workers that go to sleep, and what wakes them.
#include "netpoll/model/scenarios/doorbell_world.h"
#include "netpoll/model/scenarios/family.h"
#include "netpoll/model/scenarios/foreign_world.h"
#include "netpoll/model/scenarios/sleep_scenarios.h"

namespace netpoll::model {

NETPOLL_DEFINE_FAMILY(Sleep)
NETPOLL_DEFINE_FAMILY(Foreign)
NETPOLL_DEFINE_FAMILY(Doorbell)

}  // namespace netpoll::model
