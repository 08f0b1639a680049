// SPDX-License-Identifier: Apache-2.0
//
// Time as the poller sees it. `Delta` says how long one poll may block,
// `Deadline` when an operation must end. Neither reads a clock: "now" is always
// an argument, so that a manual clock and a model can supply it.

#ifndef NETPOLL_CORE_DELTA_H_
#define NETPOLL_CORE_DELTA_H_

#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <numeric>
#include <type_traits>
#include <utility>

namespace netpoll {

// A duration of any kind in nanoseconds: rounded up, so that no wait ends
// early, and cut to what 64 bits can say. The standard's implicit conversions
// run over instead: milliseconds::max() in nanoseconds is -1000000. A duration
// that is not a number is the longest: never early.
template <class Rep, class Period>
constexpr std::int64_t SaturatedNanos(
    std::chrono::duration<Rep, Period> duration) {
  using Limits = std::numeric_limits<std::int64_t>;
  constexpr std::int64_t kPerSecond = 1'000'000'000;
  // Nanoseconds for each count: kNum / kDen.
  constexpr std::int64_t kShared = std::gcd(kPerSecond, Period::den);
  constexpr std::int64_t kDen = Period::den / kShared;
  constexpr bool kFits = Period::num <= Limits::max() / (kPerSecond / kShared);
  constexpr std::int64_t kNum =
      kFits ? Period::num * (kPerSecond / kShared) : Limits::max();
  if constexpr (std::integral<Rep> && kNum <= Limits::max() / kDen) {
    using Wide =
        std::conditional_t<std::is_signed_v<Rep>, std::int64_t, std::uint64_t>;
    // In parts that do not run over.
    const auto count = static_cast<Wide>(duration.count());
    if (std::cmp_greater(count / kDen, Limits::max() / kNum - 1)) {
      return Limits::max();
    }
    if (std::cmp_less(count / kDen, Limits::min() / kNum + 1)) {
      return Limits::min();
    }
    const auto whole = static_cast<std::int64_t>(count / kDen);
    const auto rest = static_cast<std::int64_t>(count % kDen) * kNum;
    return whole * kNum + rest / kDen + (rest % kDen > 0 ? 1 : 0);
  } else {
    constexpr long double kBeyond = 9223372036854775808.0L;  // 2^63
    const long double nanos = static_cast<long double>(duration.count()) *
                              Period::num * kPerSecond / Period::den;
    if (!(nanos < kBeyond)) return Limits::max();
    if (nanos < -kBeyond) return Limits::min();
    const auto whole = static_cast<std::int64_t>(nanos);  // Toward zero.
    return whole < nanos ? whole + 1 : whole;
  }
}

// How long a poll may block: for ever, not at all, or at most some time.
// A poll may always return earlier, with nothing (signal, break, stale event).
// Every backend rounds up to what its system call can express, never down.
class Delta {
 public:
  static constexpr Delta Forever() { return Delta(-1); }
  static constexpr Delta NonBlocking() { return Delta(0); }

  // At most `limit`; zero or less does not block.
  template <class Rep, class Period>
  static constexpr Delta AtMost(std::chrono::duration<Rep, Period> limit) {
    const std::int64_t nanos = SaturatedNanos(limit);
    return Delta(nanos > 0 ? nanos : 0);
  }

  // The sign rule of the milliseconds parameter: below 0 for ever, 0 not at
  // all, above 0 at most that long. Saturates instead of overflowing.
  static constexpr Delta FromMilliseconds(std::int64_t milliseconds) {
    if (milliseconds < 0) return Forever();
    if (milliseconds > kMax / kNanosPerMilli) return Delta(kMax);
    return Delta(milliseconds * kNanosPerMilli);
  }

  // From `now` until `when`, both absolute nanoseconds of one monotonic clock.
  static constexpr Delta Until(std::int64_t now, std::int64_t when) {
    if (when <= now) return NonBlocking();
    if (now < 0 && when > kMax + now) return Delta(kMax);
    return Delta(when - now);
  }

  constexpr bool forever() const { return nanos_ < 0; }
  constexpr bool blocking() const { return nanos_ != 0; }

  // Nanoseconds; meaningful unless forever().
  constexpr std::int64_t nanos() const { return nanos_; }

  // The value for a call that takes milliseconds, -1 for ever: rounded up, and
  // cut to the range of int (the caller's loop polls again).
  constexpr int ToMillisecondsCeil() const {
    if (forever()) return -1;
    const std::int64_t whole = nanos_ / kNanosPerMilli;
    const std::int64_t ceil = whole + (nanos_ % kNanosPerMilli != 0 ? 1 : 0);
    constexpr std::int64_t kIntMax = std::numeric_limits<int>::max();
    return static_cast<int>(ceil < kIntMax ? ceil : kIntMax);
  }

  friend constexpr bool operator==(Delta, Delta) = default;

 private:
  static constexpr std::int64_t kNanosPerMilli = 1'000'000;
  static constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

  explicit constexpr Delta(std::int64_t nanos) : nanos_(nanos) {}

  std::int64_t nanos_;
};

// When an operation in one direction must end. The representation is that of
// the descriptor's field: 0 none, above 0 absolute nanoseconds of a monotonic
// clock, below 0 already past.
class Deadline {
 public:
  static constexpr std::int64_t kNever =
      std::numeric_limits<std::int64_t>::max();

  constexpr Deadline() = default;  // None.

  static constexpr Deadline None() { return Deadline(0); }
  static constexpr Deadline Past() { return Deadline(-1); }

  // At an absolute time; a time that is not positive is past.
  static constexpr Deadline At(std::int64_t when) {
    return Deadline(when > 0 ? when : -1);
  }

  // `delay` after `now` (absolute), in whatever unit. Not positive means past;
  // a delay or a sum that overflows is as late as can be said, never early.
  template <class Rep, class Period>
  static constexpr Deadline After(std::int64_t now,
                                  std::chrono::duration<Rep, Period> delay) {
    const std::int64_t nanos = SaturatedNanos(delay);
    if (nanos <= 0) return Past();
    if (now > 0 && nanos > kNever - now) return Deadline(kNever);
    return At(now + nanos);
  }

  constexpr bool none() const { return value_ == 0; }
  constexpr bool past() const { return value_ < 0; }
  constexpr std::int64_t value() const { return value_; }

  friend constexpr bool operator==(Deadline, Deadline) = default;

 private:
  explicit constexpr Deadline(std::int64_t value) : value_(value) {}

  std::int64_t value_ = 0;
};

}  // namespace netpoll

#endif  // NETPOLL_CORE_DELTA_H_
