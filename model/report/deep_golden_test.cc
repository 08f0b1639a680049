// SPDX-License-Identifier: Apache-2.0
//
// deep.golden by itself: the parts of each large configuration add up to the
// whole, and no configuration is left out.

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "gtest/gtest.h"
#include "netpoll/model/report/check.h"
#include "netpoll/model/report/golden.h"

namespace netpoll::model {
namespace {

BigCount Parse(const std::string& digits) {
  BigCount number;
  for (const char digit : digits) {
    BigCount ten;
    for (int i = 0; i < 10; ++i) ten.Add(number);
    ten.Add(BigCount(static_cast<std::uint64_t>(digit - '0')));
    number = ten;
  }
  return number;
}

struct Whole {
  std::string interleavings;
  std::uint64_t states = 0;
  std::uint64_t longest = 0;
  int parts = 0;
  BigCount sum;
  std::uint64_t most_states = 0;  // Of a part.
  std::uint64_t sum_states = 0;
  std::uint64_t longest_part = 0;
};

std::map<std::string, Whole> Read() {
  std::map<std::string, Whole> wholes;
  std::ifstream file("model/report/deep.golden");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name, part, word, interleavings;
    std::uint64_t starts, states, transitions, at_rest, longest;
    words >> name >> part >> word >> starts >> word >> states >> word >>
        transitions >> word >> at_rest >> word >> longest >> word >>
        interleavings;
    EXPECT_FALSE(words.fail()) << line;
    Whole& whole = wholes[name];
    if (part == "1/1") {
      whole.interleavings = interleavings;
      whole.states = states;
      whole.longest = longest;
      continue;
    }
    ++whole.parts;
    whole.sum.Add(Parse(interleavings));
    whole.sum_states += states;
    whole.most_states = std::max(whole.most_states, states);
    whole.longest_part = std::max(whole.longest_part, longest);
  }
  return wholes;
}

TEST(DeepGolden, ThePartsAddUpToTheWhole) {
  const auto wholes = Read();
  EXPECT_FALSE(wholes.empty());
  for (const auto& [name, whole] : wholes) {
    SCOPED_TRACE(name);
    EXPECT_EQ(whole.parts, kDeepParts);
    EXPECT_EQ(whole.sum.Text(), whole.interleavings);
    EXPECT_EQ(whole.longest_part, whole.longest);
    // The states of a part are some of the whole's; together they are all of
    // them but those before the sharing.
    EXPECT_LE(whole.most_states, whole.states);
    EXPECT_GE(whole.sum_states * 2, whole.states);
  }
}

TEST(DeepGolden, EveryLargeConfigurationIsThere) {
  const auto wholes = Read();
  for (const Scenario& scenario : FindVariant("shipped")->scenarios) {
    EXPECT_EQ(wholes.count(scenario.name),
              scenario.deep && !scenario.closed ? 1u : 0u)
        << scenario.name;
  }
}

TEST(BigCount, ComesBackFromItsText) {
  for (const char* text :
       {"0", "9", "10", "18446744073709551616",
        "115792089237316195423570985008687907853269984665"}) {
    EXPECT_EQ(Parse(text).Text(), text);
  }
}

}  // namespace
}  // namespace netpoll::model
