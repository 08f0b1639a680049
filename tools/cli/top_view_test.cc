// SPDX-License-Identifier: Apache-2.0

#include "netpoll/tools/cli/top_view.h"

#include <optional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpoll::tools {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// So many polls, of which `quick` took at most 2 us and the others 1.024 ms.
Samples After(int polls, int quick) {
  const auto line = [](const char* series, int value) {
    return "netpoll_" + std::string(series) + " " + std::to_string(value) +
           "\n";
  };
  const std::string text =
      "# HELP netpoll_tasks What there is.\n" + line("tasks", 3) +
      line("info{backend=\"poll\",threads=\"1\"}", 1) +
      line("polls_total{worker=\"0\"}", polls) +
      line("wakes_total{worker=\"0\",cause=\"event\"}", 2 * polls) +
      line("poll_seconds_bucket{worker=\"0\",le=\"2e-06\"}", quick) +
      line("poll_seconds_bucket{worker=\"0\",le=\"0.001024\"}", polls) +
      line("poll_seconds_bucket{worker=\"0\",le=\"+Inf\"}", polls);
  const std::optional<Samples> samples = ParseMetrics(text);
  EXPECT_TRUE(samples.has_value());
  return samples.value_or(Samples{});
}

TEST(TopView, ShowsWhatGrewInBetween) {
  const std::string json = TopJson(After(100, 100), After(300, 290), 2);
  EXPECT_THAT(json, HasSubstr("\"backend\": \"poll\""));
  EXPECT_THAT(json, HasSubstr("\"polls_per_second\": 100.0"));
  EXPECT_THAT(json, HasSubstr("\"woken_per_poll\": 2.00"));
  // 190 of 200 were quick.
  EXPECT_THAT(json, HasSubstr("\"poll_seconds_p50\": 0.000002"));
  EXPECT_THAT(json, HasSubstr("\"poll_seconds_p99\": 0.001024"));
  EXPECT_THAT(json, HasSubstr("\"turn_seconds_p50\": null"));
  const std::string text = TopText("it", After(100, 100), After(300, 290), 2);
  EXPECT_THAT(text, HasSubstr("netpoll at it: poll, 1 worker\n"));
  EXPECT_THAT(text, HasSubstr("1.02ms"));
}

TEST(TopView, AServerThatBeganAnewHasNoNegativeRates) {
  const std::string json = TopJson(After(1000, 1000), After(10, 10), 1);
  EXPECT_THAT(json, HasSubstr("\"polls_per_second\": 10.0"));
  EXPECT_THAT(json, Not(HasSubstr("-")));
}

TEST(TopView, WhatIsNoMetricsOfOursIsSaid) {
  EXPECT_FALSE(ParseMetrics("Hello from netpoll.\n").has_value());
  EXPECT_FALSE(ParseMetrics("").has_value());
  EXPECT_FALSE(ParseMetrics("node_load1 0.5\n").has_value());
  EXPECT_FALSE(ParseMetrics("netpoll_tasks many\n").has_value());
}

}  // namespace
}  // namespace netpoll::tools
