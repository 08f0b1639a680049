// SPDX-License-Identifier: Apache-2.0
//
// The binary semaphore of one direction of a descriptor, as pure transitions.
// The concurrent shell (poll_desc.h) applies each with one compare-exchange.
//
// The word is in one of four states:
//
//   kNil    0        Nothing pending, nobody waits.
//                    Prepare -> kWait (about to park), Ready -> kReady.
//   kReady  1        Readiness is recorded and not yet consumed.
//                    Prepare and Finish consume it (-> kNil), Reset drops it
//                    (-> kNil; the caller tries the system call next).
//   kWait   2        A task has prepared to park and has not yet parked.
//                    Commit -> its waiter; Ready -> kReady; Cancel -> kNil;
//                    Finish (an error was seen meanwhile) -> kNil.
//   waiter  address  A task is parked. Ready -> kReady and Cancel -> kNil both
//                    hand the waiter to whoever moved the word: exactly one
//                    mover gets it, and must make it runnable.
//
// At most one task per direction may be between Prepare and Finish; a second
// is misuse. Orders (docs/orders.md has what notices a weaker one):
//   Nil -> Wait, Cancel's load  seq_cst: with the status word, the two halves
//                               of a Dekker pair (poll_desc.h says why).
//   Commit                      release: hands the task's frame to the waker;
//                               what it decides on is in this word.
//   Ready's and Cancel's exchange   an acquire of that frame. seq_cst as the
//                               others: an acq_rel one is the same instruction.
//   Ready's load                seq_cst: a word found at Ready is left alone,
//                               and the task that takes that readiness back
//                               must then see the report's flags and data.
//   Reset, Finish, Ready -> Nil seq_cst: the other half of that, for readiness
//                               that lies in user space, where no lock of the
//                               system orders the two.

#ifndef NETPOLL_CORE_SEMAPHORE_H_
#define NETPOLL_CORE_SEMAPHORE_H_

#include <cstdint>

#include "netpoll/core/types.h"

namespace netpoll {

using SemaphoreWord = std::uintptr_t;

inline constexpr SemaphoreWord kNil = 0;
inline constexpr SemaphoreWord kReady = 1;
inline constexpr SemaphoreWord kWait = 2;

constexpr bool IsWaiter(SemaphoreWord word) { return word > kWait; }

// What a transition means for its caller.
enum class SemaphoreOutcome : std::uint8_t {
  kNothing,    // Nobody to wake.
  kConsumed,   // Readiness was consumed: the wait is over.
  kMustPark,   // Prepared; check for errors, then Commit.
  kParked,     // The waiter is in the word: touch neither it nor its frame.
  kNotParked,  // Something came in between: go on to Finish.
  kWoken,      // No readiness; a deadline or a close moved the word.
  kWake,       // The waiter in the old word is the caller's to make runnable.
  kMisuse,     // A rule is broken; Rule() says which.
};

struct SemaphoreStep {
  bool write;
  SemaphoreWord next;  // Meaningful only if `write`.
  SemaphoreOutcome outcome;

  friend constexpr bool operator==(SemaphoreStep, SemaphoreStep) = default;

  static constexpr SemaphoreStep Stay(SemaphoreOutcome outcome) {
    return {false, 0, outcome};
  }
  static constexpr SemaphoreStep To(SemaphoreWord next,
                                    SemaphoreOutcome outcome) {
    return {true, next, outcome};
  }
};

namespace semaphore {

// A task is about to wait.
constexpr SemaphoreStep Prepare(SemaphoreWord word) {
  switch (word) {
    case kReady:
      return SemaphoreStep::To(kNil, SemaphoreOutcome::kConsumed);
    case kNil:
      return SemaphoreStep::To(kWait, SemaphoreOutcome::kMustPark);
    default:
      return SemaphoreStep::Stay(SemaphoreOutcome::kMisuse);
  }
}

// The task can be resumed by another thread from now on. `waiter` is the
// address of its Waiter.
constexpr SemaphoreStep Commit(SemaphoreWord word, SemaphoreWord waiter) {
  if (word == kWait) {
    return SemaphoreStep::To(waiter, SemaphoreOutcome::kParked);
  }
  return SemaphoreStep::Stay(IsWaiter(word) ? SemaphoreOutcome::kMisuse
                                            : SemaphoreOutcome::kNotParked);
}

// The task runs again, or never parked.
constexpr SemaphoreStep Finish(SemaphoreWord word) {
  switch (word) {
    case kReady:
      return SemaphoreStep::To(kNil, SemaphoreOutcome::kConsumed);
    case kWait:
      return SemaphoreStep::To(kNil, SemaphoreOutcome::kWoken);
    case kNil:
      return SemaphoreStep::Stay(SemaphoreOutcome::kWoken);
    default:
      return SemaphoreStep::Stay(SemaphoreOutcome::kMisuse);
  }
}

// The system says that the direction is ready.
constexpr SemaphoreStep Ready(SemaphoreWord word) {
  switch (word) {
    case kReady:
      return SemaphoreStep::Stay(SemaphoreOutcome::kNothing);
    case kNil:
    case kWait:
      return SemaphoreStep::To(kReady, SemaphoreOutcome::kNothing);
    default:
      return SemaphoreStep::To(kReady, SemaphoreOutcome::kWake);
  }
}

// A deadline passed or the descriptor closes. Recorded readiness stays.
constexpr SemaphoreStep Cancel(SemaphoreWord word) {
  switch (word) {
    case kNil:
    case kReady:
      return SemaphoreStep::Stay(SemaphoreOutcome::kNothing);
    case kWait:
      return SemaphoreStep::To(kNil, SemaphoreOutcome::kNothing);
    default:
      return SemaphoreStep::To(kNil, SemaphoreOutcome::kWake);
  }
}

// The caller will try its system call next, so what was recorded before is of
// no use. Also what Open does to a reused slot.
constexpr SemaphoreStep Reset(SemaphoreWord word) {
  switch (word) {
    case kNil:
      return SemaphoreStep::Stay(SemaphoreOutcome::kNothing);
    case kReady:
      return SemaphoreStep::To(kNil, SemaphoreOutcome::kNothing);
    default:
      return SemaphoreStep::Stay(SemaphoreOutcome::kMisuse);
  }
}

// Whether a slot may be given back: nobody waits on it.
constexpr bool Idle(SemaphoreWord word) {
  return word == kNil || word == kReady;
}

// The whole table, checked where it is defined. W stands for any waiter.
namespace table {
inline constexpr SemaphoreWord kW = 64;
using S = SemaphoreStep;
using O = SemaphoreOutcome;

static_assert(Prepare(kNil) == S::To(kWait, O::kMustPark));
static_assert(Prepare(kReady) == S::To(kNil, O::kConsumed));
static_assert(Prepare(kWait) == S::Stay(O::kMisuse));
static_assert(Prepare(kW) == S::Stay(O::kMisuse));

static_assert(Commit(kNil, kW) == S::Stay(O::kNotParked));
static_assert(Commit(kReady, kW) == S::Stay(O::kNotParked));
static_assert(Commit(kWait, kW) == S::To(kW, O::kParked));
static_assert(Commit(kW, kW) == S::Stay(O::kMisuse));

static_assert(Finish(kNil) == S::Stay(O::kWoken));
static_assert(Finish(kReady) == S::To(kNil, O::kConsumed));
static_assert(Finish(kWait) == S::To(kNil, O::kWoken));
static_assert(Finish(kW) == S::Stay(O::kMisuse));

static_assert(Ready(kNil) == S::To(kReady, O::kNothing));
static_assert(Ready(kReady) == S::Stay(O::kNothing));
static_assert(Ready(kWait) == S::To(kReady, O::kNothing));
static_assert(Ready(kW) == S::To(kReady, O::kWake));

static_assert(Cancel(kNil) == S::Stay(O::kNothing));
static_assert(Cancel(kReady) == S::Stay(O::kNothing));
static_assert(Cancel(kWait) == S::To(kNil, O::kNothing));
static_assert(Cancel(kW) == S::To(kNil, O::kWake));

static_assert(Reset(kNil) == S::Stay(O::kNothing));
static_assert(Reset(kReady) == S::To(kNil, O::kNothing));
static_assert(Reset(kWait) == S::Stay(O::kMisuse));
static_assert(Reset(kW) == S::Stay(O::kMisuse));
}  // namespace table

}  // namespace semaphore
}  // namespace netpoll

#endif  // NETPOLL_CORE_SEMAPHORE_H_
