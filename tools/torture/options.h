// SPDX-License-Identifier: Apache-2.0
//
// What a fault campaign is asked to do.

#ifndef NETPOLL_TOOLS_TORTURE_OPTIONS_H_
#define NETPOLL_TOOLS_TORTURE_OPTIONS_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "netpoll/tools/common/time_allowed.h"
#include "netpoll/tools/torture/faulty_calls.h"

namespace netpoll::torture {

// Kinds of disturbances, as a set of bits. Each round takes about half of those
// that are allowed, so that each meets the library with and without the others.
using Faults = std::uint32_t;

enum Fault : Faults {
  kDeadlines = 1u << 0,    // Set, moved, cleared, past.
  kResets = 1u << 1,       // SO_LINGER 0, by either side.
  kCloses = 1u << 2,       // By another task, awaited or not, and by two.
  kDetaches = 1u << 3,     // By another task; the stream then goes on.
  kConnects = 1u << 4,     // Refused, into full backlogs, out of time.
  kStops = 1u << 5,        // Runtime::Stop at any moment.
  kDescriptors = 1u << 6,  // The limit of descriptors lowered for a while.
  kSignals = 1u << 7,      // To every thread: calls end with EINTR.
  kPauses = 1u << 8,       // SIGSTOP, and SIGCONT after a while.
  kChildren = 1u << 9,     // fork, and fork with exec.
  kBuffers = 1u << 10,     // Small socket buffers, slow readers.
  kCalls = 1u << 11,       // System calls fail: faulty_calls.h.
  kMemory = 1u << 12,      // operator new fails where it may.
  kAllFaults = (1u << 13) - 1,
};

struct FaultName {
  const char* name;
  Fault fault;
};
inline constexpr FaultName kFaultNames[] = {
    {"deadlines", kDeadlines},     {"resets", kResets},     {"closes", kCloses},
    {"detaches", kDetaches},       {"connects", kConnects}, {"stops", kStops},
    {"descriptors", kDescriptors}, {"signals", kSignals},   {"pauses", kPauses},
    {"children", kChildren},       {"buffers", kBuffers},   {"calls", kCalls},
    {"memory", kMemory},
};

// "deadlines,resets": the set, or what word is none of the names.
std::optional<Faults> ParseFaults(const std::string& text, std::string* wrong);
std::string FormatFaults(Faults faults);

struct Options {
  std::uint64_t seed = 1;
  // The first that is reached ends the campaign; 0: no limit.
  int rounds = 0;
  tools::TimeAllowed duration;
  std::vector<std::string> backends;  // Each round draws one.
  int threads = 0;                    // 0: 1, 2 or 4, as the round draws.
  Faults faults = kAllFaults;
  // For so long nothing may move, and no deadline be overdue.
  std::chrono::seconds patience{20};
  Planted planted = Planted::kNone;
  bool verbose = false;  // A line for each round on standard error.
  bool json = false;
};

}  // namespace netpoll::torture

#endif  // NETPOLL_TOOLS_TORTURE_OPTIONS_H_
