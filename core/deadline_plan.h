// SPDX-License-Identifier: Apache-2.0
//
// What changes when a deadline is set, a timer comes or a descriptor is
// unblocked: pure functions over the fields that the descriptor's lock guards.
// The shell applies the new fields, publishes the status word, gives the timer
// its command, and only then cancels the words.
//
// A descriptor has one timer for both directions, which is due no later than
// any deadline to come. So a deadline that is no earlier than that, or none, is
// only stored: the timer finds out when it comes, and is armed anew for what is
// left. A timeout that is set again before every operation costs a store, and
// the lock of the timers is taken once in the time that it takes to run out.
//
// A timer that comes may be an old one, which had been handed out when it was
// moved or stopped, maybe in an earlier life. It is known by its time, and if
// that is by chance the same nothing is wrong: whoever acts on a timer expires
// what is due at the time at which he looked, and arms it for the rest.
//
// Fields:
//   read, write  the deadlines: 0 none; above 0 absolute nanoseconds; below 0
//                expired
//   due          when the timer is due; kNever: it is on its way, or nowhere.
//                Set by whoever arms it; kNever by whoever acts on it
//   armed        it was armed in this life, and is stopped at its end
//   closing      no deadline counts any more

#ifndef NETPOLL_CORE_DEADLINE_PLAN_H_
#define NETPOLL_CORE_DEADLINE_PLAN_H_

#include <cstdint>

#include "netpoll/core/deadline.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/types.h"

namespace netpoll {

// Everything of a descriptor that its lock guards.
struct DescState {
  std::int64_t read = 0;
  std::int64_t write = 0;
  std::int64_t due = kNever;
  bool armed = false;
  bool closing = false;

  friend constexpr bool operator==(const DescState&,
                                   const DescState&) = default;
};

struct DeadlinePlan {
  DescState next;
  std::int64_t arm = kNever;  // The timer is to be armed for that time.
  bool stop = false;          // It is to be stopped.
  bool publish = false;       // What the status word says has changed.
  // Directions whose words are to be cancelled after publishing.
  bool cancel_read = false;
  bool cancel_write = false;
  // False: the call changes nothing (closing, or the timer is an old one).
  bool applies = true;
};

struct DeadlinePlanner {
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
    Store(next, mode, deadline);
    plan.cancel_read = next.read < 0;
    plan.cancel_write = next.write < 0;
    plan.publish = plan.cancel_read != (state.read < 0) ||
                   plan.cancel_write != (state.write < 0);
    CoverDeadline(plan, deadline.value());
    return plan;
  }

  // Set would change the deadlines, and nothing else: a timeout that is set
  // anew before each operation.
  static constexpr bool OnlyStores(const DescState& state, Deadline deadline) {
    return !state.closing && state.read >= 0 && state.write >= 0 &&
           deadline.value() >= state.due;
  }
  // Then that does it.
  static constexpr void Store(DescState& state, Mode mode, Deadline deadline) {
    if (Has(mode, Mode::kRead)) state.read = deadline.value();
    if (Has(mode, Mode::kWrite)) state.write = deadline.value();
  }

  // The timer that was due at `when` has come, and `now` is believed of the
  // directions of `mode`.
  static constexpr DeadlinePlan Fire(const DescState& state, std::int64_t when,
                                     std::int64_t now, Mode mode) {
    DeadlinePlan plan;
    plan.next = state;
    if (state.due != when) {
      plan.applies = false;
      return plan;
    }
    DescState& next = plan.next;
    next.due = kNever;
    plan.cancel_read = Has(mode, Mode::kRead) && HasPassed(state.read, now);
    plan.cancel_write = Has(mode, Mode::kWrite) && HasPassed(state.write, now);
    plan.publish = plan.cancel_read || plan.cancel_write;
    if (plan.cancel_read) next.read = -1;
    if (plan.cancel_write) next.write = -1;
    CoverDeadline(plan, next.read);
    CoverDeadline(plan, next.write);
    return plan;
  }

  // The directions that Fire would expire.
  static constexpr Mode WouldExpire(const DescState& state, std::int64_t when,
                                    std::int64_t now) {
    const bool current = state.due == when;
    return static_cast<Mode>((current && HasPassed(state.read, now) ? 1 : 0) |
                             (current && HasPassed(state.write, now) ? 2 : 0));
  }

  // The descriptor closes: no timer counts any more, everybody is woken.
  static constexpr DeadlinePlan Unblock(const DescState& state) {
    DeadlinePlan plan;
    plan.next = state;
    plan.next.closing = true;
    plan.next.due = kNever;
    plan.stop = state.armed;
    plan.publish = true;
    plan.cancel_read = true;
    plan.cancel_write = true;
    return plan;
  }

 private:
  static constexpr bool HasPassed(std::int64_t deadline, std::int64_t now) {
    return deadline > 0 && deadline <= now;
  }

  // The timer comes in time for that deadline too.
  static constexpr void CoverDeadline(DeadlinePlan& plan,
                                      std::int64_t deadline) {
    if (deadline <= 0 || deadline >= plan.next.due) return;
    plan.next.due = deadline;
    plan.next.armed = true;
    plan.arm = deadline;
  }
};

namespace deadline_plan_table {
using P = DeadlinePlanner;
inline constexpr DescState kFresh{};
inline constexpr Deadline kFive = Deadline::At(5);
inline constexpr Deadline kNine = Deadline::At(9);
inline constexpr Mode kBothWays = Mode::kReadWrite;

// Armed; a later one, or none, touches no timer; an earlier one moves it.
inline constexpr auto kRead5 = P::Set(kFresh, Mode::kRead, kFive);
static_assert(kRead5.arm == 5 && kRead5.next.due == 5 && kRead5.next.armed);
static_assert(!kRead5.publish && !kRead5.cancel_read);
inline constexpr auto kRead9 = P::Set(kRead5.next, Mode::kRead, kNine);
static_assert(kRead9.arm == kNever && kRead9.next.due == 5);
static_assert(P::OnlyStores(kRead5.next, kNine));
static_assert(P::OnlyStores(kRead5.next, kFive));
static_assert(!P::OnlyStores(kRead9.next, Deadline::At(3)));
static_assert(!P::OnlyStores(kRead5.next, Deadline::Past()));
static_assert(!P::OnlyStores(kFresh, kFive));
inline constexpr auto kCleared = P::Set(kRead9.next, Mode::kRead, {});
static_assert(kCleared.arm == kNever && kCleared.next.due == 5);
static_assert(P::Set(kRead9.next, Mode::kWrite, Deadline::At(3)).arm == 3);

// Past cancels at once, with a timer or without one (row C16).
inline constexpr auto kPast =
    P::Set(kRead5.next, Mode::kRead, Deadline::Past());
static_assert(kPast.cancel_read && !kPast.cancel_write && kPast.publish);
static_assert(P::Set(kFresh, Mode::kWrite, Deadline::Past()).cancel_write);
static_assert(P::Set(kPast.next, Mode::kRead, kNine).publish);
static_assert(!P::OnlyStores(kPast.next, kNine));

// A timer that comes: for nobody; too early for a deadline that was moved; in
// time. An old one changes nothing.
inline constexpr auto kForNobody = P::Fire(kCleared.next, 5, 5, kBothWays);
static_assert(kForNobody.applies && !kForNobody.publish);
static_assert(kForNobody.next.due == kNever && kForNobody.arm == kNever);
inline constexpr auto kTooEarly = P::Fire(kRead9.next, 5, 5, kBothWays);
static_assert(!kTooEarly.cancel_read && kTooEarly.arm == 9);
inline constexpr auto kFired = P::Fire(kTooEarly.next, 9, 9, kBothWays);
static_assert(kFired.cancel_read && !kFired.cancel_write && kFired.publish);
static_assert(kFired.next.read < 0 && kFired.next.due == kNever);
static_assert(!P::Fire(kTooEarly.next, 5, 9, kBothWays).applies);

// Two deadlines: each expires at its time (row C19). A direction in which
// `now` is not believed keeps its deadline, and the timer comes again at once.
inline constexpr auto kBoth = P::Set(kRead9.next, Mode::kWrite, kFive);
inline constexpr auto kFirst = P::Fire(kBoth.next, 5, 5, kBothWays);
static_assert(!kFirst.cancel_read && kFirst.cancel_write && kFirst.arm == 9);
static_assert(P::Fire(kBoth.next, 5, 9, kBothWays).cancel_read);
static_assert(P::Fire(kBoth.next, 5, 9, Mode::kRead).arm == 5);
static_assert(P::WouldExpire(kBoth.next, 5, 9) == kBothWays);
static_assert(P::WouldExpire(kBoth.next, 5, 5) == Mode::kWrite);

// After unblock nothing counts (row C15).
inline constexpr auto kClosed = P::Unblock(kBoth.next);
static_assert(kClosed.stop && kClosed.next.closing && kClosed.publish);
static_assert(!P::Fire(kClosed.next, 5, 9, kBothWays).applies);
static_assert(!P::Set(kClosed.next, Mode::kRead, kNine).applies);
static_assert(!P::OnlyStores(kClosed.next, kNine));
static_assert(!P::Unblock(kFresh).stop);
}  // namespace deadline_plan_table

}  // namespace netpoll

#endif  // NETPOLL_CORE_DEADLINE_PLAN_H_
