// SPDX-License-Identifier: Apache-2.0
//
// One descriptor slot as the specification has it, executable: both
// directions, deadlines, closing, event flags and incarnations. One thread,
// plain fields, no packing, no timers: simple enough to be read as the
// specification. Shares the words of core/types.h with core, and no function.
//
// Nothing here parks: `Woken` says which directions' tasks became runnable.

#ifndef NETPOLL_MODEL_REFERENCE_REFERENCE_DESCRIPTOR_H_
#define NETPOLL_MODEL_REFERENCE_REFERENCE_DESCRIPTOR_H_

#include <cstdint>
#include <limits>

#include "netpoll/core/types.h"
#include "netpoll/model/reference/semaphore_table.h"

namespace netpoll::model::reference {

// The answer of Prepare and Finish: to park, or the end of the wait.
struct Wait {
  bool park;
  PollError error;
  friend constexpr bool operator==(const Wait&, const Wait&) = default;
};

struct Woken {
  bool read = false;
  bool write = false;
  friend constexpr bool operator==(const Woken&, const Woken&) = default;
};

class ReferenceDescriptor {
 public:
  static constexpr int kErrorReports = 8;
  static constexpr std::int64_t kNever =
      std::numeric_limits<std::int64_t>::max();

  struct Direction {
    State state = State::kNil;
    bool expired = false;
    std::int64_t deadline = kNever;  // The future one, if any.
  };

  // --- Life -----------------------------------------------------------------

  void Open() {
    read_ = Reopened(read_);
    write_ = Reopened(write_);
    open_ = true;
    closing_ = false;
    errors_ = 0;
    no_more_edges_ = false;
    ++incarnation_;
  }

  Woken Unblock() {
    if (!open_ || closing_) misuse_ = true;
    closing_ = true;
    read_.deadline = kNever;
    write_.deadline = kNever;
    return {Cancel(read_), Cancel(write_)};
  }

  void Close() {
    if (!open_ || !closing_) misuse_ = true;
    Step(read_, Event::kClose);
    Step(write_, Event::kClose);
    open_ = false;
  }

  // --- The task of a direction ----------------------------------------------

  // Closing before Timeout: what ends every operation.
  PollError Ended(Mode direction) const {
    if (closing_) return PollError::kClosing;
    return Get(direction).expired ? PollError::kTimeout : PollError::kNone;
  }

  // And before NotPollable, which only readers get, and only from a wait.
  PollError Check(Mode direction) const {
    const PollError ended = Ended(direction);
    if (ended != PollError::kNone) return ended;
    const bool told = direction == Mode::kRead && errors_ == kErrorReports;
    return told ? PollError::kNotPollable : PollError::kNone;
  }

  PollError Reset(Mode direction) {
    const PollError error = Ended(direction);
    if (error != PollError::kNone) return error;
    if (direction == Mode::kRead) errors_ = 0;
    Step(Of(direction), Event::kReset);
    return error;
  }

  Wait Prepare(Mode direction, bool until_ready) {
    const PollError ended = Ended(direction);
    if (!until_ready && ended != PollError::kNone) return {false, ended};
    const Effect effect = Step(Of(direction), Event::kPrepare);
    if (effect != Effect::kMustPark) return {false, PollError::kNone};
    const PollError error = Check(direction);
    if (until_ready || error == PollError::kNone) return {true, error};
    Step(Of(direction), Event::kFinish);
    return {false, error};
  }

  bool Commit(Mode direction) {
    return Step(Of(direction), Event::kCommit) == Effect::kParked;
  }

  Wait Finish(Mode direction, bool until_ready) {
    const Effect effect = Step(Of(direction), Event::kFinish);
    if (effect == Effect::kConsumed) return {false, PollError::kNone};
    if (until_ready) return {true, PollError::kNone};
    const PollError error = Ended(direction);
    return {error == PollError::kNone, error};
  }

  // --- Events and time ------------------------------------------------------

  // An event of the current incarnation. (One of another changes nothing.)
  Woken Happens(bool read, bool write, EventFlags flags) {
    if (!flags.error) errors_ = 0;
    if (flags.error && errors_ < kErrorReports) ++errors_;
    if (flags.no_more_edges) no_more_edges_ = true;
    return {read && Ready(read_), write && Ready(write_)};
  }

  // A deadline at `when`, or none at all with kNever.
  Woken SetDeadline(bool read, bool write, std::int64_t when) {
    if (closing_) return {};
    if (read) SetOne(read_, false, when);
    if (write) SetOne(write_, false, when);
    return KickExpired();
  }

  // A deadline that has already passed.
  Woken PassDeadline(bool read, bool write) {
    if (closing_) return {};
    if (read) SetOne(read_, true, kNever);
    if (write) SetOne(write_, true, kNever);
    return KickExpired();
  }

  // The clock shows `now`, and somebody looks at the timers.
  Woken Expire(std::int64_t now) {
    return {ExpireOne(read_, now), ExpireOne(write_, now)};
  }

  // --- What it looks like ---------------------------------------------------

  const Direction& Get(Mode direction) const {
    return direction == Mode::kRead ? read_ : write_;
  }
  bool open() const { return open_; }
  bool closing() const { return closing_; }
  // Reports of nothing but an error in a row, up to the number that is told.
  int errors() const { return errors_; }
  bool no_more_edges() const { return no_more_edges_; }
  int incarnation() const { return incarnation_; }
  int parked() const {
    return (read_.state == State::kParked ? 1 : 0) +
           (write_.state == State::kParked ? 1 : 0);
  }
  // The earliest live deadline, or kNever.
  std::int64_t NextDeadline() const {
    return read_.deadline < write_.deadline ? read_.deadline : write_.deadline;
  }
  // Whether a rule was broken: whoever drives the model has an error.
  bool misuse() const { return misuse_; }

 private:
  Direction& Of(Mode direction) {
    return direction == Mode::kRead ? read_ : write_;
  }

  Effect Step(Direction& direction, Event event) {
    const Rule rule = Find(direction.state, event);
    direction.state = rule.next;
    if (rule.effect == Effect::kMisuse) misuse_ = true;
    return rule.effect;
  }

  // True if a task was woken.
  bool Ready(Direction& direction) {
    return Step(direction, Event::kReady) == Effect::kWakeWaiter;
  }
  bool Cancel(Direction& direction) {
    return Step(direction, Event::kCancel) == Effect::kWakeWaiter;
  }

  Direction Reopened(Direction direction) {
    Step(direction, Event::kOpen);
    return {direction.state, false, kNever};
  }

  static void SetOne(Direction& direction, bool expired, std::int64_t when) {
    direction.expired = expired;
    direction.deadline = when;
  }

  // Any change of a deadline wakes again whoever waits in an expired
  // direction. (Only a wait that ignores errors can be there.)
  Woken KickExpired() {
    return {read_.expired && Cancel(read_), write_.expired && Cancel(write_)};
  }

  bool ExpireOne(Direction& direction, std::int64_t now) {
    if (direction.deadline == kNever || direction.deadline > now) return false;
    SetOne(direction, true, kNever);
    return Cancel(direction);
  }

  Direction read_;
  Direction write_;
  bool open_ = false;
  bool closing_ = false;
  int errors_ = 0;
  bool no_more_edges_ = false;
  bool misuse_ = false;
  int incarnation_ = 0;
};

}  // namespace netpoll::model::reference

#endif  // NETPOLL_MODEL_REFERENCE_REFERENCE_DESCRIPTOR_H_
