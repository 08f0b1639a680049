// SPDX-License-Identifier: Apache-2.0
//
// The litmus tests of the literature, by name, under each memory model: with
// the orders that forbid the outcome that each is known for, and without.

#include "netpoll/model/weak/litmus.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"

namespace netpoll::model {
namespace {

constexpr Order kRlx = Order::kRelaxed;
constexpr Order kAcq = Order::kAcquire;
constexpr Order kRel = Order::kRelease;
constexpr Order kAR = Order::kAcqRel;
constexpr Order kSc = Order::kSeqCst;

// Which of the models allow the outcome: "-" none, "t", "r".
struct Row {
  const char* name;
  Program program;
  const char* outcome;
  const char* allowed;  // By sc, tso, rc11: "...", "..r", ".tr", "str".
};

std::vector<Row> Rows() {
  return {
      {"SB+sc",
       {{Store('x', 1), Load('y')}, {Store('y', 1), Load('x')}},
       "0|0 x=1 y=1",
       "..."},
      {"SB+ra",
       {{Store('x', 1, kRel), Load('y', kAcq)},
        {Store('y', 1, kRel), Load('x', kAcq)}},
       "0|0 x=1 y=1",
       ".tr"},
      {"SB+one-rel-store",
       {{Store('x', 1, kRel), Load('y')}, {Store('y', 1), Load('x')}},
       "0|0 x=1 y=1",
       ".tr"},
      {"SB+one-acq-load",
       {{Store('x', 1), Load('y', kAcq)}, {Store('y', 1), Load('x')}},
       "0|0 x=1 y=1",
       "..r"},
      {"MP+ra",
       {{Store('x', 1, kRlx), Store('y', 1, kRel)},
        {Load('y', kAcq), Load('x', kRlx)}},
       "|1 0 x=1 y=1",
       "..."},
      {"MP+rlx-store",
       {{Store('x', 1, kRlx), Store('y', 1, kRlx)},
        {Load('y', kAcq), Load('x', kRlx)}},
       "|1 0 x=1 y=1",
       "..r"},
      {"MP+rlx-load",
       {{Store('x', 1, kRlx), Store('y', 1, kRel)},
        {Load('y', kRlx), Load('x', kRlx)}},
       "|1 0 x=1 y=1",
       "..r"},
      {"LB+rlx",
       {{Load('x', kRlx), Store('y', 1, kRlx)},
        {Load('y', kRlx), Store('x', 1, kRlx)}},
       "1|1 x=1 y=1",
       "..."},
  };
}

TEST(Litmus, EachModelAllowsWhatTheLiteratureSays) {
  for (const Row& row : Rows()) {
    std::string allowed;
    for (const MemoryModel model :
         {MemoryModel::kSc, MemoryModel::kTso, MemoryModel::kRc11}) {
      const Outcomes outcomes = OutcomesOf(row.program, model);
      EXPECT_EQ(outcomes.result.violation, "") << row.name;
      EXPECT_TRUE(outcomes.result.complete) << row.name;
      const bool has = outcomes.all.count(row.outcome) != 0;
      allowed += has ? "str"[static_cast<int>(model)] : '.';
    }
    EXPECT_EQ(allowed, row.allowed) << row.name;
  }
}

}  // namespace
}  // namespace netpoll::model
