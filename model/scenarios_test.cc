// SPDX-License-Identifier: Apache-2.0
//
// Every interleaving of every scenario keeps every law, however it is explored.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "gtest/gtest.h"
#include "netpoll/model/engine/congruence.h"
#include "netpoll/model/engine/explore.h"
#include "netpoll/model/engine/full_search.h"
#include "netpoll/model/engine/search_by_keys.h"
#include "netpoll/model/report/check.h"
#include "netpoll/model/report/pictures.h"
#include "netpoll/model/report/survey.h"

namespace netpoll::model {
namespace {

std::vector<Scenario> Shipped() {
  for (const Variant& variant : Variants()) {
    if (variant.name == "shipped") return variant.scenarios;
  }
  return {};
}

bool Large(const Scenario& scenario) { return scenario.deep || scenario.huge; }

// What is explored in one way is explored in the others only under NETPOLL_DEEP
// if it has more states than most.
bool TooMany(std::uint64_t states) {
  return states > 200'000 && std::getenv("NETPOLL_DEEP") == nullptr;
}

class EveryScenario : public testing::TestWithParam<Scenario> {};

TEST_P(EveryScenario, KeepsEveryLawInEveryInterleaving) {
  if (Large(GetParam())) GTEST_SKIP() << "large";
  Exploration exploration(GetParam());
  const SearchResult result = exploration.Run();
  RecordProperty("states", static_cast<int>(result.states));
  if (result.violation.empty()) {
    EXPECT_TRUE(result.complete);
    return;
  }
  const auto schedule = FewestSwitches(exploration.tables(), result);
  FAIL() << GetParam().name << ": "
         << Counterexample(TellTwice("shipped", GetParam(), schedule),
                           kWidthOfFiles);
}

// By packed keys and by states spelled out, from nothing: the same states in
// the same order, so the same automata.
TEST_P(EveryScenario, IsTheSameByBothSearches) {
  if (Large(GetParam())) GTEST_SKIP() << "large";
  Exploration fast(GetParam());
  Exploration slow(GetParam());
  SearchResult packed;
  fast.WithTables([&](Tabulator& tables) {
    ASSERT_TRUE(SearchByKeys(tables, {}, &packed));
  });
  if (TooMany(packed.states)) GTEST_SKIP() << "many states";
  SearchResult spelled;
  slow.WithTables(
      [&](Tabulator& tables) { spelled = SearchWithParents(tables); });
  EXPECT_TRUE(packed.complete && spelled.complete);
  EXPECT_EQ(packed.states, spelled.states);
  EXPECT_EQ(packed.transitions, spelled.transitions);
  EXPECT_EQ(packed.at_rest, spelled.at_rest);
  EXPECT_EQ(packed.depth, spelled.depth);
  for (int thread = 0; thread < fast.tables().thread_count(); ++thread) {
    const auto& some = fast.tables().nodes(thread);
    const auto& others = slow.tables().nodes(thread);
    ASSERT_EQ(some.size(), others.size());
    for (std::size_t i = 0; i < some.size(); ++i) {
      EXPECT_EQ(some[i].next, others[i].next);
    }
  }
}

// Over minimised tables, with one worker and with two, with partial-order
// reduction and without: the same.
TEST_P(EveryScenario, IsTheSameHoweverItIsExplored) {
  if (Large(GetParam())) GTEST_SKIP() << "large";
  Exploration exploration(GetParam());
  const SearchResult first = exploration.Run();
  ASSERT_TRUE(first.complete);
  if (TooMany(first.states)) GTEST_SKIP() << "many states";
  Tabulator& tables = exploration.tables();
  // The reduced search wants a graph without cycles; HasNoLivelock says so.
  for (const bool reduction : {false, true}) {
    if (reduction && GetParam().closed) continue;
    const FullResult one = FullSearch(
        tables, {.reduction = reduction, .check_states = !reduction});
    ASSERT_TRUE(one.fits);
    EXPECT_EQ(one.violation, "") << "only the merged tables break a law";
    EXPECT_LE(one.states, first.states);
    EXPECT_LE(one.at_rest, first.at_rest);
    const FullResult two =
        FullSearch(tables, {.workers = 2, .reduction = reduction});
    EXPECT_EQ(two.states, one.states);
    EXPECT_EQ(two.transitions, one.transitions);
    EXPECT_EQ(two.at_rest, one.at_rest);
    EXPECT_EQ(two.digest, one.digest);
    if (reduction) {
      EXPECT_EQ(one.at_rest, FullSearch(tables, {}).at_rest);
    }
  }
}

// Every way into a local state, and whole histories, lead to the same accesses.
TEST_P(EveryScenario, CarriesOnWhatItDeclares) {
  if (Large(GetParam())) GTEST_SKIP() << "large";
  Exploration exploration(GetParam());
  ASSERT_TRUE(exploration.Run().complete);
  const CongruenceResult congruence = CheckCongruence(exploration, 50, 1);
  EXPECT_EQ(congruence.differences, 0u) << congruence.first;
}

// No cycle: every run ends, whatever the scheduler does.
TEST_P(EveryScenario, HasNoLivelock) {
  if (Large(GetParam())) GTEST_SKIP() << "large";
  Exploration exploration(GetParam());
  ASSERT_TRUE(exploration.Run().complete);
  if (!GetParam().closed) {
    EXPECT_TRUE(SurveyOf(exploration.tables()).acyclic);
  }
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
}  // namespace netpoll::model
