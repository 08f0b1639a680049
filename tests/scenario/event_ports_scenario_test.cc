// SPDX-License-Identifier: Apache-2.0
//
// Every portable scenario prints over event ports (here: their shim) what it
// prints everywhere.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/event_ports/event_ports_backend.h"
#include "netpoll/tests/scenario/command_runner.h"
#include "netpoll/tests/scenario/in_process.h"

namespace netpoll {
namespace {

// Their paths, without ".scenario".
std::vector<std::string> Scenarios() {
  std::vector<std::string> all;
  for (const auto& entry :
       std::filesystem::directory_iterator("tests/scenario/portable")) {
    if (entry.path().extension() != ".scenario") continue;
    all.push_back(entry.path().parent_path() / entry.path().stem());
  }
  std::sort(all.begin(), all.end());
  return all;
}

class EventPortsScenario : public ::testing::TestWithParam<std::string> {};

TEST_P(EventPortsScenario, PrintsWhatIsExpected) {
  const ScenarioResult result =
      RunText<EventPortsBackend<>>(ReadFile(GetParam() + ".scenario"));
  EXPECT_EQ(result.err, "");
  EXPECT_TRUE(result.kept_the_rules);
  EXPECT_EQ(result.out, ReadFile(GetParam() + ".expected"));
}

INSTANTIATE_TEST_SUITE_P(
    Portable, EventPortsScenario, ::testing::ValuesIn(Scenarios()),
    [](const auto& test) {
      return std::filesystem::path(test.param).filename().string();
    });

TEST(EventPortsScenarios, ThereAreScenarios) {
  EXPECT_GE(Scenarios().size(), 40u);
}

}  // namespace
}  // namespace netpoll
