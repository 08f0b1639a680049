// SPDX-License-Identifier: Apache-2.0
//
// The reduced search against the plain one: the same graphs at rest, each once,
// on programs made at random and on small configurations of the matrix.

#include <random>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/model/engine/explore.h"
#include "netpoll/model/weak/litmus.h"
#include "netpoll/model/weak/weak_search.h"

namespace netpoll::model {
namespace {

constexpr MemoryModel kModels[] = {MemoryModel::kSc, MemoryModel::kTso,
                                   MemoryModel::kRc11};

// Programs of few words and statements, of all kinds up to `kinds`.
class Random {
 public:
  Random(int seed, int kinds)
      : generator_(static_cast<unsigned>(seed)), kinds_(kinds) {}

  Program Make() {
    const int threads = 2 + Below(2);
    words_ = 1 + Below(3);
    Program program;
    for (int thread = 0; thread < threads; ++thread) {
      std::vector<Statement> statements;
      const int count = 1 + Below(threads == 2 ? 4 : 3);
      for (int i = 0; i < count; ++i) AddOne(statements);
      program.push_back(statements);
    }
    return program;
  }

 private:
  using Do = Statement::Do;

  int Below(int bound) {
    return static_cast<int>(generator_() % static_cast<unsigned>(bound));
  }

  void AddOne(std::vector<Statement>& to) {
    const char word = "xyz"[Below(words_)];
    const auto order = static_cast<Order>(Below(5));
    const Order load = order == Order::kRelease  ? Order::kRelaxed
                       : order == Order::kAcqRel ? Order::kAcquire
                                                 : order;
    const Order store = order == Order::kAcquire  ? Order::kRelaxed
                        : order == Order::kAcqRel ? Order::kRelease
                                                  : order;
    switch (Below(kinds_)) {
      case 0:
        return to.push_back(Load(word, load));
      case 1:
        return to.push_back(Store(word, 1 + Below(3), store));
      case 2:
        return to.push_back(Exchange(word, 1 + Below(3), order));
      case 3:
        return to.push_back(Add(word, 1, order));
      case 4:
        return to.push_back(Cas(word, Below(2), 1 + Below(2), order));
      case 5:
        return to.push_back(model::Make(Do::kWait, word));
      case 6:
        return to.push_back(
            model::Make(Below(2) == 0 ? Do::kSignal : Do::kMaySignal, word));
      case 7:
        return to.push_back(model::Make(Do::kEndUnless, word, Below(2)));
      default: {
        const Statement field =
            model::Make(Below(2) == 0 ? Do::kRead : Do::kWrite, word, 1);
        if (Below(4) == 0) return to.push_back(field);
        to.push_back(
            model::Make(Below(3) == 0 ? Do::kTryLock : Do::kLock, word));
        to.push_back(field);
        to.push_back(model::Make(Do::kUnlock, word));
      }
    }
  }

  std::mt19937 generator_;
  const int kinds_;
  int words_ = 1;
};

struct Totals {
  std::uint64_t at_rest = 0;
  std::uint64_t broken = 0;
};

void ExpectAgreement(const Scenario& scenario, MemoryModel model,
                     const std::string& name, Totals* totals) {
  std::set<std::string> plain_graphs;
  std::set<std::string> reduced_graphs;
  WeakResult plain;
  WeakResult reduced;
  Exploration exploration(scenario);
  exploration.WithTables([&](Tabulator& tables) {
    plain_graphs.clear();
    reduced_graphs.clear();
    plain = ExploreAllGraphs(tables, model, {.at_rest = &plain_graphs});
    reduced = ExploreGraphs(tables, model, {.at_rest = &reduced_graphs});
  });
  EXPECT_EQ(plain.violation, reduced.violation) << name << Name(model);
  if (!plain.violation.empty()) {
    ++totals->broken;
    return;
  }
  EXPECT_TRUE(plain.complete && reduced.complete) << name;
  EXPECT_EQ(plain_graphs, reduced_graphs) << name << Name(model);
  EXPECT_EQ(reduced.wasted_graphs, 0u) << name << Name(model);
  totals->at_rest += reduced.distinct;
}

TEST(Agreement, OfTheTwoSearchesOnProgramsMadeAtRandom) {
  Totals totals;
  for (const int kinds : {2, 5, 8, 9}) {
    for (int seed = 0; seed < 400; ++seed) {
      const Scenario scenario = Litmus(Random(seed, kinds).Make(), nullptr);
      for (const MemoryModel model : kModels) {
        ExpectAgreement(scenario, model,
                        std::to_string(kinds) + "/" + std::to_string(seed),
                        &totals);
      }
      if (HasFailure()) return;
    }
  }
  // What they agreed on.
  EXPECT_GT(totals.at_rest, 50'000u);
  EXPECT_GT(totals.broken, 20u);
}

TEST(Agreement, OfTheTwoSearchesOnSmallConfigurations) {
  Totals totals;
  const std::set<std::string> small = {
      "read-edge",  "read-edges",        "read-close",       "read-past",
      "read-timer", "read-timer-sooner", "read-timer-close", "error-event",
      "error-told", "poll-again",        "setter-close",     "sleep-deadlines",
      "break-two",  "pool-one-round",    "two-pollers",      "sleep-moves"};
  std::size_t found = 0;
  for (const Scenario& scenario : Variants().front().scenarios) {
    if (small.count(scenario.name) == 0) continue;
    ++found;
    for (const MemoryModel model : kModels) {
      ExpectAgreement(scenario, model, scenario.name, &totals);
    }
  }
  EXPECT_EQ(found, small.size());
  EXPECT_EQ(totals.broken, 0u);
}

}  // namespace
}  // namespace netpoll::model
