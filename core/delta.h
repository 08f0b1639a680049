// SPDX-License-Identifier: Apache-2.0
//
// Time as the poller sees it. `Delta` says how long one poll may block,
// `Deadline` when an operation must end. Neither reads a clock: "now" is always
// an argument, so that a manual clock and a model can supply it.

#ifndef NETPOLL_CORE_DELTA_H_
#define NETPOLL_CORE_DELTA_H_

#include <chrono>
#include <cstdint>
#include <limits>

namespace netpoll {

// How long a poll may block: for ever, not at all, or at most some time.
// A poll may always return earlier, with nothing (signal, break, stale event).
// Every backend rounds up to what its system call can express, never down.
class Delta {
 public:
  static constexpr Delta Forever() { return Delta(-1); }
  static constexpr Delta NonBlocking() { return Delta(0); }

  // At most `limit`; zero or less does not block.
  static constexpr Delta AtMost(std::chrono::nanoseconds limit) {
    return Delta(limit.count() > 0 ? limit.count() : 0);
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
    return when <= now ? NonBlocking() : Delta(when - now);
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

  // `delay` after `now` (absolute, at least 0). Not positive means past; a sum
  // that overflows is as late as can be said, never early.
  static constexpr Deadline After(std::int64_t now,
                                  std::chrono::nanoseconds delay) {
    if (delay.count() <= 0) return Past();
    if (delay.count() > kNever - now) return Deadline(kNever);
    return At(now + delay.count());
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
