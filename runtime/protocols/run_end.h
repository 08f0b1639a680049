// SPDX-License-Identifier: Apache-2.0
//
// How Run, and a turn of it, end: what dispatch.h answers.

#ifndef NETPOLL_RUNTIME_PROTOCOLS_RUN_END_H_
#define NETPOLL_RUNTIME_PROTOCOLS_RUN_END_H_

#include "netpoll/core/cpp20.h"

#include <cstdint>

namespace netpoll::internal {

enum class [[nodiscard]] RunEnd : std::uint8_t{
    kNobodyLeft,
    kAtWork,     // In another thread; nothing was done.
    kNoWorkers,  // None could be had; the tasks are there for the next call.
};

// What a loop of somebody else's does after a turn.
struct [[nodiscard]] AfterTurn {
  enum class Next : std::uint8_t {
    kEnded,  // Nobody is left: Run has ended.
    kAgain,  // There is more to run: the next turn, without a sleep.
    kSleep,  // Until the poller's descriptor is readable, or `until`.
  };
  Next next;
  std::int64_t until;
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_RUN_END_H_
