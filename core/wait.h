// SPDX-License-Identifier: Apache-2.0
//
// What a wait for readiness is asked, and what it answers.

#ifndef NETPOLL_CORE_WAIT_H_
#define NETPOLL_CORE_WAIT_H_

#include <cstdint>

#include "netpoll/core/types.h"

namespace netpoll {

// Whether errors end a wait. kUntilReady is for systems that complete
// operations: a cancelled one must be waited for all the same.
enum class WaitKind : std::uint8_t { kOrError, kUntilReady };

// The answer of Prepare and Finish.
struct [[nodiscard]] WaitResult {
  bool must_park;   // Prepare: Commit next. Finish: Prepare again.
  PollError error;  // Meaningful only if !must_park.

  static constexpr WaitResult Park() { return {true, PollError::kNone}; }
  static constexpr WaitResult Done(PollError error = PollError::kNone) {
    return {false, error};
  }
};

}  // namespace netpoll

#endif  // NETPOLL_CORE_WAIT_H_
