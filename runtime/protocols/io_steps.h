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
#include "netpoll/runtime/protocols/cancel_node.h"
#include "netpoll/runtime/protocols/io_calls.h"
#include "netpoll/runtime/protocols/io_rests.h"
#include "netpoll/runtime/protocols/io_stages.h"

namespace netpoll::internal {

template <class Types>
template <Mode kDirection>
bool IoStages<Types>::BeginIn() {
  if (stage_ != Stage::kAcquire) {
    Types::Env::Misuse("an operation on a descriptor was awaited twice");
  }
  if (fd_ == nullptr || fd_->lock.closed()) [[unlikely]]
    return BeginNothing();
  if (!Types::Host::Pay()) return false;  // Yield first.
  const LockOutcome outcome = fd_->lock.Acquire(kDirection);
  if (outcome != LockOutcome::kDone) [[unlikely]] {
    stage_ = Stage::kQueue;
    if (outcome != LockOutcome::kClosed) return false;
    status_ = Status::FromPoll(PollError::kClosing);
    return true;
  }
  if (Reset<kDirection>() == Step::kEnded) return true;
  return stage_ == Stage::kTry && Try<kDirection>() == Step::kEnded;
}

// There is no descriptor, or there is no more.
template <class Types>
bool IoStages<Types>::BeginNothing() {
  status_ = fd_ == nullptr ? Status::FromErrno(EBADF)
                           : Status::FromPoll(PollError::kClosing);
  if (fd_ != nullptr) std::exchange(fd_, nullptr)->Unref();
  if (!Types::Host::Pay()) return false;
  stage_ = Stage::kNothing;
  return true;
}

template <class Types>
bool IoStages<Types>::Suspend(Task task, Seat* seat) {
  const bool reads = direction_ == Mode::kRead;
  task_ = task;
  seat_ = seat;
  this->run = reads ? &IoStages::template Resume<Mode::kRead>
                    : &IoStages::template Resume<Mode::kWrite>;
  Types::Host::Settle(*this, fd_ != nullptr ? &fd_->scheduler : nullptr);
  if (seat != nullptr) [[unlikely]]
    SitDown();
  if (stage_ == Stage::kAcquire) [[unlikely]] {
    // The task has had its share: let the others go first.
    stage_ = fd_ != nullptr ? Stage::kAgain : Stage::kNothing;
    Types::Host::GoLast(*this);
    return true;
  }
  return !(reads ? Advance<Mode::kRead>() : Advance<Mode::kWrite>());
}

template <class Types>
template <Mode kDirection>
void IoStages<Types>::Resume(typename Types::TaskWaiter* self) {
  IoStages* const op = static_cast<IoStages*>(self);
  if (op->template Advance<kDirection>()) Types::Host::Resume(op->task_);
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

// --- Scopes ------------------------------------------------------------------

// If the scope was cancelled before, Heed sees that.
template <class Types>
void IoStages<Types>::SitDown() {
  if (fd_ == nullptr) {
    seat_ = nullptr;
  } else {
    static_cast<void>(seat_->node->Sit(*seat_, this, &IoStages::Interrupt));
  }
}

template <class Types>
bool IoStages<Types>::Cancelled() const {
  return seat_ != nullptr && seat_->node->reason() != CancelReason::kNone;
}

template <class Types>
typename IoStages<Types>::Status IoStages<Types>::WhyCancelled() const {
  return Types::Host::StatusOf(seat_->node->reason());
}

// The scope is cancelled: this waits for its turn no more, or whoever waits in
// this direction tries once more, and then looks why. Touches what never
// changes alone: the operation may be at work.
template <class Types>
void IoStages<Types>::Interrupt(void* self, CancelReason) {
  IoStages* const op = static_cast<IoStages*>(self);
  op->fd_->Interrupt(op->direction_, op);
}

// About to wait. Ended: the scope is cancelled.
template <class Types>
typename IoStages<Types>::Step IoStages<Types>::Heed() {
  return Cancelled() ? GiveUp(WhyCancelled()) : Step::kOn;
}

// What had come before wins over what ends the wait: the last try may have been
// earlier, or none.
template <class Types>
typename IoStages<Types>::Step IoStages<Types>::GiveUp(Status status) {
  if (flies_) return Recall();
  recalled_ = true;
  if (direction_ == Mode::kRead) fd_->drained = false;
  return End(attempt_(static_cast<Op*>(this)) ? status_ : status);
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
        step = Try<kDirection>();
        break;
      case Stage::kMore:
        step = More();
        break;
      case Stage::kNothing:
        return Step::kEnded;
      case Stage::kPark:
      case Stage::kResume:
        step = Wait<kDirection>();
        break;
    }
    if (step != Step::kOn) return step;
  }
}

// True: the operation has ended. False: it is parked.
template <class Types>
template <Mode kDirection>
bool IoStages<Types>::Advance() {
  if (stage_ == Stage::kNothing) [[unlikely]]
    return true;
  if (this->home != &fd_->scheduler) [[unlikely]] {
    if (!guest_ && !EnterGuest()) {
      if (seat_ != nullptr) Leave();
      return true;
    }
  }
  if (Go<kDirection>() != Step::kEnded) return false;
  if (guest_ || seat_ != nullptr) [[unlikely]]
    Leave();
  return true;
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
  const PollError error = fd_->scheduler.poller().Reset(fd_->desc, kDirection);
  if (error != PollError::kNone) [[unlikely]]
    return End(Status::FromPoll(error));
  stage_ = Stage::kTry;
  return Step::kOn;
}

// The system call.
template <class Types>
template <Mode kDirection>
inline typename IoStages<Types>::Step IoStages<Types>::Try() {
  if (kDirection == Mode::kRead) fd_->drained = false;
  const std::size_t before = bytes_;
  const bool ended = attempt_(static_cast<Op*>(this));
  const std::size_t moved = bytes_ - before;
  if (moved >= 1024) Types::Host::Moved(moved);
  if (ended) return End<kDirection>();
  return Blocked(moved != 0);
}

// The call would block, or there is more to do.
template <class Types>
typename IoStages<Types>::Step IoStages<Types>::Blocked(bool moved) {
  if (moved) {  // What woke this operation was no mistake.
    woken_ = false;
    fruitless_ = 0;
  }
  stage_ = more_ ? Stage::kMore : Stage::kPark;
  if (more_) return Step::kOn;
  if (fd_->unwatched() || recalled_) [[unlikely]] {
    const Stage blocked = stage_;
    if (Unwatched() == Step::kEnded) return Step::kEnded;
    if (flies_ || stage_ != blocked) return Step::kOn;
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

// Parks, or goes on when the task runs again. Ended: with an error.
template <class Types>
template <Mode kDirection>
inline typename IoStages<Types>::Step IoStages<Types>::Wait() {
  auto& poller = fd_->scheduler.poller();
  if (stage_ == Stage::kResume) {
    // Parked again, it asks for events though it may rest: rare, and the next
    // Park does not.
    return Waited(poller.Resume(fd_->desc, kDirection, this));
  }
  if (seat_ != nullptr) [[unlikely]] {
    if (Heed() == Step::kEnded) return Step::kEnded;
  }
  stage_ = Stage::kResume;  // Before it may be parked: afterwards hands off.
  // Who rests does not ask for events: a level would be reported at once.
  WaitKind kind = WaitKind::kOrError;
  if (resting_ || recalled_) [[unlikely]] {
    kind = resting_ ? WaitKind::kUnasked : WaitKind::kUntilReady;
  }
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
  error = fd_->scheduler.poller().Reset(fd_->desc, direction_);
  if (error != PollError::kNone) return End(Status::FromPoll(error));
  return Woken();
}

template <class Types>
template <Mode kDirection>
inline typename IoStages<Types>::Step IoStages<Types>::End() {
  if (resting_) [[unlikely]]
    StopResting();
  if (status_.error_number() != 0) [[unlikely]]
    Failed();
  fd_->Release(kDirection);
  return Step::kEnded;
}

template <class Types>
typename IoStages<Types>::Step IoStages<Types>::End(Status status) {
  status_ = status;
  return direction_ == Mode::kRead ? End<Mode::kRead>() : End<Mode::kWrite>();
}

// What Stop did to the peer is no news of the peer.
template <class Types>
void IoStages<Types>::Failed() {
  if (!fd_->scheduler.stopping()) return;
  status_ = Status::FromPoll(PollError::kClosing);
}

// --- For attempts ------------------------------------------------------------

// Looks for the mark after the read: an event that was published before it may
// have announced the end of the stream already, a later one will wake us.
template <class Types>
void IoStages<Types>::Received(std::size_t got, std::size_t room) {
  bytes_ = got;
  // An end that Stop has made of the peer is no end of what it had to say.
  if (got == 0 && room > 0 && fd_->scheduler.stopping()) {
    status_ = Status::FromPoll(PollError::kClosing);
  }
  fd_->drained = fd_->short_reads_drain && got > 0 && got < room &&
                 !fd_->desc->NoMoreEdges();
}

template <class Types>
bool IoStages<Types>::FailOrBlock(int error) {
  if (error == EAGAIN || error == EWOULDBLOCK) return false;
  status_ = Status::FromErrno(error);
  return true;
}

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_IO_STEPS_H_
