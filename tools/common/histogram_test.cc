// SPDX-License-Identifier: Apache-2.0

#include "netpoll/tools/common/histogram.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace netpoll::tools {
namespace {

TEST(Histogram, PercentilesAreWithinThreePercentOfTheSortedValues) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 50; ++round) {
    Histogram histogram;
    std::vector<std::uint64_t> values;
    for (int i = 0; i < 500; ++i) {
      values.push_back(random() >> (random() % 64));
      histogram.Record(values.back());
    }
    std::sort(values.begin(), values.end());
    EXPECT_EQ(histogram.max(), values.back());
    for (const std::size_t percent : {1, 50, 90, 99, 100}) {
      const std::uint64_t exact = values[percent * 5 - 1];
      const std::uint64_t got =
          histogram.Percentile(static_cast<double>(percent));
      EXPECT_GE(got, exact);
      EXPECT_LE(static_cast<double>(got), 1.04 * static_cast<double>(exact));
    }
  }
}

TEST(Histogram, EmptyAndExtremeValues) {
  Histogram histogram;
  EXPECT_EQ(histogram.Percentile(50), 0u);
  histogram.Record(0);
  EXPECT_EQ(histogram.Percentile(100), 0u);
  histogram.Record(std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(histogram.Percentile(100),
            std::numeric_limits<std::uint64_t>::max());
}

TEST(Histogram, SmallValuesAreExact) {
  Histogram histogram;
  for (std::uint64_t value = 1; value <= 50; ++value) histogram.Record(value);
  EXPECT_EQ(histogram.Percentile(50), 25u);
  EXPECT_EQ(histogram.Percentile(90), 45u);
  EXPECT_EQ(histogram.Percentile(100), 50u);
}

TEST(Histogram, SumsAreTheSameAsRecordingAll) {
  Histogram a, b, both;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    (i % 3 == 0 ? a : b).Record(i * i);
    both.Record(i * i);
  }
  a.Add(b);
  EXPECT_EQ(a.total(), both.total());
  EXPECT_EQ(a.Percentile(75), both.Percentile(75));
}

}  // namespace
}  // namespace netpoll::tools
