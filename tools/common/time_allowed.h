// SPDX-License-Identifier: Apache-2.0
//
// A limit of time in the options of a program: whatever duration it is set to,
// it is that long, or as long as can be said. The standard's own conversion to
// nanoseconds runs over instead: a limit of hours::max() would have passed
// before it began.

#ifndef NETPOLL_TOOLS_COMMON_TIME_ALLOWED_H_
#define NETPOLL_TOOLS_COMMON_TIME_ALLOWED_H_

#include <chrono>

#include "netpoll/core/delta.h"

namespace netpoll::tools {

class TimeAllowed : public std::chrono::nanoseconds {
 public:
  constexpr TimeAllowed() : std::chrono::nanoseconds(0) {}
  // Rounded up; not a number is the longest.
  template <class Rep, class Period>
  constexpr TimeAllowed(  // NOLINT: stands for a duration.
      std::chrono::duration<Rep, Period> limit)
      : std::chrono::nanoseconds(SaturatedNanos(limit)) {}
};

}  // namespace netpoll::tools

#endif  // NETPOLL_TOOLS_COMMON_TIME_ALLOWED_H_
