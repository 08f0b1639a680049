// SPDX-License-Identifier: Apache-2.0
//
// Time as the poller sees it: absolute nanoseconds of a monotonic clock, and
// how long one poll may block. No clock is read: "now" is always an argument,
// so that a manual clock and a model can supply it.

#ifndef NETPOLL_CORE_DELTA_H_
#define NETPOLL_CORE_DELTA_H_

#include "netpoll/core/cpp20.h"

#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <numeric>
#include <type_traits>
#include <utility>

namespace netpoll {

// The absolute time that never comes. Of a `Delta` that is Forever(), of a
// `Deadline` None(): neither says it in another way.
inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

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
  static constexpr Delta Forever() { return Delta(kForever); }
  static constexpr Delta NonBlocking() { return Delta(0); }

  // For whoever has waited elsewhere, on Poller::PollFd: the blocking poll in
  // all but that it does not wait. It takes the break, as one that does not
  // block must not.
  static constexpr Delta Waited() { return Delta(kWaited); }

  // At most `limit`; zero or less does not block, and what is too long to be
  // said in nanoseconds is for ever.
  template <class Rep, class Period>
  static constexpr Delta AtMost(std::chrono::duration<Rep, Period> limit) {
    return Until(0, SaturatedNanos(limit));
  }

  // The sign rule of the milliseconds parameter: below 0 for ever, 0 not at
  // all, above 0 at most that long, as AtMost.
  static constexpr Delta FromMilliseconds(std::int64_t milliseconds) {
    if (milliseconds < 0) return Forever();
    return AtMost(std::chrono::milliseconds(milliseconds));
  }

  // From `now` until `when`, both absolute nanoseconds of one monotonic clock;
  // kNever, and what is too far to be said, is for ever.
  static constexpr Delta Until(std::int64_t now, std::int64_t when) {
    if (when <= now) return NonBlocking();
    if (when == kNever || (now < 0 && when >= kNever + now)) return Forever();
    return Delta(when - now);
  }

  constexpr bool forever() const { return nanos_ == kForever; }
  // Whether it is the blocking poll, of which there is one at a time.
  constexpr bool blocking() const { return nanos_ != 0; }
  // Blocks, but at most nanos().
  constexpr bool limited() const { return blocking() && !forever(); }

  // Nanoseconds; meaningful unless forever().
  constexpr std::int64_t nanos() const { return nanos_ < 0 ? 0 : nanos_; }

  // The value for a call that takes milliseconds, -1 for ever: rounded up, and
  // cut to the range of int (the caller's loop polls again).
  constexpr int ToMillisecondsCeil() const {
    if (forever()) return -1;
    const std::int64_t whole = nanos() / kNanosPerMilli;
    const std::int64_t ceil = whole + (nanos() % kNanosPerMilli != 0 ? 1 : 0);
    constexpr std::int64_t kIntMax = std::numeric_limits<int>::max();
    return static_cast<int>(ceil < kIntMax ? ceil : kIntMax);
  }

  friend constexpr bool operator==(Delta, Delta) = default;

 private:
  static constexpr std::int64_t kNanosPerMilli = 1'000'000;
  static constexpr std::int64_t kForever = -1;
  static constexpr std::int64_t kWaited = -2;

  explicit constexpr Delta(std::int64_t nanos) : nanos_(nanos) {}

  std::int64_t nanos_;
};

}  // namespace netpoll

#endif  // NETPOLL_CORE_DELTA_H_
