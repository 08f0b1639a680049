// SPDX-License-Identifier: Apache-2.0
//
// The clocks of a trace. Their times are ticks; a rate says how long one is.

#ifndef NETPOLL_TOOLS_SERVER_TRACE_CLOCK_H_
#define NETPOLL_TOOLS_SERVER_TRACE_CLOCK_H_

#include <cstdint>

#include "netpoll/runtime/runtime.h"

namespace netpoll::server {

// CLOCK_MONOTONIC.
struct SystemClock {
  static constexpr bool kNanoseconds = true;
  static std::uint64_t Now() {
    return static_cast<std::uint64_t>(Runtime::Now());
  }
};

// The processor's counter, for a few instructions.
struct CounterClock {
  static constexpr bool kNanoseconds = false;
  // The kernel tells the time by the same (x86-64, clock source "tsc"): it
  // counts evenly, and alike on all processors.
  static bool Works();
  static std::uint64_t Now() {
#ifdef __x86_64__
    // Not before what comes before it: two processors tell of what follows each
    // other.
    __builtin_ia32_lfence();
    return __builtin_ia32_rdtsc();
#else
    return 0;
#endif
  }
};

// How long a tick is, by what has passed since this was made.
class TickRate {
 public:
  using Ticks = std::uint64_t (*)();

  // Null: ticks are nanoseconds.
  explicit TickRate(Ticks ticks);

  std::uint64_t Now() const {
    return ticks_ != nullptr ? ticks_() : SystemClock::Now();
  }
  // Of a tick. Measures a hundredth of a second at least, and waits until then.
  // A child process may ask as well.
  double Nanoseconds() const;

 private:
  // One moment in both.
  struct Moment {
    std::uint64_t tick = 0;
    std::int64_t time = 0;
  };

  Moment Look() const;

  Ticks ticks_;
  Moment first_;
};

}  // namespace netpoll::server

#endif  // NETPOLL_TOOLS_SERVER_TRACE_CLOCK_H_
