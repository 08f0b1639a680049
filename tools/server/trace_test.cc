// SPDX-License-Identifier: Apache-2.0

#include "netpoll/tools/server/trace.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/runtime_observer.h"
#include "netpoll/tools/server/trace_clock.h"

namespace netpoll::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Written(const Trace& trace, bool killed = false) {
  std::FILE* const file = std::tmpfile();
  EXPECT_TRUE(trace.Write(file, killed));
  std::string text(1 << 20, '\0');
  std::rewind(file);
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  return text;
}

int Count(std::string_view text, std::string_view part) {
  int count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != text.npos; ++at) {
    ++count;
  }
  return count;
}

// One run, or one poll, lasted when the process ended.
TEST(Trace, OfOneThatWasKilledWhatWasUnderWayGoesOn) {
  for (const bool runs : {false, true}) {
    TraceBy<SystemClock> trace(2);
    trace.RunBegins(0);
    trace.RunEnds(0);
    runs ? trace.RunBegins(0) : trace.PollBegins(0);
    EXPECT_EQ(Count(Written(trace), "\"goes_on\""), 0);
    const std::string text = Written(trace, true);
    EXPECT_EQ(Count(text, "\"goes_on\": true"), 1);
    EXPECT_EQ(Count(text, "\"cat\": \"run\""), runs ? 2 : 1);
    EXPECT_EQ(Count(text, "\"cat\": \"poll\""), runs ? 0 : 1);
  }
}

// A worker whose first poll never ended began before all that did.
TEST(Trace, WhatWasUnderWayMayBeTheFirstOfAll) {
  TraceBy<SystemClock> trace(2);
  trace.PollBegins(1);
  for (const std::int64_t from = Runtime::Now();
       Runtime::Now() - from < 1000;) {
  }
  trace.RunBegins(0);
  trace.RunEnds(0);
  const std::string text = Written(trace, true);
  EXPECT_EQ(Count(text, "\"goes_on\": true"), 1);
  EXPECT_THAT(text, HasSubstr("\"cat\": \"poll\", \"pid\": 1, \"tid\": 2, "
                              "\"ts\": 0.000, "));
}

struct GivenClock {
  static constexpr bool kNanoseconds = true;
  static std::uint64_t Now() { return now; }
  static inline std::uint64_t now = 0;
};

TEST(Trace, AWaitHasBothItsEndsAndOneThatLastsGoesOn) {
  TraceBy<CounterClock> trace(1);
  const ObservedWait read{7, Mode::kRead, nullptr};
  const ObservedWait write{7, Mode::kWrite, nullptr};
  trace.WaitBegins(0, read);
  trace.WaitBegins(-1, write);
  trace.WaitEnds(0, read);
  trace.WaitBegins(0, read);
  trace.WaitEnds(0, read);
  const std::string text = Written(trace);
  EXPECT_THAT(text, HasSubstr("{\"kept\": 5, \"lost\": 0, "));
  EXPECT_THAT(text, HasSubstr("\"fd 7 read\""));
  EXPECT_THAT(text, HasSubstr("\"fd 7 write\""));
  EXPECT_EQ(Count(text, "\"cat\": \"wait\""), 3);
  EXPECT_EQ(Count(text, "\"goes_on\": true"), 1);
}

// What was written over is counted, and an end without its begin is left out.
TEST(Trace, TheOldestAreWrittenOver) {
  TraceBy<GivenClock> trace(2, 4);
  std::uint64_t& now = GivenClock::now;
  now = 1000;
  const ObservedWait wait{3, Mode::kRead, nullptr};
  trace.WaitBegins(1, wait);
  for (int i = 0; i < 3; ++i) {
    now = 1000;
    trace.PollBegins(1);
    now = 2000;
    trace.PollEnds(1, 5);
  }
  trace.WaitEnds(1, wait);
  now = 1501;
  trace.RunBegins(0);
  now = 2501;
  trace.RunEnds(0);
  EXPECT_EQ(trace.kept(), 5u);
  EXPECT_EQ(trace.lost(), 1u);
  const std::string text = Written(trace);
  EXPECT_THAT(text, Not(HasSubstr("\"cat\": \"wait\"")));
  EXPECT_EQ(Count(text, "{\"woken\": 5}"), 3);
  // Times are in microseconds from the first.
  EXPECT_THAT(text, HasSubstr("\"ts\": 0.000, \"dur\": 1.000"));
  EXPECT_THAT(text, HasSubstr("\"ts\": 0.501, \"dur\": 1.000"));
}

// What writes over the oldest may have been killed in the midst.
TEST(Trace, OfOneThatWasKilledTheOldestIsLeftOut) {
  TraceBy<SystemClock> trace(1, 4);
  for (int i = 0; i < 5; ++i) {
    trace.PollBegins(0);
    trace.PollEnds(0, i);
  }
  EXPECT_EQ(Count(Written(trace), "\"woken\""), 4);
  const std::string text = Written(trace, true);
  EXPECT_THAT(text, HasSubstr("\"killed\": true"));
  EXPECT_EQ(Count(text, "\"woken\""), 3);
  EXPECT_THAT(text, Not(HasSubstr("{\"woken\": 1}")));
}

class CounterClockTest : public ::testing::Test {
  void SetUp() override {
    if (!CounterClock::Works()) GTEST_SKIP() << "the clock source is no tsc";
  }
};

// Two reads of the system's clock on each side say how long it was.
TEST_F(CounterClockTest, TellsTheTimeOfTheSystemsClock) {
  const TickRate rate(&CounterClock::Now);
  for (int i = 0; i < 3; ++i) {
    const std::int64_t before = Runtime::Now();
    const std::uint64_t from = CounterClock::Now();
    const std::int64_t begun = Runtime::Now();
    std::int64_t ended = begun;
    while (ended - begun < 5'000'000) ended = Runtime::Now();
    const std::uint64_t to = CounterClock::Now();
    const std::int64_t after = Runtime::Now();
    ASSERT_GT(to, from);
    const double took = static_cast<double>(to - from) * rate.Nanoseconds();
    EXPECT_GT(took, 0.99 * static_cast<double>(ended - begun));
    EXPECT_LT(took, 1.01 * static_cast<double>(after - before));
  }
}

// Who was told of something by another thread reads a later time.
TEST_F(CounterClockTest, OneThreadsTimeFollowsAnothers) {
  std::atomic<std::uint64_t> told{0};
  std::atomic<int> earlier{0};
  constexpr int kTurns = 2'000;
  const auto turns = [&](std::uint64_t mine) {
    for (int i = 0; i < kTurns; ++i) {
      std::uint64_t last = 0;
      while (((last = told.load(std::memory_order_acquire)) & 1) != mine) {
        std::this_thread::yield();
      }
      const std::uint64_t now = CounterClock::Now();
      if ((now | 1) < (last | 1)) ++earlier;
      told.store((now & ~std::uint64_t{1}) | (mine ^ 1),
                 std::memory_order_release);
    }
  };
  std::thread other([&] { turns(1); });
  turns(0);
  other.join();
  EXPECT_EQ(earlier.load(), 0);
}

}  // namespace
}  // namespace netpoll::server
