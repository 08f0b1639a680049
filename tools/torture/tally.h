// SPDX-License-Identifier: Apache-2.0
//
// What a campaign counts. Counted by any thread.

#ifndef NETPOLL_TOOLS_TORTURE_TALLY_H_
#define NETPOLL_TOOLS_TORTURE_TALLY_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace netpoll::torture {

enum class Count : std::uint8_t {
  kRounds,
  kConnections,
  kBytes,
  kDatagrams,
  kTimeouts,
  kSleeps,
  kHalfCloses,
  kResets,
  kCloses,
  kDetaches,
  kConnects,
  kStops,
  kExhausted,
  kSignals,
  kPauses,
  kChildren,
  kEnd_
};

inline constexpr std::size_t kCounts = static_cast<std::size_t>(Count::kEnd_);

// As they are printed: a key for JSON, and words.
struct CountName {
  const char* key;
  const char* words;
};
inline constexpr CountName kCountNames[] = {
    {"rounds", "rounds"},
    {"connections", "connections"},
    {"bytes", "bytes verified"},
    {"datagrams", "datagrams verified"},
    {"timeouts", "deadlines fired"},
    {"sleeps", "sleeps"},
    {"half_closes", "half-closes"},
    {"resets", "resets"},
    {"closes", "closes under operations"},
    {"detaches", "detaches"},
    {"connects", "connects refused or timed out"},
    {"stops", "stops"},
    {"exhausted", "calls out of descriptors"},
    {"signals", "signals"},
    {"pauses", "pauses of the process"},
    {"children", "children"},
};
static_assert(std::size(kCountNames) == kCounts);

class Tally {
 public:
  void Add(Count what, std::uint64_t count = 1) {
    counts_[static_cast<std::size_t>(what)].fetch_add(
        count, std::memory_order_relaxed);
  }
  std::uint64_t Get(Count what) const {
    return counts_[static_cast<std::size_t>(what)].load(
        std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<std::uint64_t>, kCounts> counts_{};
};

}  // namespace netpoll::torture

#endif  // NETPOLL_TOOLS_TORTURE_TALLY_H_
