// SPDX-License-Identifier: Apache-2.0
//
// What a wait for readiness is asked, and what it answers.

#ifndef NETPOLL_CORE_WAIT_H_
#define NETPOLL_CORE_WAIT_H_

#include <cstdint>

#include "netpoll/core/types.h"

namespace netpoll {

// What ends a wait, and whether the system is asked for an event. kUntilReady
// is for systems that complete operations: a cancelled one must be waited for
// all the same. kUnasked is for who waits for Poller::Nudge: errors end it, but
// a system of levels, which must be asked for each event, is not.
enum class WaitKind : std::uint8_t { kOrError, kUntilReady, kUnasked };

// The answer of Park and Resume: parked, ready, or an error.
class [[nodiscard]] WaitResult {
 public:
  static constexpr WaitResult Parked() { return {true, PollError::kNone}; }
  static constexpr WaitResult Ended(PollError error) { return {false, error}; }

  // The task is left, and nothing of it touched: who takes its waiter from a
  // list makes it runnable, maybe before this is read. Resume comes next.
  constexpr bool parked() const { return parked_; }
  // The wait is over: the call is tried again.
  constexpr bool ready() const {
    return !parked_ && error_ == PollError::kNone;
  }
  // The wait is over with this, unless it is kNone.
  constexpr PollError error() const { return error_; }

  friend constexpr bool operator==(WaitResult, WaitResult) = default;

 private:
  constexpr WaitResult(bool parked, PollError error)
      : parked_(parked), error_(error) {}

  bool parked_;
  PollError error_;
};

// The answer of the steps Prepare and Finish: whether the wait has ended. If
// not, the next step is Commit after Prepare, and Prepare after Finish.
struct [[nodiscard]] WaitStep {
  bool ended;
  PollError error;  // Meaningful only if `ended`.

  static constexpr WaitStep GoOn() { return {false, PollError::kNone}; }
  static constexpr WaitStep End(PollError error = PollError::kNone) {
    return {true, error};
  }
};

}  // namespace netpoll

#endif  // NETPOLL_CORE_WAIT_H_
