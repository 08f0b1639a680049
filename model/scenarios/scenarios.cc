// SPDX-License-Identifier: Apache-2.0
//
// The matrix: each family of families.inc, over core/ and the runtime's
// protocols as they ship. (Mutants are put together from the same list.)

#include <vector>

#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/scenarios/family.h"

namespace netpoll::model {
namespace {

using AddFamily = void (*)(std::vector<Scenario>&);

void AddNamed(const char* name, AddFamily add, std::vector<Scenario>& all) {
  const auto first = all.size();
  add(all);
  for (auto i = first; i < all.size(); ++i) all[i].family = name;
}

std::vector<Scenario> AllScenarios() {
  std::vector<Scenario> all;
#define NETPOLL_FAMILY(NAME, HEADER) AddNamed(#NAME, families::NAME, all);
#include "netpoll/model/scenarios/families.inc"
#undef NETPOLL_FAMILY
  return all;
}

const VariantRegistrar kRegistrar({"shipped", "the source as it ships",
                                   AllScenarios()});

}  // namespace
}  // namespace netpoll::model
