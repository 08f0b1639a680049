// SPDX-License-Identifier: Apache-2.0
//
// A stream of which the system carries out the reads (io_flight.h): one at a
// time, ended by what comes, or because its end was asked for. Of the two it
// may tell either when both are there; what it does not tell stays.

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

  std::uint8_t unread = 0;
  std::uint8_t flies = 0;  // There is a call: of which task, from 1.
  bool recalled = false;   // Its end was asked for.
  bool holds = false;      // A call has taken bytes that nobody was given.
  bool in_time = false;    // There were bytes when a cancellation came.

  using Step = std::optional<int>;

  static Step Speaks(FlightSystem& system, std::int64_t what) {
    system.unread |= static_cast<std::uint8_t>(what);
    return 0;
  }
  static Step Begins(FlightSystem& system, std::int64_t task) {
    system.flies = static_cast<std::uint8_t>(task);
    system.recalled = false;
    return 0;
  }
  // A call that has ended is not found.
  static Step Recalls(FlightSystem& system, std::int64_t) {
    system.recalled = system.flies != 0;
    return 0;
  }
  // With what the call ends, a set: until it does, there may be more.
  static Step Waits(FlightSystem& system, std::int64_t) {
    const int ways = system.unread | (system.recalled ? kCancelled : 0);
    if (system.flies == 0 || ways == 0) return std::nullopt;
    return ways;
  }
  static Step Ends(FlightSystem& system, std::int64_t cancelled) {
    system.flies = 0;
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
           (recalled ? ", recalled" : "") + (holds ? ", holds bytes" : "") +
           ", unread " + std::to_string(unread);
  }
};
using FlightObject = ObjectOf<FlightSystem>;

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_FLIGHT_SYSTEM_H_
