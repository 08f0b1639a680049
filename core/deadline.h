// SPDX-License-Identifier: Apache-2.0
//
// When an operation must end. No clock is read: "now" is an argument.

#ifndef NETPOLL_CORE_DEADLINE_H_
#define NETPOLL_CORE_DEADLINE_H_

#include <chrono>
#include <cstdint>

#include "netpoll/core/delta.h"

namespace netpoll {

// When an operation in one direction must end. The representation is that of
// the descriptor's field: 0 none, above 0 absolute nanoseconds of a monotonic
// clock, below 0 already past.
class Deadline {
 public:
  constexpr Deadline() = default;  // None.

  static constexpr Deadline None() { return Deadline(0); }
  static constexpr Deadline Past() { return Deadline(-1); }

  // At an absolute time; a time that is not positive is past, kNever none.
  static constexpr Deadline At(std::int64_t when) {
    if (when == kNever) return None();
    return when > 0 ? Deadline(when) : Past();
  }

  // `delay` after `now` (absolute), in whatever unit. Not positive means past;
  // what is too far to be said is none, never early.
  template <class Rep, class Period>
  static constexpr Deadline After(std::int64_t now,
                                  std::chrono::duration<Rep, Period> delay) {
    const std::int64_t nanos = SaturatedNanos(delay);
    if (nanos <= 0) return Past();
    if (now > 0 && nanos > kNever - now) return None();
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

#endif  // NETPOLL_CORE_DEADLINE_H_
