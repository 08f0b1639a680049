// SPDX-License-Identifier: Apache-2.0
//
// The large configurations, in parts that need nothing of each other: each
// shard of this test explores some of them.

#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/model/report/check.h"
#include "netpoll/model/report/golden.h"

namespace netpoll::model {
namespace {

using Part = std::pair<const Scenario*, int>;

std::vector<Part> Parts() {
  std::vector<Part> parts;
  for (const Scenario& scenario : FindVariant("shipped")->scenarios) {
    for (int part = 0; scenario.deep && !scenario.closed && part < kDeepParts;
         ++part) {
      parts.emplace_back(&scenario, part);
    }
  }
  return parts;
}

class Deep : public testing::TestWithParam<Part> {};

TEST_P(Deep, IsAsWrittenDown) {
  const auto [scenario, part] = GetParam();
  const std::string found = DeepLine(*scenario, part, kDeepParts);
  const std::string name = found.substr(0, found.find(" starts"));
  std::ifstream golden("model/report/deep.golden");
  std::string wanted;
  while (std::getline(golden, wanted) && !wanted.starts_with(name + " ")) {
  }
  EXPECT_EQ(wanted, found)
      << "A property that is broken: netpoll check --deep --only "
      << scenario->name
      << "\nIf the change is meant:\n"
         "  bazel run //model/report:golden deep > model/report/deep.golden";
}

INSTANTIATE_TEST_SUITE_P(Parts, Deep, testing::ValuesIn(Parts()),
                         [](const auto& param) {
                           std::string name = param.param.first->name;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name + "_" +
                                  std::to_string(param.param.second + 1);
                         });

}  // namespace
}  // namespace netpoll::model
