// SPDX-License-Identifier: Apache-2.0
//
// The numbers of complete executions that GenMC found of one semaphore
// (one_semaphore.h). Where the description of its program leaves a choice, the
// smaller numbers decided, so most of the nine say that the two can be the same
// program; 8,058 followed unasked. Blocked executions are not comparable.

#include <cstdint>

#include "gtest/gtest.h"
#include "netpoll/model/weak/one_semaphore.h"
#include "netpoll/model/weak/weak_search.h"

namespace netpoll::model {
namespace {

std::uint64_t Complete(const SemaphoreCast& cast, MemoryModel model) {
  const WeakResult result = ExploreGraphsOf(OneSemaphoreOf(cast), model, {}, 1);
  EXPECT_TRUE(result.complete) << result.violation;
  EXPECT_EQ(result.wasted_graphs, 0u);
  return result.complete_graphs;
}

TEST(KnownCounts, OneRoundAndOneEdge) {
  const auto complete = [](const SemaphoreCast& cast) {
    return Complete(cast, MemoryModel::kRc11);
  };
  EXPECT_EQ(complete({.closer = true}), 9u);
  EXPECT_EQ(complete({.poller = true}), 7u);
  EXPECT_EQ(complete({.poller = true, .closer = true}), 54u);
  EXPECT_EQ(complete({.poller = true, .timer = true, .closer = true}), 402u);
}

TEST(KnownCounts, TwoRoundsAndTwoEdges) {
  const SemaphoreCast poller = {.rounds = 2, .poller = true};
  const SemaphoreCast closer = {.rounds = 2, .poller = true, .closer = true};
  const SemaphoreCast all = {
      .rounds = 2, .poller = true, .timer = true, .closer = true};
  EXPECT_EQ(Complete(poller, MemoryModel::kRc11), 112u);
  EXPECT_EQ(Complete(closer, MemoryModel::kSc), 995u);
  EXPECT_EQ(Complete(closer, MemoryModel::kRc11), 1011u);
  EXPECT_EQ(Complete(all, MemoryModel::kSc), 7930u);
  EXPECT_EQ(Complete(all, MemoryModel::kRc11), 8058u);
}

}  // namespace
}  // namespace netpoll::model
