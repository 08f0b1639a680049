// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/bench/histogram.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace netpoll::bench {
namespace {

TEST(HistogramTest, EmptyHasZeroQuantiles) {
  const Histogram empty;
  EXPECT_EQ(empty.count(), 0u);
  EXPECT_EQ(empty.Quantile(0.5), 0u);
  EXPECT_EQ(empty.max(), 0u);
}

TEST(HistogramTest, SmallValuesAreExact) {
  Histogram histogram;
  for (int value = 1; value <= 50; ++value) histogram.Record(value);
  EXPECT_EQ(histogram.Quantile(0.5), 25u);
  EXPECT_EQ(histogram.Quantile(0.9), 45u);
  EXPECT_EQ(histogram.Quantile(1.0), 50u);
}

TEST(HistogramTest, AQuantileIsNeverBelowTheValueAndAtMostThreePercentAbove) {
  for (std::int64_t value = 1; value < (std::int64_t{1} << 62);
       value += value / 7 + 1) {
    Histogram histogram;
    histogram.Record(value);
    histogram.Record(INT64_MAX);
    const auto found = static_cast<double>(histogram.Quantile(0.5));
    EXPECT_GE(found, static_cast<double>(value));
    EXPECT_LE(found, static_cast<double>(value) * 1.032);
  }
}

TEST(HistogramTest, NegativeDurationsCountAsZero) {
  Histogram histogram;
  histogram.Record(-5);
  EXPECT_EQ(histogram.count(), 1u);
  EXPECT_EQ(histogram.Quantile(0.5), 0u);
}

}  // namespace
}  // namespace netpoll::bench
