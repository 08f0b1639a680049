// SPDX-License-Identifier: Apache-2.0
//
// What surrounds the workers of the sleep protocol: a kernel, a clock, and the
// deadline of the one descriptor, with the steps that each can take.

#ifndef NETPOLL_MODEL_SCENARIOS_SLEEP_SYSTEM_H_
#define NETPOLL_MODEL_SCENARIOS_SLEEP_SYSTEM_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace netpoll::model::sleep_system {

inline constexpr int kNoTime = 99;

enum class Event : std::uint8_t { kNone, kPending, kInHand };

// The kernel, the clock, and the deadline of the one descriptor.
struct System {
  int now = 0;
  int earliest = kNoTime;
  bool broken = false;
  bool heard = false;  // The break has ended a sleep in somebody else's loop.
  bool interrupted = false;
  Event event = Event::kNone;
  int spoken_at = 0;

  // Whether the event came before the deadline.
  bool in_time() const { return event != Event::kNone && spoken_at < earliest; }
  bool Fetch() {
    const bool any = event == Event::kPending;
    if (any) event = Event::kInHand;
    return any;
  }
  std::string Text() const {
    return "now " + std::to_string(now) + ", deadline " +
           std::to_string(earliest) + (broken ? ", broken" : "") +
           (interrupted ? ", interrupted" : "") +
           (event == Event::kPending  ? ", event"
            : event == Event::kInHand ? ", event in hand"
                                      : "");
  }
  friend bool operator==(const System&, const System&) = default;
};
using Step = std::optional<int>;

inline Step Earliest(System& system, std::int64_t) { return system.earliest; }
inline Step Tell(System& system, std::int64_t) { return system.now; }
inline Step Speak(System& system, std::int64_t) {
  if (system.event != Event::kNone) return std::nullopt;
  system.event = Event::kPending;
  system.spoken_at = system.now;
  return 0;
}
inline Step Interrupt(System& system, std::int64_t) {
  if (system.interrupted) return std::nullopt;
  system.interrupted = true;
  return 0;
}
inline Step Break(System& system, std::int64_t) {
  system.broken = true;
  return 0;
}
inline Step Arm(System& system, std::int64_t when) {
  system.earliest = static_cast<int>(when);
  return 0;
}
inline Step Pass(System& system, std::int64_t now) {
  system.now = static_cast<int>(now);
  return 0;
}
// A wait until `end`. 1: an event is in hand. One with a limit may end with
// nothing although there is an event.
inline Step Wait(System& system, std::int64_t end) {
  if (system.interrupted && end != kNoTime) {
    system.interrupted = false;
    return 0;
  }
  const bool broken = std::exchange(system.broken, false);
  system.heard = false;
  if (system.Fetch()) return 1;
  if (!broken && system.now < end) return std::nullopt;
  return 0;
}
// A sleep until `end` in a loop of somebody else's: it fetches nothing. Whether
// the descriptor is readable; it may end for a matter of that loop's.
inline constexpr int kHeardTwice = 2;
inline constexpr int kOtherMatter = 3;
inline Step SleepElsewhere(System& system, std::int64_t end) {
  if (std::exchange(system.interrupted, false)) return kOtherMatter;
  const bool event = system.event == Event::kPending;
  if (!system.broken && !event && system.now < end) return std::nullopt;
  if (!system.broken) return event;
  return std::exchange(system.heard, true) && !event ? kHeardTwice : 1;
}
// What follows such a sleep: it does not wait, and takes the break.
inline Step Take(System& system, std::int64_t) {
  system.broken = false;
  system.heard = false;
  return system.Fetch();
}
inline Step Fetch(System& system, std::int64_t) { return system.Fetch(); }
// The task is served, and has no deadline any more.
inline Step Deliver(System& system, std::int64_t) {
  system.event = Event::kNone;
  system.earliest = kNoTime;
  return 0;
}
inline constexpr int kFalse = 2;
inline Step Expire(System& system, std::int64_t now) {
  if (system.earliest > now) return 0;
  if (system.in_time()) return kFalse;
  system.earliest = kNoTime;
  return 1;
}

}  // namespace netpoll::model::sleep_system

#endif  // NETPOLL_MODEL_SCENARIOS_SLEEP_SYSTEM_H_
