// SPDX-License-Identifier: Apache-2.0
//
// What joins the families (families.inc) to the matrix. Some families share a
// translation unit in units/, those that include the same of core/: an edit
// there then compiles few of them, and the compiler reads little twice.

#ifndef NETPOLL_MODEL_SCENARIOS_FAMILY_H_
#define NETPOLL_MODEL_SCENARIOS_FAMILY_H_

#include <vector>

#include "netpoll/model/engine/scenario.h"

namespace netpoll::model::families {

#define NETPOLL_FAMILY(NAME, HEADER) void NAME(std::vector<Scenario>& all);
#include "netpoll/model/scenarios/families.inc"
#undef NETPOLL_FAMILY

}  // namespace netpoll::model::families

#define NETPOLL_DEFINE_FAMILY(NAME) \
  void families::NAME(std::vector<Scenario>& all) { Add##NAME##Scenarios(all); }

#endif  // NETPOLL_MODEL_SCENARIOS_FAMILY_H_
