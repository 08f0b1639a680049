// SPDX-License-Identifier: Apache-2.0
//
// Interval: a rhythm that does not drift. However long what is done at a tick
// takes, the next is at a multiple of the period after the first.
//
//   Interval every(runtime, 10s);
//   while (co_await every.Tick() > 0) Report();     0: the runtime stopped

#ifndef NETPOLL_RUNTIME_INTERVAL_H_
#define NETPOLL_RUNTIME_INTERVAL_H_

#include "netpoll/core/cpp20.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "netpoll/core/deadline.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/sleep.h"

namespace netpoll {

class Interval {
 public:
  // The first tick is a period from now. A period is at least a nanosecond.
  Interval(Runtime& runtime, std::chrono::nanoseconds period)
      : runtime_(runtime),
        period_(std::max<std::int64_t>(period.count(), 1)),
        next_(Runtime::Now()) {
    Advance(1);
  }

  class TickAwaiter : public internal::SleepAwaiter {
   public:
    explicit TickAwaiter(Interval& interval)
        : SleepAwaiter(interval.Sleep()), interval_(interval) {}
    std::int64_t await_resume() {
      return SleepAwaiter::await_resume() ? interval_.Passed() : 0;
    }

   private:
    Interval& interval_;
  };
  // co_await Tick(): how many ticks have come since the last that was awaited.
  // One, unless the task was late: then more, and none is made up for. 0: the
  // runtime stopped. By one task at a time.
  TickAwaiter Tick() { return TickAwaiter(*this); }

 private:
  internal::SleepAwaiter Sleep() const {
    return runtime_.SleepUntil(Deadline::At(next_));
  }
  std::int64_t Passed() {
    const std::int64_t late = std::max<std::int64_t>(Runtime::Now() - next_, 0);
    const std::int64_t ticks = late / period_ + 1;
    Advance(ticks);
    return ticks;
  }
  // What is too far to be said is never.
  void Advance(std::int64_t ticks) {
    std::int64_t way;
    if (__builtin_mul_overflow(ticks, period_, &way) ||
        __builtin_add_overflow(next_, way, &next_)) {
      next_ = kNever;
    }
  }

  Runtime& runtime_;
  const std::int64_t period_;
  std::int64_t next_;
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_INTERVAL_H_
