// SPDX-License-Identifier: Apache-2.0
//
// The steps of an operation's stages (io_stages.h).

#ifndef NETPOLL_RUNTIME_PROTOCOLS_IO_STEPS_H_
#define NETPOLL_RUNTIME_PROTOCOLS_IO_STEPS_H_

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/descriptor_lock.h"
#include "netpoll/core/types.h"
#include "netpoll/core/wait.h"
#include "netpoll/runtime/protocols/fd_life.h"
#include "netpoll/runtime/protocols/io_attempts.h"
#include "netpoll/runtime/protocols/io_calls.h"
#include "netpoll/runtime/protocols/io_rests.h"
#include "netpoll/runtime/protocols/io_scopes.h"
#include "netpoll/runtime/protocols/io_stages.h"

namespace netpoll::internal {

template <class Types>
template <Mode kDirection, class Call>
bool IoStages<Types>::BeginIn() {
  if (stage_ != Stage::kAcquire) {
    Types::Env::Misuse("an operation on a descriptor was awaited twice");
  }
  if (fd_ == nullptr) [[unlikely]]
    return BeginNothing(Types::Host::Pay());
  if (!Types::Host::Pay()) [[unlikely]]
    return BeginUnpaid();
  const LockOutcome outcome = fd_->lock.Acquire(kDirection);
  if (outcome != LockOutcome::kDone) [[unlikely]]
    return BeginRefused(outcome);
  if (Look<kDirection>() == Step::kEnded) [[unlikely]]
    return true;
  return stage_ == Stage::kTry && Try<kDirection, Call, true>() == Step::kEnded;
}

// There is no descriptor, or there is no more.
template <class Types>
bool IoStages<Types>::BeginNothing(bool paid) {
  status_ = fd_ == nullptr ? Status::FromErrno(EBADF)
                           : Status::FromPoll(PollError::kClosing);
  if (fd_ != nullptr) std::exchange(fd_, nullptr)->Unref();
  if (!paid) return false;
  stage_ = Stage::kNothing;
  return true;
}

// Yields first.
template <class Types>
bool IoStages<Types>::BeginUnpaid() {
  return fd_->lock.closed() && BeginNothing(false);
}

template <class Types>
bool IoStages<Types>::BeginRefused(LockOutcome outcome) {
  if (outcome == LockOutcome::kClosed) return BeginNothing(true);
  stage_ = Stage::kQueue;
  return false;
}

template <class Types>
template <Mode kDirection>
inline bool IoStages<Types>::SuspendIn(Task task, Seat* seat, Run alone,
                                       Run otherwise) {
  if (stage_ != Stage::kPark || seat != nullptr || resting_ || recalled_)
      [[unlikely]] {
    return SuspendElse<kDirection>(task, seat, otherwise);
  }
  Types::Host::Settle(*this, &fd_->scheduler);
  if (this->home != &fd_->scheduler) [[unlikely]]
    return SuspendElse<kDirection>(task, seat, otherwise);
  this->run = alone;
  task_ = task;
  seat_ = nullptr;
  const Step step = Park<kDirection>(WaitKind::kOrError);
  return step == Step::kParked || !GoOn<kDirection>(step);
}

// What does not only wait for readiness, in its own runtime and no scope.
template <class Types>
template <Mode kDirection>
bool IoStages<Types>::SuspendElse(Task task, Seat* seat, Run resume) {
  this->run = resume;
  task_ = task;
  seat_ = seat;
  Types::Host::Settle(*this, fd_ != nullptr ? &fd_->scheduler : nullptr);
  if (seat != nullptr) SitDown();
  if (stage_ == Stage::kAcquire) {
    // The task has had its share: let the others go first.
    stage_ = fd_ != nullptr ? Stage::kAgain : Stage::kNothing;
    Types::Host::GoLast(*this);
    return true;
  }
  return !Start<kDirection>();
}

template <class Types>
template <Mode kDirection, class Call>
void IoStages<Types>::Resume(typename Types::TaskWaiter* self) {
  IoStages* const op = static_cast<IoStages*>(self);
  if (op->template Advance<kDirection, Call>()) Types::Host::Resume(op->task_);
}

template <class Types>
template <Mode kDirection, class Call>
void IoStages<Types>::ResumeAlone(typename Types::TaskWaiter* self) {
  IoStages* const op = static_cast<IoStages*>(self);
  if (op->stage_ != Stage::kResume) [[unlikely]] {
    if (!op->template Start<kDirection>()) return;
  } else {
    Types::Host::Expect(op->task_);
    const Step step = op->template Again<kDirection, Call>();
    if (step == Step::kParked) return;
    if (step != Step::kEnded && !op->template GoOn<kDirection>(step)) return;
  }
  Types::Host::Resume(op->task_);
}

// A task of another runtime waits here as a guest. False: nobody polls here any
// more, and the operation has ended.
template <class Types>
bool IoStages<Types>::EnterGuest() {
  // One that stays on a worker (task_waiter.h) is none.
  if (this->home->scheduler == &fd_->scheduler) return true;
  guest_ = fd_->scheduler.EnterGuest();
  if (guest_) return true;
  status_ = Status::FromPoll(PollError::kClosing);
  if (stage_ == Stage::kQueue) {
    fd_->lock.Forgo(direction_);
  } else if (stage_ != Stage::kAgain) {
    fd_->Release(direction_);
  }
  return false;
}

// It has ended.
template <class Types>
void IoStages<Types>::Leave() {
  if (seat_ != nullptr) seat_->node->Leave(*seat_);
  if (guest_) fd_->scheduler.LeaveGuest();
}

// Goes on from stage_, until the operation has ended or is parked. Once it is
// parked nothing of it may be touched.
template <class Types>
template <Mode kDirection>
inline typename IoStages<Types>::Step IoStages<Types>::Go() {
  for (;;) {
    Step step = Step::kOn;
    switch (stage_) {
      case Stage::kAcquire:
      case Stage::kAgain:
      case Stage::kQueue:
        step = TakeDirection();
        break;
      case Stage::kReset:
        step = Reset<kDirection>();
        break;
      case Stage::kTry:
        step = Try<kDirection, Stored>();
        break;
      case Stage::kMore:
        step = More();
        break;
      case Stage::kResume:  // Advance, before anything.
      case Stage::kNothing:
        return Step::kEnded;
      case Stage::kPark:
        step = seat_ != nullptr ? Heed() : Step::kOn;
        if (step == Step::kOn) step = Park<kDirection>(KindOfWait());
        break;
    }
    if (step != Step::kOn) return step;
  }
}

// The task runs again. True: the operation has ended. False: it is parked.
template <class Types>
template <Mode kDirection, class Call>
inline bool IoStages<Types>::Advance() {
  if (stage_ != Stage::kResume) [[unlikely]]
    return Start<kDirection>();
  const Step step = Again<kDirection, Call>();
  if (step == Step::kParked) return false;
  if (step != Step::kEnded || guest_ || seat_ != nullptr) [[unlikely]]
    return GoOn<kDirection>(step);
  return true;
}

// It was parked in the poller.
template <class Types>
template <Mode kDirection, class Call>
inline typename IoStages<Types>::Step IoStages<Types>::Again() {
  // Parked again, it asks for events though it may rest: rare, and the next
  // Park does not.
  const Step step = Waited(fd_->poller.Resume(fd_->desc, kDirection, this));
  return step == Step::kOn && stage_ == Stage::kTry ? Try<kDirection, Call>()
                                                    : step;
}

// When it may have to enter its runtime. The answer is Advance's.
template <class Types>
template <Mode kDirection>
bool IoStages<Types>::Start() {
  if (stage_ == Stage::kNothing) return true;
  if (this->home != &fd_->scheduler && !guest_ && !EnterGuest()) {
    if (seat_ != nullptr) Leave();
    return true;
  }
  return GoOn<kDirection>(Step::kOn);
}

// After a step that came to that; it is not parked. The answer is Advance's.
template <class Types>
template <Mode kDirection>
bool IoStages<Types>::GoOn(Step step) {
  if (step == Step::kOn) step = Go<kDirection>();
  if (step != Step::kEnded) return false;
  if (guest_ || seat_ != nullptr) Leave();
  return true;
}

// As Reset, for the first try. A write forgets nothing: if it would block it
// tries once more, for readiness that is old. Reports of something to read say
// that there is room, too, so that each write would have to forget.
template <class Types>
template <Mode kDirection>
inline typename IoStages<Types>::Step IoStages<Types>::Look() {
  if (kDirection == Mode::kRead) return Reset<kDirection>();
  const PollError error = fd_->desc->Ended(kDirection);
  if (error != PollError::kNone) [[unlikely]]
    return End(Status::FromPoll(error));
  stage_ = Stage::kTry;
  return Step::kOn;
}

// Forgets old readiness and goes on to the system call; or, where the last read
// has left nothing, straight to the wait. Ended: there is an error.
template <class Types>
template <Mode kDirection>
inline typename IoStages<Types>::Step IoStages<Types>::Reset() {
  if (kDirection == Mode::kRead && fd_->drained && !never_blocks_) {
    stage_ = Stage::kPark;
    return Step::kOn;
  }
  const PollError error = fd_->poller.Reset(fd_->desc, kDirection);
  if (error != PollError::kNone) [[unlikely]]
    return End(Status::FromPoll(error));
  stage_ = Stage::kTry;
  return Step::kOn;
}

// The system call.
template <class Types>
template <Mode kDirection, class Call, bool kFirst>
inline typename IoStages<Types>::Step IoStages<Types>::Try() {
  if (kDirection == Mode::kRead) fd_->drained = false;
  const std::size_t before = kFirst || Call::kMovesOnce ? 0 : bytes_;
  const bool ended = Call::Try(static_cast<Op*>(this));
  const std::size_t moved = bytes_ - before;
  if (moved >= 1024) Types::Host::Moved(moved);
  if (ended) return End<kDirection>();
  return Blocked(moved != 0);
}

// The call would block, or there is more to do.
template <class Types>
typename IoStages<Types>::Step IoStages<Types>::Blocked(bool moved) {
  if (flies_) {  // What ends that wakes this operation.
    stage_ = Stage::kPark;
    return Step::kOn;
  }
  if (moved) {  // What woke this operation was no mistake.
    woken_ = false;
    fruitless_ = 0;
  }
  stage_ = more_ ? Stage::kMore : Stage::kPark;
  if (more_) return Step::kOn;
  if (fd_->unwatched() || recalled_) [[unlikely]] {
    const Stage blocked = stage_;
    if (Unwatched() == Step::kEnded) return Step::kEnded;
    if (stage_ != blocked) return Step::kOn;
  }
  return woken_ || no_event_ ? Fruitless() : Step::kOn;
}

// The rest of what is long: now, or when the others have had their turn. Then
// errors, such as a deadline that has passed, are looked at first.
template <class Types>
typename IoStages<Types>::Step IoStages<Types>::More() {
  more_ = false;
  stage_ = Stage::kTry;
  if (Types::Host::ShareIsLeft()) return Step::kOn;
  stage_ = Stage::kReset;
  if (Cancelled()) [[unlikely]]
    return End(WhyCancelled());
  Types::Host::GoLast(*this);
  return Step::kParked;
}

// Ended: the descriptor is closed, or the scope is cancelled.
template <class Types>
typename IoStages<Types>::Step IoStages<Types>::TakeDirection() {
  const bool queued = stage_ == Stage::kQueue;
  stage_ = Stage::kAgain;  // Before it may be parked: afterwards hands off.
  const DirectionTurn turn =
      fd_->TakeTurn(direction_, this, queued, [this] { return Cancelled(); });
  if (turn == DirectionTurn::kParked) return Step::kParked;
  if (turn == DirectionTurn::kTaken) stage_ = Stage::kReset;
  if (turn == DirectionTurn::kTaken || turn == DirectionTurn::kAgain) {
    return Step::kOn;
  }
  status_ = turn == DirectionTurn::kClosed
                ? Status::FromPoll(PollError::kClosing)
                : WhyCancelled();
  return Step::kEnded;
}

// Who rests does not ask for events: a level would be reported at once.
template <class Types>
WaitKind IoStages<Types>::KindOfWait() const {
  if (resting_) return WaitKind::kUnasked;
  return recalled_ ? WaitKind::kUntilReady : WaitKind::kOrError;
}

// Parks, or goes on at once. Ended: with an error.
template <class Types>
template <Mode kDirection>
inline typename IoStages<Types>::Step IoStages<Types>::Park(WaitKind kind) {
  auto& poller = fd_->poller;
  stage_ = Stage::kResume;  // Before it may be parked: afterwards hands off.
  return Waited(poller.Park(fd_->desc, kDirection, this, kind));
}

// Once it is parked nothing of it may be touched.
template <class Types>
inline typename IoStages<Types>::Step IoStages<Types>::Waited(WaitResult wait) {
  if (wait.parked()) return Step::kParked;
  if (wait.error() != PollError::kNone) [[unlikely]]
    return Refused(wait.error());
  return Woken();
}

// On to the system call, when a rest is over. (None begins before the last has
// ended.)
template <class Types>
inline typename IoStages<Types>::Step IoStages<Types>::Woken() {
  woken_ = true;
  stage_ = Stage::kTry;
  if (resting_ && !RestIsOver()) stage_ = Stage::kPark;
  return Step::kOn;
}

template <class Types>
typename IoStages<Types>::Step IoStages<Types>::Refused(PollError error) {
  if (flies_) return Recall();
  if (error != PollError::kNotPollable || !fd_->socket) {
    // Readiness may have been passed over.
    const bool untried = resting_ && error == PollError::kTimeout;
    const Status status = Status::FromPoll(error);
    return untried ? GiveUp(status) : End(status);
  }
  // What a socket reports as an error may be news for somebody else, such as
  // its error queue: what counts is what its calls say.
  error = fd_->poller.Reset(fd_->desc, direction_);
  if (error != PollError::kNone) return End(Status::FromPoll(error));
  return Woken();
}

template <class Types>
template <Mode kDirection>
inline typename IoStages<Types>::Step IoStages<Types>::End() {
  fd_->Release(kDirection);
  return Step::kEnded;
}

template <class Types>
typename IoStages<Types>::Step IoStages<Types>::End(Status status) {
  status_ = status;
  if (status.error_number() != 0) Failed(status.error_number());
  if (resting_) StopResting();
  return direction_ == Mode::kRead ? End<Mode::kRead>() : End<Mode::kWrite>();
}

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_IO_STEPS_H_
