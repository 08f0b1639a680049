// SPDX-License-Identifier: Apache-2.0
//
// Durations of every kind become times that are never early, and never run
// over.

#include "netpoll/core/delta.h"

#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <ratio>

#include "gtest/gtest.h"
#include "netpoll/core/deadline.h"

namespace netpoll {
namespace {

using std::chrono::duration;
using std::chrono::nanoseconds;
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kNow = 1'000'000;

template <class D>
class DurationTest : public testing::Test {};

using Durations = testing::Types<
    nanoseconds, std::chrono::microseconds, std::chrono::milliseconds,
    std::chrono::seconds, std::chrono::minutes, std::chrono::hours,
    std::chrono::days, std::chrono::years, duration<std::int64_t, std::pico>,
    duration<std::int64_t, std::ratio<1, 60>>,
    duration<std::int64_t, std::ratio<7, 3>>, duration<std::int64_t, std::exa>,
    duration<std::int64_t, std::atto>, duration<std::uint64_t, std::nano>,
    duration<std::uint64_t>, duration<std::uint32_t, std::milli>,
    duration<std::int8_t>, duration<char, std::micro>, duration<double>,
    duration<double, std::nano>, duration<float, std::milli>,
    duration<long double, std::ratio<3600>>>;
TYPED_TEST_SUITE(DurationTest, Durations);

// In nanoseconds, as exactly as the machine can say.
template <class Rep, class Period>
long double Exactly(duration<Rep, Period> d) {
  return static_cast<long double>(d.count()) * Period::num * 1e9L / Period::den;
}

TYPED_TEST(DurationTest, IsNeverEarly) {
  using Rep = typename TypeParam::rep;
  using Limits = std::numeric_limits<Rep>;
  const Rep reps[] = {Rep(1),
                      Rep(2),
                      Rep(3),
                      Rep(59),
                      Rep(100),
                      Rep(Limits::max() / 7),
                      Rep(Limits::max() / 2),
                      Rep(Limits::max() - 1),
                      Limits::max()};
  for (const Rep rep : reps) {
    const TypeParam d(rep);
    const auto exact = Exactly(d);
    const std::int64_t nanos = SaturatedNanos(d);
    EXPECT_GT(nanos, 0) << exact;
    if (nanos != kMax) {
      EXPECT_GE(static_cast<long double>(nanos), exact);
      EXPECT_LE(static_cast<long double>(nanos), exact + 1);
    } else {
      // Within a count of what 64 bits can say.
      EXPECT_GE(exact + 2 * Exactly(TypeParam(Rep(1))), 9223372036854775806.0L);
    }
    const Deadline after = Deadline::After(kNow, d);
    EXPECT_EQ(after.none(), nanos >= kMax - kNow);
    if (!after.none()) {
      EXPECT_EQ(after.value(), kNow + nanos);
    }
    EXPECT_TRUE(Delta::AtMost(d).blocking());
    EXPECT_EQ(Delta::AtMost(d).forever(), nanos == kMax);
    if (nanos != kMax) {
      EXPECT_EQ(Delta::AtMost(d).nanos(), nanos);
    }
  }
}

TYPED_TEST(DurationTest, NothingAndLessIsPast) {
  using Limits = std::numeric_limits<typename TypeParam::rep>;
  EXPECT_TRUE(Deadline::After(kNow, TypeParam(0)).past());
  EXPECT_FALSE(Delta::AtMost(TypeParam(0)).blocking());
  if constexpr (Limits::is_signed) {
    for (const auto rep : {typename TypeParam::rep(-1), Limits::lowest()}) {
      EXPECT_TRUE(Deadline::After(kNow, TypeParam(rep)).past());
      EXPECT_FALSE(Delta::AtMost(TypeParam(rep)).blocking());
    }
  }
}

TEST(DurationLimitsTest, TheLongestIsNever) {
  EXPECT_TRUE(Deadline::After(kNow, std::chrono::milliseconds::max()).none());
  EXPECT_TRUE(Deadline::After(kNow, std::chrono::hours::max()).none());
  EXPECT_TRUE(Delta::AtMost(std::chrono::years::max()).forever());
  EXPECT_EQ(Deadline::After(kNow, nanoseconds(kMax - kNow - 1)).value(),
            kMax - 1);
  EXPECT_EQ(SaturatedNanos(std::chrono::hours::min()), kMin);
  EXPECT_EQ(SaturatedNanos(nanoseconds::max()), kMax);
  EXPECT_EQ(SaturatedNanos(nanoseconds::min()), kMin);
  EXPECT_EQ(SaturatedNanos(nanoseconds::max() - nanoseconds(1)), kMax - 1);
}

TEST(DurationLimitsTest, NoNumberIsNeverEarly) {
  using Seconds = duration<double>;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(Deadline::After(kNow, Seconds(kInfinity)).none());
  EXPECT_TRUE(Deadline::After(kNow, Seconds(-kInfinity)).past());
  EXPECT_TRUE(Deadline::After(kNow, Seconds(std::nan(""))).none());
  EXPECT_TRUE(Delta::AtMost(Seconds(std::nan(""))).forever());
  EXPECT_EQ(SaturatedNanos(duration<float>(std::nanf(""))), kMax);
}

TEST(DurationLimitsTest, PartsOfANanosecondAreRoundedUp) {
  using Picos = duration<std::int64_t, std::pico>;
  EXPECT_EQ(SaturatedNanos(Picos(1)), 1);
  EXPECT_EQ(SaturatedNanos(Picos(1000)), 1);
  EXPECT_EQ(SaturatedNanos(Picos(1001)), 2);
  EXPECT_EQ(SaturatedNanos(Picos(-1)), 0);
  EXPECT_EQ(SaturatedNanos(Picos(-1001)), -1);
  EXPECT_EQ(SaturatedNanos(duration<double, std::nano>(0.25)), 1);
  EXPECT_EQ(SaturatedNanos(duration<double>(0.5)), 500'000'000);
}

TEST(DeltaTest, UntilDoesNotRunOver) {
  EXPECT_EQ(Delta::Until(0, kMax - 1).nanos(), kMax - 1);
  EXPECT_EQ(Delta::Until(-1, kMax - 2).nanos(), kMax - 1);
  EXPECT_EQ(Delta::Until(-1, kMax - 1), Delta::Forever());
  EXPECT_EQ(Delta::Until(kMin, kMax - 1), Delta::Forever());
  EXPECT_EQ(Delta::Until(-5, 5).nanos(), 10);
  EXPECT_FALSE(Delta::Until(kMax, kMin).blocking());
}

TEST(DeltaTest, NeverIsSaidInOneWay) {
  for (const std::int64_t now :
       {kMin, std::int64_t{-1}, std::int64_t{0}, kNow, kMax - 1}) {
    EXPECT_EQ(Delta::Until(now, kNever), Delta::Forever()) << now;
  }
  EXPECT_EQ(Delta::FromMilliseconds(kMax), Delta::Forever());
  EXPECT_EQ(Delta::FromMilliseconds(-1), Delta::Forever());
  EXPECT_EQ(Deadline::At(kNever), Deadline::None());
  EXPECT_EQ(Deadline::After(0, nanoseconds(kMax)), Deadline::None());
}

TEST(DeadlineTest, ANowBeforeTheClocksBeginIsHeeded) {
  EXPECT_EQ(Deadline::After(kMin, nanoseconds(5)), Deadline::Past());
  EXPECT_EQ(Deadline::After(-5, nanoseconds(10)), Deadline::At(5));
  EXPECT_EQ(Deadline::After(-5, nanoseconds::max()), Deadline::At(kMax - 5));
}

static_assert(Delta::AtMost(nanoseconds(1)).limited());
static_assert(!Delta::Forever().limited() && !Delta::NonBlocking().limited());

static_assert(Deadline::After(1, std::chrono::hours::max()).none(),
              "at compile time too");

}  // namespace
}  // namespace netpoll
