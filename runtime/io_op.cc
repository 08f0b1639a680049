// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/io_op.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <coroutine>
#include <cstddef>
#include <cstdint>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/descriptor_lock.h"
#include "netpoll/core/poll_desc.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/suspend.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/worker.h"

namespace netpoll::internal {
namespace {

bool IsSocket(int fd) {
  int type = 0;
  socklen_t size = sizeof(type);
  return sys.getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
}

}  // namespace

// The part that needs no coroutine handle: true if the operation has ended.
bool IoOp::Begin() {
  if (stage_ != Stage::kAcquire) {
    StdEnv::Misuse("an operation on a descriptor was awaited twice");
  }
  if (!Pay()) return false;  // Yield first.
  if (fd_ == nullptr) return Nothing();
  switch (fd_->lock.Acquire(direction_)) {
    case LockOutcome::kDone:
      break;
    case LockOutcome::kClosed:
      stage_ = Stage::kAgain;
      status_ = IoStatus::FromPoll(PollError::kClosing);
      return true;
    default:
      stage_ = Stage::kAgain;
      return false;
  }
  return Reset() || (stage_ == Stage::kTry && Try());
}

bool IoOp::Nothing() {
  stage_ = Stage::kNothing;
  status_ = IoStatus::FromErrno(EBADF);
  return true;
}

bool IoOp::await_suspend(std::coroutine_handle<> task) {
  task_ = task;
  run = &IoOp::Resume;
  Settle(*this, fd_ != nullptr ? &fd_->runtime : nullptr);
  if (stage_ == Stage::kAcquire) {
    // The task has had its share: let the others go first.
    stage_ = Stage::kNothing;
    if (fd_ != nullptr) {
      fd_->Ref();
      stage_ = Stage::kAgain;
    }
    GoLast(*this);
    return true;
  }
  if (stage_ == Stage::kAgain) {
    fd_->Ref();
    if (home == &fd_->runtime && fd_->lock.Park(direction_, this)) return true;
  }
  return !Advance();
}

void IoOp::Resume(TaskWaiter* self) {
  IoOp* const op = static_cast<IoOp*>(self);
  if (op->Advance()) op->task_.resume();
}

// A task of another runtime waits here as a guest. False: nobody polls here any
// more, and the operation has ended. A guest keeps the state's memory.
bool IoOp::EnterGuest() {
  FdState* const fd = fd_;
  guest_ = fd->runtime.EnterGuest();
  if (guest_) {
    fd->Ref();
    return true;
  }
  status_ = IoStatus::FromPoll(PollError::kClosing);
  if (stage_ == Stage::kAgain) {
    fd->Unref();
  } else {
    fd->Release(direction_);
  }
  return false;
}

void IoOp::LeaveGuest() {
  Runtime& runtime = fd_->runtime;
  fd_->Unref();
  runtime.LeaveGuest();
}

// Goes on from stage_. True: the operation has ended. False: it is parked, and
// nothing of it may be touched.
[[gnu::always_inline]] inline bool IoOp::Go() {
  bool parked = false;
  for (;;) {
    switch (stage_) {
      case Stage::kAcquire:
      case Stage::kAgain:
        if (TakeDirection(&parked)) return true;
        break;
      case Stage::kReset:
        if (Reset()) return true;
        break;
      case Stage::kTry:
        if (Try()) return true;
        break;
      case Stage::kMore:
        More(&parked);
        break;
      case Stage::kNothing:
        return true;
      case Stage::kPrepare:
      case Stage::kFinish:
        if (Wait(&parked)) return true;
        break;
    }
    if (parked) return false;
  }
}

bool IoOp::Advance() {
  if (stage_ == Stage::kNothing) [[unlikely]]
    return Nothing();
  if (home != &fd_->runtime) [[unlikely]] {
    if (!guest_ && !EnterGuest()) return true;
  }
  const bool ended = Go();
  if (ended && guest_) [[unlikely]]
    LeaveGuest();
  return ended;
}

// On to the system call, or, when it would block, to the wait. True: there is
// an error, and the operation has ended.
inline bool IoOp::Reset() {
  if (direction_ == Mode::kRead && fd_->drained && !never_blocks_) {
    stage_ = Stage::kPrepare;
    return false;
  }
  const PollError error = fd_->runtime.poller().Reset(fd_->desc, direction_);
  if (error != PollError::kNone) return End(IoStatus::FromPoll(error));
  stage_ = Stage::kTry;
  return false;
}

// The system call. True: the operation has ended.
inline bool IoOp::Try() {
  if (direction_ == Mode::kRead) fd_->drained = false;
  const std::size_t before = bytes_;
  const bool ended = attempt_(this);
  if (bytes_ - before >= 1024 && this_worker != nullptr) {
    this_worker->Moved(bytes_ - before);
  }
  if (ended) return End(status_);
  if (bytes_ != before) {  // What woke this operation was no mistake.
    woken_ = false;
    fruitless_ = 0;
  }
  stage_ = more_ ? Stage::kMore : Stage::kPrepare;
  return !more_ && (woken_ || no_event_) && Fruitless();
}

// The rest of what is long: now, or when the others have had their turn. Then
// errors, such as a deadline that has passed, are looked at first.
void IoOp::More(bool* parked) {
  more_ = false;
  stage_ = Stage::kTry;
  if (this_worker == nullptr || this_worker->budget > 0) return;
  stage_ = Stage::kReset;
  *parked = true;
  GoLast(*this);
}

// True: the descriptor is closed.
bool IoOp::TakeDirection(bool* parked) {
  FdState* const fd = fd_;
  const LockOutcome outcome = fd->lock.Acquire(direction_);
  if (outcome == LockOutcome::kMustWait) {
    *parked = fd->lock.Park(direction_, this);
    return false;
  }
  stage_ = Stage::kReset;
  if (outcome == LockOutcome::kClosed) {
    status_ = IoStatus::FromPoll(PollError::kClosing);
  }
  fd->Unref();
  return outcome == LockOutcome::kClosed;
}

// One step of the wait. True: it ended with an error, and so the operation.
bool IoOp::Wait(bool* parked) {
  HostPoller& poller = fd_->runtime.poller();
  HostPoller::Desc* const desc = fd_->desc;
  if (stage_ == Stage::kPrepare) {
    // Who rests does not ask for events: a level would be reported at once.
    const WaitResult wait = resting_
                                ? desc->Prepare(direction_, WaitKind::kOrError)
                                : poller.Prepare(desc, direction_);
    stage_ = Stage::kFinish;
    if (wait.must_park) {
      *parked = poller.Commit(desc, direction_, this);
      return false;
    }
    return Waited(wait.error);
  }
  const WaitResult wait = poller.Finish(desc, direction_);
  if (wait.must_park) {
    stage_ = Stage::kPrepare;
    return false;
  }
  return Waited(wait.error);
}

// A wait ended. True: and so the operation.
inline bool IoOp::Waited(PollError error) {
  if (error != PollError::kNone) return Refused(error);
  woken_ = true;
  stage_ = Stage::kTry;
  if (resting_ && !RestIsOver()) stage_ = Stage::kPrepare;
  return false;
}

bool IoOp::Refused(PollError error) {
  if (error != PollError::kNotPollable || !IsSocket(fd_->fd)) {
    return End(IoStatus::FromPoll(error));
  }
  // What a socket reports as an error may be news for somebody else, such as
  // its error queue: what counts is what its calls say.
  error = fd_->runtime.poller().Reset(fd_->desc, direction_);
  if (error != PollError::kNone) return End(IoStatus::FromPoll(error));
  woken_ = true;
  stage_ = Stage::kTry;
  return false;
}

bool IoOp::End(IoStatus status) {
  if (resting_) StopResting();
  status_ = status;
  // What Stop did to the peer is no news of the peer.
  if (status.error_number() != 0 && fd_->runtime.stopping()) {
    status_ = IoStatus::FromPoll(PollError::kClosing);
  }
  fd_->Release(direction_);
  return true;
}

// --- Rests -------------------------------------------------------------------

// The call would block although a wait had ended, or no event will tell. Goes
// on to the wait, with a rest if this happens again and again. True: there is
// no memory to do so, and the operation has ended.
bool IoOp::Fruitless() {
  HostPoller& poller = fd_->runtime.poller();
  // Where edges are reported, each report of an error is news of its own.
  if (!no_event_ && !poller.reports_levels() && fd_->desc->ErrorReported()) {
    return false;
  }
  const std::int64_t now = Runtime::Now();
  const auto millis = static_cast<std::uint32_t>(now / 1'000'000);
  if (!rested_ && millis - looked_ >= kWaitedMillis) fruitless_ = 0;
  rested_ = false;
  woken_ = false;
  looked_ = millis;
  if (fruitless_ < UINT8_MAX) ++fruitless_;
  const int rests = fruitless_ - (no_event_ ? 0 : kPatience);
  if (rests <= 0 || Rest(now, rests)) return false;
  return End(IoStatus::FromErrno(ENOMEM));
}

// Begins the rest of that number.
bool IoOp::Rest(std::int64_t now, int rests) {
  RetryTimer* const timer = fd_->Retry(direction_);
  if (timer == nullptr) return false;
  const std::int64_t pace = kShortestRest << std::min(rests - 1, 7);
  timer->until = now + std::min(pace, kLongestRest);
  resting_ = true;
  fd_->Ref();
  fd_->runtime.StartTimer(timer, timer->until);
  return true;
}

// Somebody is awake: events don't count until the time has come. (Stop has
// every timer come early.)
bool IoOp::RestIsOver() {
  const std::int64_t until = fd_->Retry(direction_)->until;
  if (Runtime::Now() < until && !fd_->runtime.stopping()) return false;
  StopResting();
  rested_ = true;
  return true;
}

void IoOp::StopResting() {
  resting_ = false;
  if (fd_->runtime.StopTimer(fd_->Retry(direction_))) fd_->Unref();
}

// --- For attempts ------------------------------------------------------------

// Looks for the mark after the read: an event that was published before it may
// have announced the end of the stream already, a later one will wake us.
void IoOp::Received(std::size_t got, std::size_t room) {
  bytes_ = got;
  // An end that Stop has made of the peer is no end of what it had to say.
  if (got == 0 && room > 0 && fd_->runtime.stopping()) {
    status_ = IoStatus::FromPoll(PollError::kClosing);
  }
  fd_->drained = fd_->short_reads_drain && got > 0 && got < room &&
                 !fd_->desc->NoMoreEdges();
}

bool IoOp::FailOrBlock(int error) {
  if (error == EAGAIN || error == EWOULDBLOCK) return false;
  status_ = IoStatus::FromErrno(error);
  return true;
}

}  // namespace netpoll::internal
