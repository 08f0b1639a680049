// SPDX-License-Identifier: Apache-2.0
//
// What will happen to one connection. Both ends know it: it is drawn from the
// key that the stream begins with.

#ifndef NETPOLL_TOOLS_TORTURE_PLAN_H_
#define NETPOLL_TOOLS_TORTURE_PLAN_H_

#include <cstdint>

#include "netpoll/tools/torture/options.h"
#include "netpoll/tools/torture/pattern.h"
#include "netpoll/tools/torture/random.h"

namespace netpoll::torture {

// How somebody breaks a connection, from a task of its own.
enum class Breaking : std::uint8_t {
  kNot,
  kReset,      // SO_LINGER 0, then CloseNow.
  kClose,      // Awaited.
  kCloseNow,   // Not awaited.
  kTwoCloses,  // By two tasks at once.
};

struct Plan {
  std::uint64_t key = 0;
  std::uint64_t bytes = kKeyBytes;  // Each way.
  Breaking breaking = Breaking::kNot;
  bool server_breaks = false;  // Else the client.
  int detaches = 0;            // By the client.
  bool deadlines = false;
  bool moved = false;  // Deadlines, by a third task too.
  bool slow = false;
  bool small = false;  // Buffers.

  bool broken() const { return breaking != Breaking::kNot; }
};

// A key shows that it is one: two of its bytes depend on the others.
constexpr bool IsKey(std::uint64_t key) {
  return (key & 0xffff) == (Mix(key >> 16) & 0xffff);
}
inline std::uint64_t DrawKey(Random& random) {
  const std::uint64_t top = random.Next() >> 16;
  return (top << 16) | (Mix(top) & 0xffff);
}

inline Plan PlanOf(std::uint64_t key, Faults faults) {
  Random random(key);
  const auto has = [&](Fault fault, std::uint64_t one_in) {
    return random.OneIn(one_in) && (faults & fault) != 0;
  };
  Plan plan;
  plan.key = key;
  plan.bytes = kKeyBytes + random.Size(19);
  plan.deadlines = has(kDeadlines, 2);
  plan.moved = has(kDeadlines, 3);
  plan.slow = has(kBuffers, 3);
  plan.small = has(kBuffers, 2);
  const bool reset = has(kResets, 4);
  const bool close = has(kCloses, 4);
  const auto way = random.Below(3);
  plan.server_breaks = random.OneIn(2);
  if (reset) {
    plan.breaking = Breaking::kReset;
  } else if (close) {
    plan.breaking = way == 0   ? Breaking::kClose
                    : way == 1 ? Breaking::kCloseNow
                               : Breaking::kTwoCloses;
  }
  const bool detach = has(kDetaches, 3);
  if (detach) plan.detaches = 1 + static_cast<int>(random.Below(3));
  // As much through small buffers takes too long.
  if (plan.small || plan.slow) plan.bytes = kKeyBytes + plan.bytes / 8;
  return plan;
}

}  // namespace netpoll::torture

#endif  // NETPOLL_TOOLS_TORTURE_PLAN_H_
