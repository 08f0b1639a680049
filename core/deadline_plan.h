// SPDX-License-Identifier: Apache-2.0
//
// What changes when a deadline is set, a timer fires or a descriptor is
// unblocked: pure functions over the fields that the descriptor's lock guards.
// The shell applies the new fields, publishes the status word, gives the timer
// commands, and only then cancels the words.
//
// Fields, per direction:
//   deadline   0 none; above 0 absolute nanoseconds; below 0 expired
//   seq        bumped whenever a timer that may already be on its way must not
//              count any more; never reset, not even by open
//   armed      a timer was armed and not stopped by us. Firing does not clear
//              it: "fired" and "armed" are independent.
//
// Combined timer: when both deadlines are the same future time, one timer, the
// read one, serves both and carries the read seq.

#ifndef NETPOLL_CORE_DEADLINE_PLAN_H_
#define NETPOLL_CORE_DEADLINE_PLAN_H_

#include <cstdint>

#include "netpoll/core/deadline.h"
#include "netpoll/core/types.h"

namespace netpoll {

struct DirectionDeadline {
  std::int64_t deadline = 0;
  std::uint32_t seq = 0;
  bool armed = false;

  friend constexpr bool operator==(const DirectionDeadline&,
                                   const DirectionDeadline&) = default;
};

// Everything of a descriptor that its lock guards.
struct DescState {
  DirectionDeadline read;
  DirectionDeadline write;
  bool closing = false;

  friend constexpr bool operator==(const DescState&,
                                   const DescState&) = default;
};

// What to do with one of a descriptor's two timers. `serves` says which
// directions expire when it fires.
struct TimerCommand {
  enum class Kind : std::uint8_t { kLeave, kArm, kStop };
  Kind kind = Kind::kLeave;
  Mode serves = Mode::kRead;
  std::int64_t when = 0;
  std::uint32_t seq = 0;

  friend constexpr bool operator==(const TimerCommand&,
                                   const TimerCommand&) = default;
};

struct DeadlinePlan {
  DescState next;
  TimerCommand read_timer;
  TimerCommand write_timer;
  // Directions whose words are to be cancelled after publishing.
  bool cancel_read = false;
  bool cancel_write = false;
  // False: the call changes nothing (closing, or the timer is stale).
  bool applies = true;
};

template <int kSeqBits>
struct DeadlinePlanner {
  static_assert(kSeqBits >= 1 && kSeqBits <= 32);
  static constexpr std::uint32_t kSeqMask =
      kSeqBits == 32 ? 0xffff'ffffu : (1u << (kSeqBits % 32)) - 1;

  static constexpr std::uint32_t Bump(std::uint32_t seq) {
    return (seq + 1) & kSeqMask;
  }

  // A deadline is set for the directions of `mode`.
  static constexpr DeadlinePlan Set(const DescState& state, Mode mode,
                                    Deadline deadline) {
    DeadlinePlan plan;
    plan.next = state;
    if (state.closing) {
      plan.applies = false;
      return plan;
    }
    DescState& next = plan.next;
    if (Has(mode, Mode::kRead)) next.read.deadline = deadline.value();
    if (Has(mode, Mode::kWrite)) next.write.deadline = deadline.value();
    const bool was_combined = Combined(state);
    const bool combined = Combined(next);
    plan.read_timer = Retime(state.read, next.read, next.read.deadline > 0,
                             was_combined != combined,
                             combined ? Mode::kReadWrite : Mode::kRead);
    plan.write_timer =
        Retime(state.write, next.write, next.write.deadline > 0 && !combined,
               was_combined != combined, Mode::kWrite);
    plan.cancel_read = next.read.deadline < 0;
    plan.cancel_write = next.write.deadline < 0;
    return plan;
  }

  // A timer that serves `serves` fired with the seq that it was armed with.
  static constexpr DeadlinePlan Fire(const DescState& state, Mode serves,
                                     std::uint32_t seq) {
    DeadlinePlan plan;
    plan.next = state;
    const bool read = Has(serves, Mode::kRead);
    const std::uint32_t current = read ? state.read.seq : state.write.seq;
    if (seq != current) {
      plan.applies = false;
      return plan;
    }
    if (read) {
      plan.next.read.deadline = -1;
      plan.cancel_read = true;
    }
    if (Has(serves, Mode::kWrite)) {
      plan.next.write.deadline = -1;
      plan.cancel_write = true;
    }
    return plan;
  }

  // Whether a timer with a current seq finds the fields as it left them.
  static constexpr bool FireIsSane(const DescState& state, Mode serves) {
    if (Has(serves, Mode::kRead) &&
        (state.read.deadline <= 0 || !state.read.armed)) {
      return false;
    }
    return !Has(serves, Mode::kWrite) ||
           (state.write.deadline > 0 &&
            (state.write.armed || Has(serves, Mode::kRead)));
  }

  // The descriptor closes: no timer counts any more, everybody is woken.
  static constexpr DeadlinePlan Unblock(const DescState& state) {
    DeadlinePlan plan;
    plan.next = state;
    plan.next.closing = true;
    plan.read_timer = Retire(plan.next.read);
    plan.write_timer = Retire(plan.next.write);
    plan.cancel_read = true;
    plan.cancel_write = true;
    return plan;
  }

  // A new incarnation; late timers of the last one stay stale.
  static constexpr DescState Open(const DescState& state) {
    DescState next;
    next.read.seq = Bump(state.read.seq);
    next.write.seq = Bump(state.write.seq);
    return next;
  }

 private:
  static constexpr bool Combined(const DescState& state) {
    return state.read.deadline > 0 &&
           state.read.deadline == state.write.deadline;
  }

  static constexpr TimerCommand Retime(const DirectionDeadline& before,
                                       DirectionDeadline& next, bool wanted,
                                       bool combined_changed, Mode serves) {
    if (!before.armed) {
      if (!wanted) return {};
      next.armed = true;
      return Arm(next, serves);
    }
    if (next.deadline == before.deadline && !combined_changed) return {};
    next.seq = Bump(before.seq);
    if (wanted) return Arm(next, serves);
    next.armed = false;
    return Stop();
  }

  static constexpr TimerCommand Arm(const DirectionDeadline& direction,
                                    Mode serves) {
    return {TimerCommand::Kind::kArm, serves, direction.deadline,
            direction.seq};
  }

  static constexpr TimerCommand Stop() {
    return {TimerCommand::Kind::kStop, Mode::kRead, 0, 0};
  }

  static constexpr TimerCommand Retire(DirectionDeadline& direction) {
    direction.seq = Bump(direction.seq);
    if (!direction.armed) return {};
    direction.armed = false;
    return Stop();
  }
};

namespace deadline_plan_table {
using P = DeadlinePlanner<32>;
using Kind = TimerCommand::Kind;
inline constexpr DescState kFresh{};
inline constexpr Deadline kFive = Deadline::At(5);
inline constexpr Deadline kNine = Deadline::At(9);

// One direction: armed, moved with a new seq, cleared, expired at once.
inline constexpr auto kRead5 = P::Set(kFresh, Mode::kRead, kFive);
static_assert(kRead5.read_timer == TimerCommand{Kind::kArm, Mode::kRead, 5, 0});
static_assert(kRead5.write_timer.kind == Kind::kLeave);
inline constexpr auto kRead9 = P::Set(kRead5.next, Mode::kRead, kNine);
static_assert(kRead9.read_timer == TimerCommand{Kind::kArm, Mode::kRead, 9, 1});
inline constexpr auto kCleared = P::Set(kRead9.next, Mode::kRead, {});
static_assert(kCleared.read_timer.kind == Kind::kStop);
static_assert(!kCleared.next.read.armed && kCleared.next.read.seq == 2);
inline constexpr auto kPast =
    P::Set(kRead5.next, Mode::kRead, Deadline::Past());
static_assert(kPast.cancel_read && !kPast.cancel_write);
static_assert(kPast.read_timer.kind == Kind::kStop);
// Past without a timer still cancels (row C16).
static_assert(P::Set(kFresh, Mode::kWrite, Deadline::Past()).cancel_write);

// Both alike: one timer serves both. Breaking the combination (row C19) gives
// each its own, and the shared one's seq no longer counts.
inline constexpr auto kBoth = P::Set(kFresh, Mode::kReadWrite, kFive);
static_assert(kBoth.read_timer ==
              TimerCommand{Kind::kArm, Mode::kReadWrite, 5, 0});
static_assert(kBoth.write_timer.kind == Kind::kLeave);
inline constexpr auto kSplit = P::Set(kBoth.next, Mode::kWrite, kNine);
static_assert(kSplit.read_timer == TimerCommand{Kind::kArm, Mode::kRead, 5, 1});
static_assert(kSplit.write_timer ==
              TimerCommand{Kind::kArm, Mode::kWrite, 9, 0});
static_assert(!P::Fire(kSplit.next, Mode::kReadWrite, 0).applies);

// Firing expires, leaves `armed`, and only counts with the current seq.
inline constexpr auto kFired = P::Fire(kBoth.next, Mode::kReadWrite, 0);
static_assert(kFired.cancel_read && kFired.cancel_write);
static_assert(kFired.next.read.deadline < 0 && kFired.next.read.armed);
static_assert(!P::Fire(kRead9.next, Mode::kRead, 0).applies);

// After unblock nothing counts; open keeps the seqs growing (row C15).
inline constexpr auto kClosed = P::Unblock(kBoth.next);
static_assert(kClosed.read_timer.kind == Kind::kStop && kClosed.next.closing);
static_assert(!P::Fire(kClosed.next, Mode::kReadWrite, 0).applies);
static_assert(!P::Set(kClosed.next, Mode::kRead, kNine).applies);
static_assert(P::Open(kClosed.next).read.seq == 2);
static_assert(DeadlinePlanner<2>::Bump(3) == 0);
}  // namespace deadline_plan_table

}  // namespace netpoll

#endif  // NETPOLL_CORE_DEADLINE_PLAN_H_
