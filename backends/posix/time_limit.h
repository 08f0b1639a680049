// SPDX-License-Identifier: Apache-2.0
//
// A limit as system calls take it.

#ifndef NETPOLL_BACKENDS_POSIX_TIME_LIMIT_H_
#define NETPOLL_BACKENDS_POSIX_TIME_LIMIT_H_

#include <time.h>

#include <cstdint>

#include "netpoll/core/delta.h"

namespace netpoll {

// Nanoseconds whole. Cut to 10^6 seconds: Darwin says EINVAL to more than 10^8,
// and Linux adds the time since it started in 64 bits; the caller's loop polls
// again. Of Delta::Forever() it makes nothing that means anything.
template <class Timespec = timespec>
constexpr Timespec TimeLimit(Delta delta) {
  constexpr std::int64_t kNanosPerSecond = 1'000'000'000;
  constexpr std::int64_t kMostSeconds = 1'000'000;
  const std::int64_t seconds = delta.nanos() / kNanosPerSecond;
  const bool cut = seconds >= kMostSeconds;
  Timespec limit{};
  limit.tv_sec =
      static_cast<decltype(limit.tv_sec)>(cut ? kMostSeconds : seconds);
  limit.tv_nsec = static_cast<decltype(limit.tv_nsec)>(
      cut ? 0 : delta.nanos() % kNanosPerSecond);
  return limit;
}
static_assert(TimeLimit(Delta::NonBlocking()).tv_nsec == 0);
static_assert(TimeLimit(Delta::FromMilliseconds(1500)).tv_sec == 1);
static_assert(TimeLimit(Delta::FromMilliseconds(1500)).tv_nsec == 500'000'000);
static_assert(TimeLimit(Delta::FromMilliseconds(9'000'000'000'000)).tv_sec ==
              1'000'000);
static_assert(TimeLimit(Delta::FromMilliseconds(9'000'000'000'000)).tv_nsec ==
              0);

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_POSIX_TIME_LIMIT_H_
