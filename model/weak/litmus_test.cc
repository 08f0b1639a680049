// SPDX-License-Identifier: Apache-2.0
//
// Each memory model allows the litmus tests what the literature says, by both
// searches; data races and deadlocks are told.

#include "netpoll/model/weak/litmus.h"

#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/model/weak/litmus_rows.h"

namespace netpoll::model {
namespace {

constexpr Order kRlx = Order::kRelaxed;
constexpr Order kAcq = Order::kAcquire;
constexpr Order kRel = Order::kRelease;

constexpr MemoryModel kModels[] = {MemoryModel::kSc, MemoryModel::kTso,
                                   MemoryModel::kRc11};

void ExpectRows(const std::vector<LitmusRow>& rows) {
  for (const LitmusRow& row : rows) {
    for (const Search search : {Search::kOracle, Search::kReduced}) {
      std::string allowed;
      for (const MemoryModel model : kModels) {
        const Outcomes outcomes = OutcomesOf(row.program, model, search);
        EXPECT_EQ(outcomes.result.violation, "") << row.name;
        EXPECT_TRUE(outcomes.result.complete) << row.name;
        const bool has = outcomes.all.count(row.outcome) != 0;
        allowed += has ? "str"[static_cast<int>(model)] : '.';
      }
      EXPECT_EQ(allowed, row.allowed) << row.name;
    }
  }
}

TEST(Litmus, TwoThreadsAndTwoWords) { ExpectRows(TwoThreadRows()); }

TEST(Litmus, MoreThreads) { ExpectRows(ManyThreadRows()); }

TEST(Litmus, Coherence) { ExpectRows(CoherenceRows()); }

TEST(Litmus, ReadModifyWritesAndReleaseSequences) {
  ExpectRows(ReadModifyWriteRows());
}

// A weaker model never loses an outcome.
TEST(Litmus, ModelsAreNested) {
  for (const auto& rows : {TwoThreadRows(), ManyThreadRows(), CoherenceRows(),
                           ReadModifyWriteRows()}) {
    for (const LitmusRow& row : rows) {
      std::set<std::string> stronger;
      for (const MemoryModel model : kModels) {
        const std::set<std::string> all = OutcomesOf(row.program, model).all;
        for (const std::string& outcome : stronger) {
          EXPECT_EQ(all.count(outcome), 1u) << row.name << " " << outcome;
        }
        stronger = all;
      }
    }
  }
}

std::string ViolationOf(const Program& program, MemoryModel model) {
  const std::string reduced = OutcomesOf(program, model).result.violation;
  EXPECT_EQ(OutcomesOf(program, model, Search::kOracle).result.violation,
            reduced);
  return reduced;
}

using Do = Statement::Do;

Program Message(Order store, Order load) {
  return {
      {Make(Do::kWrite, 'x', 1), Store('y', 1, store)},
      {Load('y', load), Make(Do::kEndUnless, 'y', 1), Make(Do::kRead, 'x')}};
}

TEST(Races, APlainFieldNeedsAReleaseAndAnAcquire) {
  for (const MemoryModel model : kModels) {
    EXPECT_EQ(ViolationOf(Message(kRel, kAcq), model), "");
  }
  const char kRace[] = "race: two threads use one plain field at once";
  EXPECT_EQ(ViolationOf(Message(kRlx, kAcq), MemoryModel::kRc11), kRace);
  EXPECT_EQ(ViolationOf(Message(kRel, kRlx), MemoryModel::kRc11), kRace);
  // Without the look at the flag there is one under every model.
  Program unordered = Message(kRel, kAcq);
  unordered[1] = {Make(Do::kRead, 'x')};
  for (const MemoryModel model : kModels) {
    EXPECT_EQ(ViolationOf(unordered, model), kRace);
  }
}

TEST(Races, LocksAndSignalsOrderPlainFields) {
  const std::vector<Statement> locked = {
      Make(Do::kLock, 'x'), Make(Do::kRead, 'x'), Make(Do::kWrite, 'x', 1),
      Make(Do::kUnlock, 'x')};
  std::vector<Statement> tried = locked;
  tried[0] = Make(Do::kTryLock, 'x');
  for (const MemoryModel model : kModels) {
    EXPECT_EQ(ViolationOf({locked, locked, tried}, model), "");
    EXPECT_EQ(ViolationOf({{Make(Do::kWrite, 'x', 1), Make(Do::kSignal, 'x')},
                           {Make(Do::kWait, 'x'), Make(Do::kRead, 'x')}},
                          model),
              "");
  }
}

TEST(Deadlocks, OfTwoLocksInBothOrdersAreTold) {
  const Program program = {{Make(Do::kLock, 'x'), Make(Do::kLock, 'y'),
                            Make(Do::kUnlock, 'y'), Make(Do::kUnlock, 'x')},
                           {Make(Do::kLock, 'y'), Make(Do::kLock, 'x'),
                            Make(Do::kUnlock, 'x'), Make(Do::kUnlock, 'y')}};
  EXPECT_EQ(ViolationOf(program, MemoryModel::kRc11),
            "deadlock: T0 waits for ever at lock");
}

TEST(Counterexamples, HaveNothingThatIsNoCause) {
  Program program = Message(kRlx, kAcq);
  program.push_back({Store('z', 1), Store('z', 2), Load('z')});
  const WeakResult result = OutcomesOf(program, MemoryModel::kRc11).result;
  // The field's two accesses, the flag's two, and the branch's none.
  EXPECT_EQ(result.graph.events.size(), 4u);
  for (const WeakEvent& event : result.graph.events) {
    EXPECT_NE(event.thread, 2);
  }
  ASSERT_GE(result.failed, 0);
  EXPECT_EQ(result.graph.events[result.failed].thread, 1);
}

// What waits for one of two values may miss it, or not.
TEST(Waiting, IsAtRestOnlyAtTheLastValue) {
  const Program program = {{Make(Do::kWait, 'x')},
                           {Make(Do::kWait, 'x')},
                           {Make(Do::kMaySignal, 'x')}};
  for (const MemoryModel model : kModels) {
    const Outcomes outcomes = OutcomesOf(program, model);
    EXPECT_EQ(outcomes.all, (std::set<std::string>{"-|-|-", "-||", "|-|"}));
  }
}

}  // namespace
}  // namespace netpoll::model
