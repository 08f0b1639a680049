// SPDX-License-Identifier: Apache-2.0

#include "netpoll/tools/server/trace_clock.h"

#include <chrono>
#include <cstdint>
#include <fstream>
#include <string>
#include <thread>

#include "netpoll/runtime/runtime.h"

namespace netpoll::server {
namespace {

constexpr std::int64_t kLeast = 10'000'000;  // Nanoseconds.

}  // namespace

bool CounterClock::Works() {
#ifdef __x86_64__
  std::ifstream file(
      "/sys/devices/system/clocksource/clocksource0/current_clocksource");
  std::string source;
  return std::getline(file, source) && source == "tsc";
#else
  return false;
#endif
}

TickRate::TickRate(Ticks ticks) : ticks_(ticks) {
  if (ticks_ != nullptr) first_ = Look();
}

// The thread may be stopped in the midst: the quickest of some.
TickRate::Moment TickRate::Look() const {
  Moment best;
  std::uint64_t shortest = UINT64_MAX;
  for (int i = 0; i < 16; ++i) {
    const std::uint64_t before = ticks_();
    const std::int64_t time = Runtime::Now();
    const std::uint64_t took = ticks_() - before;
    if (took >= shortest) continue;
    shortest = took;
    best = {before + took / 2, time};
  }
  return best;
}

double TickRate::Nanoseconds() const {
  if (ticks_ == nullptr) return 1;
  const std::int64_t left = first_.time + kLeast - Runtime::Now();
  if (left > 0) std::this_thread::sleep_for(std::chrono::nanoseconds(left));
  const Moment last = Look();
  // A machine that slept may count anew.
  if (last.tick <= first_.tick) return 1;
  return static_cast<double>(last.time - first_.time) /
         static_cast<double>(last.tick - first_.tick);
}

}  // namespace netpoll::server
