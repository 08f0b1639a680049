// SPDX-License-Identifier: Apache-2.0
//
// How many threads are enough: one more of a kind brings no thread into a local
// state that it did not know, and no access that was not met.

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/model/engine/explore.h"
#include "netpoll/model/engine/minimise.h"
#include "netpoll/model/engine/object.h"
#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/engine/tabulate.h"
#include "netpoll/model/scenarios/lock_world.h"
#include "netpoll/model/scenarios/pipe_world.h"
#include "netpoll/model/scenarios/sleep_scenarios.h"
#include "netpoll/model/scenarios/sleep_world.h"
#include "netpoll/model/scenarios/token_world.h"

namespace netpoll::model {
namespace {

// What threads can do: minimised, so that it is the same however often.
struct Reach {
  std::size_t first = 0;  // Local states of the first thread,
  std::size_t last = 0;   // and of the last one.
  std::set<std::string> sites;

  friend bool operator==(const Reach&, const Reach&) = default;
};

template <class OfWorld, class Cast>
Reach ReachOf(Cast cast) {
  cast.endless = true;
  const Scenario scenario{"grown", "", false, [cast] {
                            return std::unique_ptr<World>(new OfWorld(cast));
                          }};
  Exploration exploration(scenario);
  const SearchResult result = exploration.Run();
  EXPECT_TRUE(result.complete && result.violation.empty()) << result.violation;
  Tabulator& tables = exploration.tables();
  const std::vector<ClassTable> minimised = Minimise(tables);
  Reach reach{
      minimised.front().classes.size(), minimised.back().classes.size(), {}};
  for (const ClassTable& table : minimised) {
    for (const LocalClass& local : table.classes) {
      reach.sites.insert(tables.access(local.access).site);
    }
  }
  return reach;
}

TEST(CutOff, AThirdBreakerBringsNothingNew) {
  const Reach one = ReachOf<TokenWorld>(TokenCast{.breakers = 1});
  EXPECT_EQ(one, ReachOf<TokenWorld>(TokenCast{.breakers = 2}));
  EXPECT_EQ(one, ReachOf<TokenWorld>(TokenCast{.breakers = 3}));
}

TEST(CutOff, AThirdPollBesideAPipeBringsNothingNew) {
  const Reach one = ReachOf<PipeWorld>(PipeCast{});
  EXPECT_EQ(one, ReachOf<PipeWorld>(PipeCast{.breakers = 2, .lookers = 2}));
  EXPECT_EQ(one, ReachOf<PipeWorld>(PipeCast{.breakers = 3, .lookers = 3}));
}

TEST(CutOff, ASecondSubmitterBringsNothingNew) {
  const Reach one = ReachOf<SleepWorld>(SleepCast{.workers = 2});
  EXPECT_EQ(one, ReachOf<SleepWorld>(SleepCast{.workers = 2, .submitters = 2}));
  // A second worker does: with one, nobody sleeps.
  EXPECT_NE(one, ReachOf<SleepWorld>(SleepCast{.workers = 1}));
}

// An access, with what is asked of it and what is answered.
std::set<std::string> AnswersIn(const std::string& name) {
  std::vector<Scenario> all;
  AddSleepScenarios(all);
  std::set<std::string> answers;
  for (const Scenario& scenario : all) {
    if (scenario.name != name) continue;
    Exploration exploration(scenario);
    EXPECT_TRUE(exploration.Run().complete);
    const Tabulator& tables = exploration.tables();
    for (int thread = 0; thread < tables.thread_count(); ++thread) {
      for (const Node& node : tables.nodes(thread)) {
        const Access& access = tables.access(node.access);
        std::string asked = std::string(access.site) + " " + Name(access.op) +
                            " " + std::to_string(access.number);
        if (access.op == Op::kCas || access.op == Op::kStore) {
          asked += " " + access.object->Show(access.a) + " to " +
                   access.object->Show(access.b);
        }
        for (std::size_t i = 0; i < node.next.size(); ++i) {
          if (node.next[i] < 0) continue;
          const bool reads = access.op == Op::kLoad;
          answers.insert(asked + ": " +
                         (reads ? access.object->Show(static_cast<Value>(i))
                                : std::to_string(i)));
        }
      }
    }
  }
  return answers;
}

// It has more graphs than one can look at; these have few.
TEST(CutOff, WhatIsAskedAndAnsweredInSleepTwoIsSoInItsPieces) {
  std::set<std::string> pieces;
  for (const char* const piece : {"sleep-one-again", "sleep-two-polled",
                                  "sleep-two-settled", "sleep-lasting"}) {
    const std::set<std::string> answers = AnswersIn(piece);
    EXPECT_GT(answers.size(), 10u) << piece;
    pieces.insert(answers.begin(), answers.end());
  }
  const std::set<std::string> whole = AnswersIn("sleep-two");
  EXPECT_GT(whole.size(), 30u);
  for (const std::string& answer : whole) {
    EXPECT_EQ(pieces.count(answer), 1u) << answer;
  }
}

// Of the descriptor lock only the accesses end: a task sees the whole queue.
TEST(CutOff, AThirdReaderMeetsNoNewAccess) {
  const auto sites = [](int readers) {
    return ReachOf<LockWorld>(LockCast{.readers = readers, .closers = 1}).sites;
  };
  EXPECT_EQ(sites(2), sites(3));
  EXPECT_NE(sites(1), sites(2));
}

}  // namespace
}  // namespace netpoll::model
