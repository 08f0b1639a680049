// SPDX-License-Identifier: Apache-2.0
//
// Every interleaving of every scenario keeps every law.

#include <string>

#include "gtest/gtest.h"
#include "netpoll/model/engine/explore.h"
#include "netpoll/model/engine/trace.h"

namespace netpoll_model {
namespace {

std::vector<Scenario> Shipped() {
  for (const Variant& variant : Variants()) {
    if (variant.name == "shipped") return variant.scenarios;
  }
  return {};
}

class EveryScenario : public testing::TestWithParam<Scenario> {};

TEST_P(EveryScenario, KeepsEveryLawInEveryInterleaving) {
  if (!GetParam().small()) GTEST_SKIP() << "large";
  Exploration exploration(GetParam());
  const SearchResult result = exploration.Run();
  RecordProperty("states", static_cast<int>(result.states));
  EXPECT_TRUE(result.complete);
  if (result.violation.empty()) return;
  const auto schedule = FewestSwitches(exploration.tables(), result);
  FAIL() << result.violation << "\n"
         << Lanes(Replay(exploration, schedule))
         << "replay: " << Encode(GetParam().name, schedule);
}

INSTANTIATE_TEST_SUITE_P(Matrix, EveryScenario, testing::ValuesIn(Shipped()),
                         [](const auto& param) {
                           std::string name;
                           for (const char c : param.param.name) {
                             name += c == '-' ? '_' : c;
                           }
                           return name;
                         });

}  // namespace
}  // namespace netpoll_model
