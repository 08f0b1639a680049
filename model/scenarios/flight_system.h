// SPDX-License-Identifier: Apache-2.0
//
// A stream of which the system carries out the reads (io_flight.h): one at a
// time, ended by what comes, or because its end was asked for. Of the two it
// may tell either when both are there; what it does not tell stays. Or there
// are two rings, each a worker's own: a call is one's, which alone ends it, and
// who breaks a ring's wait has it look for what it was asked.

#ifndef NETPOLL_MODEL_SCENARIOS_FLIGHT_SYSTEM_H_
#define NETPOLL_MODEL_SCENARIOS_FLIGHT_SYSTEM_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "netpoll/model/model_env.h"

namespace netpoll::model {

struct FlightSystem {
  // Bit 0 bytes, bit 1 the end of the stream.
  static constexpr std::uint8_t kBytes = 1, kEndOfStream = 2;
  static constexpr int kCancelled = 4;  // As a result.
  static constexpr int kBroken = 8;     // Of a wait.

  std::uint8_t unread = 0;
  std::uint8_t flies = 0;   // There is a call: of which task, from 1.
  std::uint8_t ring = 0;    // Which has it.
  std::uint8_t broken = 0;  // Waits of rings, a bit each.
  bool recalled = false;    // Its end was asked for.
  bool holds = false;       // A call has taken bytes that nobody was given.
  bool in_time = false;     // There were bytes when a cancellation came.

  using Step = std::optional<int>;

  static Step Speaks(FlightSystem& system, std::int64_t what) {
    system.unread |= static_cast<std::uint8_t>(what);
    return 0;
  }
  // Of the task in the lower half of `what`, on the ring in the upper.
  static constexpr int kRingShift = 4;
  static Step Begins(FlightSystem& system, std::int64_t what) {
    system.flies = static_cast<std::uint8_t>(what & ((1 << kRingShift) - 1));
    system.ring = static_cast<std::uint8_t>(what >> kRingShift);
    system.recalled = false;
    return 0;
  }
  // A call that has ended, or is another ring's, is not found.
  static Step Recalls(FlightSystem& system, std::int64_t ring) {
    if (system.flies != 0 && system.ring == ring) system.recalled = true;
    return 0;
  }
  static Step Breaks(FlightSystem& system, std::int64_t ring) {
    system.broken |= static_cast<std::uint8_t>(1 << ring);
    return 0;
  }
  // With what the call ends, a set: until it does, there may be more.
  static Step Waits(FlightSystem& system, std::int64_t ring) {
    int ways = 0;
    if (system.flies != 0 && system.ring == ring) {
      ways = system.unread | (system.recalled ? kCancelled : 0);
    }
    if ((system.broken >> ring & 1) != 0) ways |= kBroken;
    system.broken &= static_cast<std::uint8_t>(~(1 << ring));
    return ways != 0 ? Step{ways} : std::nullopt;
  }
  static Step Ends(FlightSystem& system, std::int64_t cancelled) {
    system.flies = 0;
    system.ring = 0;
    system.recalled = false;
    if (cancelled != 0) return kCancelled;
    system.holds = (system.unread & kBytes) != 0;
    return Reads(system, 0);
  }
  // A call that does not wait: 0 would block, or what there was.
  static Step Reads(FlightSystem& system, std::int64_t) {
    const int there = system.unread;
    system.in_time = false;
    if ((there & kBytes) == 0) return there;
    system.unread &= static_cast<std::uint8_t>(~kBytes);
    return kBytes;
  }
  static Step Given(FlightSystem& system, std::int64_t) {
    system.holds = false;
    return 0;
  }
  static Step Passes(FlightSystem& system, std::int64_t) {
    system.in_time = (system.unread & kBytes) != 0;
    return 0;
  }
  // What is wrong where an operation of `task` has ended: bit 0, it has a call;
  // bit 1, bytes of one; bit 2, there were bytes in time.
  static Step Judge(FlightSystem& system, std::int64_t task) {
    return (system.flies == task ? 1 : 0) | (system.holds ? 2 : 0) |
           (system.in_time ? 4 : 0);
  }

  friend bool operator==(const FlightSystem&, const FlightSystem&) = default;
  std::string Text() const {
    return std::string(flies != 0 ? "a call" : "no call") +
           (ring != 0 ? " of the other ring" : "") +
           (recalled ? ", recalled" : "") + (broken != 0 ? ", broken" : "") +
           (holds ? ", holds bytes" : "") + ", unread " +
           std::to_string(unread);
  }
};
using FlightObject = ObjectOf<FlightSystem>;

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_FLIGHT_SYSTEM_H_
