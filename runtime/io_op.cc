// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/io_op.h"

#include <cerrno>
#include <coroutine>

#include "netpoll/core/descriptor_lock.h"
#include "netpoll/core/poll_desc.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/worker.h"

namespace netpoll::internal {

// The part that needs no coroutine handle: true if the operation has ended.
bool IoOp::Begin() {
  if (fd_ == nullptr) {
    status_ = IoStatus::FromErrno(EBADF);
    return true;
  }
  Worker* const worker = this_worker;
  if (worker != nullptr && !worker->Spend()) return false;  // Yield first.
  switch (fd_->lock.Acquire(direction_)) {
    case LockOutcome::kDone:
      break;
    case LockOutcome::kClosed:
      status_ = IoStatus::FromPoll(PollError::kClosing);
      return true;
    default:
      stage_ = Stage::kAgain;
      return false;
  }
  return Reset() || (stage_ == Stage::kTry && Try());
}

bool IoOp::await_suspend(std::coroutine_handle<> task) {
  task_ = task;
  run = &IoOp::Resume;
  if (stage_ == Stage::kAcquire) {
    // The task has had its share: let the others go first.
    fd_->Ref();
    stage_ = Stage::kAgain;
    fd_->runtime.MakeRunnable(this);
    return true;
  }
  if (stage_ == Stage::kAgain) {
    fd_->Ref();
    if (fd_->lock.Park(direction_, this)) return true;
  }
  return !Advance();
}

void IoOp::Resume(TaskWaiter* self) {
  IoOp* const op = static_cast<IoOp*>(self);
  if (op->Advance()) op->task_.resume();
}

// Goes on from stage_. True: the operation has ended. False: it is parked, and
// nothing of it may be touched.
bool IoOp::Advance() {
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
      case Stage::kPrepare:
      case Stage::kFinish:
        if (Wait(&parked)) return true;
        break;
    }
    if (parked) return false;
  }
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
  if (attempt_(this)) return End(status_);
  stage_ = Stage::kPrepare;
  return false;
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
    const WaitResult wait = poller.Prepare(desc, direction_);
    stage_ = Stage::kFinish;
    if (wait.must_park) {
      *parked = poller.Commit(desc, direction_, this);
      return false;
    }
    stage_ = Stage::kTry;
    return wait.error != PollError::kNone &&
           End(IoStatus::FromPoll(wait.error));
  }
  const WaitResult wait = poller.Finish(desc, direction_);
  if (wait.must_park) {
    stage_ = Stage::kPrepare;
    return false;
  }
  stage_ = Stage::kTry;
  return wait.error != PollError::kNone && End(IoStatus::FromPoll(wait.error));
}

bool IoOp::End(IoStatus status) {
  status_ = status;
  fd_->Release(direction_);
  return true;
}

// Looks for the mark after the read: an event that was published before it may
// have announced the end of the stream already, a later one will wake us.
void IoOp::Received(std::size_t got, std::size_t room) {
  bytes_ = got;
  fd_->drained = fd_->short_reads_drain && got > 0 && got < room &&
                 !fd_->desc->NoMoreEdges();
}

bool IoOp::FailOrBlock(int error) {
  if (error == EAGAIN || error == EWOULDBLOCK) return false;
  status_ = IoStatus::FromErrno(error);
  return true;
}

}  // namespace netpoll::internal
