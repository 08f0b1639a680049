// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/io_op.h"

#include <algorithm>
#include <cerrno>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/descriptor_lock.h"
#include "netpoll/core/types.h"
#include "netpoll/core/wait.h"
#include "netpoll/runtime/host_poller.h"
#include "netpoll/runtime/message.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/suspend.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/worker.h"

namespace netpoll::internal {

// The part that needs no coroutine handle: true if the operation has ended.
template <Mode kDirection>
bool IoOp::Begin() {
  if (stage_ != Stage::kAcquire) {
    StdEnv::Misuse("an operation on a descriptor was awaited twice");
  }
  if (fd_ == nullptr || fd_->lock.closed()) [[unlikely]]
    return BeginNothing();
  if (!Pay()) return false;  // Yield first.
  const LockOutcome outcome = fd_->lock.Acquire(kDirection);
  if (outcome != LockOutcome::kDone) [[unlikely]] {
    stage_ = Stage::kAgain;
    if (outcome != LockOutcome::kClosed) return false;
    status_ = IoStatus::FromPoll(PollError::kClosing);
    return true;
  }
  if (Reset<kDirection>() == Step::kEnded) return true;
  return stage_ == Stage::kTry && Try<kDirection>() == Step::kEnded;
}
template bool IoOp::Begin<Mode::kRead>();
template bool IoOp::Begin<Mode::kWrite>();

// There is no descriptor, or there is no more.
bool IoOp::BeginNothing() {
  status_ = fd_ == nullptr ? IoStatus::FromErrno(EBADF)
                           : IoStatus::FromPoll(PollError::kClosing);
  if (fd_ != nullptr) std::exchange(fd_, nullptr)->Unref();
  if (!Pay()) return false;
  stage_ = Stage::kNothing;
  return true;
}

bool IoOp::Suspend(std::coroutine_handle<> task, CancelSeat* seat) {
  const bool reads = direction_ == Mode::kRead;
  task_ = task;
  seat_ = seat;
  run = reads ? &IoOp::Resume<Mode::kRead> : &IoOp::Resume<Mode::kWrite>;
  Settle(*this, fd_ != nullptr ? &fd_->scheduler : nullptr);
  if (seat != nullptr) [[unlikely]]
    SitDown();
  if (stage_ == Stage::kAcquire) [[unlikely]] {
    // The task has had its share: let the others go first.
    stage_ = fd_ != nullptr ? Stage::kAgain : Stage::kNothing;
    GoLast(*this);
    return true;
  }
  if (stage_ == Stage::kAgain && home == &fd_->scheduler && !Cancelled())
      [[unlikely]] {
    if (fd_->lock.Park(direction_, this)) return true;
  }
  return !(reads ? Advance<Mode::kRead>() : Advance<Mode::kWrite>());
}

template <Mode kDirection>
void IoOp::Resume(TaskWaiter* self) {
  IoOp* const op = static_cast<IoOp*>(self);
  if (op->Advance<kDirection>()) ResumeHere(op->task_);
}

// A task of another runtime waits here as a guest. False: nobody polls here any
// more, and the operation has ended.
bool IoOp::EnterGuest() {
  guest_ = fd_->scheduler.EnterGuest();
  if (guest_) return true;
  status_ = IoStatus::FromPoll(PollError::kClosing);
  if (stage_ != Stage::kAgain) fd_->Release(direction_);
  return false;
}

// It has ended.
void IoOp::Leave() {
  if (seat_ != nullptr) seat_->node->Leave(*seat_);
  if (guest_) fd_->scheduler.LeaveGuest();
}

// --- Scopes ------------------------------------------------------------------

// If the scope was cancelled before, Heed sees that.
void IoOp::SitDown() {
  if (fd_ == nullptr) {
    seat_ = nullptr;
  } else {
    static_cast<void>(seat_->node->Sit(*seat_, this, &IoOp::Interrupt));
  }
}

bool IoOp::Cancelled() const {
  return seat_ != nullptr && seat_->node->reason() != CancelReason::kNone;
}

// The scope is cancelled: whoever waits in this direction tries once more, and
// then looks why. Touches what never changes alone: the operation may be at
// work.
void IoOp::Interrupt(void* self, CancelReason) {
  const IoOp* const op = static_cast<IoOp*>(self);
  FdState* const fd = op->fd_;
  if (!fd->lock.AddReference()) return;
  fd->Nudge(op->direction_);
  fd->DropReference();
}

// About to wait. Ended: the scope is cancelled. What has come by then wins, so
// where the last read was not followed by a try, there is one.
IoOp::Step IoOp::Heed() {
  if (!Cancelled()) return Step::kOn;
  if (direction_ == Mode::kRead && fd_->drained) {
    stage_ = Stage::kTry;
    return Step::kOn;
  }
  return End(StatusOf(seat_->node->reason()));
}

// Goes on from stage_, until the operation has ended or is parked. Once it is
// parked nothing of it may be touched.
template <Mode kDirection>
inline IoOp::Step IoOp::Go() {
  for (;;) {
    Step step = Step::kOn;
    switch (stage_) {
      case Stage::kAcquire:
      case Stage::kAgain:
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
template <Mode kDirection>
bool IoOp::Advance() {
  if (stage_ == Stage::kNothing) [[unlikely]]
    return true;
  if (home != &fd_->scheduler) [[unlikely]] {
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
template <Mode kDirection>
inline IoOp::Step IoOp::Reset() {
  if (kDirection == Mode::kRead && fd_->drained && !never_blocks_) {
    stage_ = Stage::kPark;
    return Step::kOn;
  }
  const PollError error = fd_->scheduler.poller().Reset(fd_->desc, kDirection);
  if (error != PollError::kNone) [[unlikely]]
    return End(IoStatus::FromPoll(error));
  stage_ = Stage::kTry;
  return Step::kOn;
}

// The system call.
template <Mode kDirection>
inline IoOp::Step IoOp::Try() {
  if (kDirection == Mode::kRead) fd_->drained = false;
  const std::size_t before = bytes_;
  const bool ended = attempt_(this);
  const std::size_t moved = bytes_ - before;
  if (moved >= 1024 && this_worker != nullptr) this_worker->Moved(moved);
  if (ended) return End<kDirection>();
  return Blocked(moved != 0);
}

// The call would block, or there is more to do.
IoOp::Step IoOp::Blocked(bool moved) {
  if (moved) {  // What woke this operation was no mistake.
    woken_ = false;
    fruitless_ = 0;
  }
  stage_ = more_ ? Stage::kMore : Stage::kPark;
  if (more_ || !(woken_ || no_event_)) return Step::kOn;
  return Fruitless();
}

// The rest of what is long: now, or when the others have had their turn. Then
// errors, such as a deadline that has passed, are looked at first.
IoOp::Step IoOp::More() {
  more_ = false;
  stage_ = Stage::kTry;
  if (this_worker == nullptr || this_worker->budget > 0) return Step::kOn;
  stage_ = Stage::kReset;
  if (Cancelled()) [[unlikely]]
    return End(StatusOf(seat_->node->reason()));
  GoLast(*this);
  return Step::kParked;
}

// Ended: the descriptor is closed.
IoOp::Step IoOp::TakeDirection() {
  if (Cancelled()) [[unlikely]] {
    status_ = StatusOf(seat_->node->reason());
    return Step::kEnded;
  }
  const LockOutcome outcome = fd_->lock.Acquire(direction_);
  if (outcome == LockOutcome::kMustWait) {
    return fd_->lock.Park(direction_, this) ? Step::kParked : Step::kOn;
  }
  stage_ = Stage::kReset;
  if (outcome != LockOutcome::kClosed) return Step::kOn;
  status_ = IoStatus::FromPoll(PollError::kClosing);
  return Step::kEnded;
}

// Parks, or goes on when the task runs again. Ended: with an error.
template <Mode kDirection>
inline IoOp::Step IoOp::Wait() {
  HostPoller& poller = fd_->scheduler.poller();
  if (stage_ == Stage::kResume) {
    // Parked again, it asks for events though it may rest: rare, and the next
    // Park does not.
    return Waited(poller.Resume(fd_->desc, kDirection, this));
  }
  if (seat_ != nullptr) [[unlikely]] {
    const Step step = Heed();
    if (step != Step::kOn || stage_ != Stage::kPark) return step;
  }
  stage_ = Stage::kResume;  // Before it may be parked: afterwards hands off.
  // Who rests does not ask for events: a level would be reported at once.
  const WaitKind kind = resting_ ? WaitKind::kUnasked : WaitKind::kOrError;
  return Waited(poller.Park(fd_->desc, kDirection, this, kind));
}

// Once it is parked nothing of it may be touched.
inline IoOp::Step IoOp::Waited(WaitResult wait) {
  if (wait.parked()) return Step::kParked;
  if (wait.error() != PollError::kNone) [[unlikely]]
    return Refused(wait.error());
  return Woken();
}

// On to the system call, when a rest is over. (None begins before the last has
// ended.)
inline IoOp::Step IoOp::Woken() {
  woken_ = true;
  stage_ = Stage::kTry;
  if (resting_ && !RestIsOver()) stage_ = Stage::kPark;
  return Step::kOn;
}

IoOp::Step IoOp::Refused(PollError error) {
  if (error != PollError::kNotPollable || !fd_->socket) {
    return End(IoStatus::FromPoll(error));
  }
  // What a socket reports as an error may be news for somebody else, such as
  // its error queue: what counts is what its calls say.
  error = fd_->scheduler.poller().Reset(fd_->desc, direction_);
  if (error != PollError::kNone) return End(IoStatus::FromPoll(error));
  return Woken();
}

template <Mode kDirection>
inline IoOp::Step IoOp::End() {
  if (resting_) [[unlikely]]
    StopResting();
  if (status_.error_number() != 0) [[unlikely]]
    Failed();
  fd_->Release(kDirection);
  return Step::kEnded;
}

IoOp::Step IoOp::End(IoStatus status) {
  status_ = status;
  return direction_ == Mode::kRead ? End<Mode::kRead>() : End<Mode::kWrite>();
}

// What Stop did to the peer is no news of the peer.
void IoOp::Failed() {
  if (!fd_->scheduler.stopping()) return;
  status_ = IoStatus::FromPoll(PollError::kClosing);
}

// --- Rests -------------------------------------------------------------------

// The call would block although a wait had ended, or no event will tell. Goes
// on to the wait, with a rest if this happens again and again. Ended: there is
// no memory to do so.
IoOp::Step IoOp::Fruitless() {
  HostPoller& poller = fd_->scheduler.poller();
  // Where edges are reported, each report of an error is news of its own.
  if (!no_event_ && !poller.reports_levels() && fd_->desc->ErrorReported()) {
    return Step::kOn;
  }
  const std::int64_t now = sys.now();
  const auto millis = static_cast<std::uint32_t>(now / 1'000'000);
  if (!rested_ && millis - looked_ >= kWaitedMillis) fruitless_ = 0;
  rested_ = false;
  woken_ = false;
  looked_ = millis;
  if (fruitless_ < UINT8_MAX) ++fruitless_;
  const int rests = fruitless_ - (no_event_ ? 0 : kPatience);
  if (rests <= 0 || Rest(now, rests)) return Step::kOn;
  return End(IoStatus::FromErrno(ENOMEM));
}

// Begins the rest of that number.
bool IoOp::Rest(std::int64_t now, int rests) {
  RetryTimer* const timer = fd_->Retry(direction_);
  if (timer == nullptr) return false;
  const std::int64_t pace = kShortestRest << std::min(rests - 1, 7);
  timer->until = now + std::min(pace, kLongestRest);
  fd_->Ref();
  resting_ = fd_->scheduler.StartTimer(timer, timer->until);
  if (!resting_) fd_->Unref();
  return resting_;
}

// Somebody is awake: events don't count until the time has come. (Stop has
// every timer come early, when it has closed everything.)
bool IoOp::RestIsOver() {
  const std::int64_t until = fd_->Retry(direction_)->until;
  if (sys.now() < until) return false;
  StopResting();
  rested_ = true;
  return true;
}

void IoOp::StopResting() {
  resting_ = false;
  if (fd_->scheduler.StopTimer(fd_->Retry(direction_))) fd_->Unref();
}

// --- For attempts ------------------------------------------------------------

// Looks for the mark after the read: an event that was published before it may
// have announced the end of the stream already, a later one will wake us.
void IoOp::Received(std::size_t got, std::size_t room) {
  bytes_ = got;
  // An end that Stop has made of the peer is no end of what it had to say.
  if (got == 0 && room > 0 && fd_->scheduler.stopping()) {
    status_ = IoStatus::FromPoll(PollError::kClosing);
  }
  fd_->drained = fd_->short_reads_drain && got > 0 && got < room &&
                 !fd_->desc->NoMoreEdges();
}

bool IoOp::ReceivedMessage(int error) {
  if (error != 0) return FailOrBlock(error);
  if (bytes_ == 0 && fd_->scheduler.stopping() && AtEnd(fd())) {
    status_ = IoStatus::FromPoll(PollError::kClosing);
  }
  return true;
}

bool IoOp::FailOrBlock(int error) {
  if (error == EAGAIN || error == EWOULDBLOCK) return false;
  status_ = IoStatus::FromErrno(error);
  return true;
}

}  // namespace netpoll::internal
