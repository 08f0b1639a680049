// SPDX-License-Identifier: Apache-2.0
//
// One operation of one direction of a descriptor, as an awaitable: take the
// direction, Reset, try the system call, and wait and try again while it would
// block. An operation that is woken again and again and would still block, or
// of whose end no event tells, rests before it tries again: 1 ms, 2, 4 and so
// on up to 100; a deadline, a close or Stop end a rest at once. It lives in the
// awaiting coroutine's frame; nothing is allocated, and the coroutine is
// resumed only when the operation has ended.

#ifndef NETPOLL_RUNTIME_IO_OP_H_
#define NETPOLL_RUNTIME_IO_OP_H_

#include "netpoll/core/cpp20.h"

#include <coroutine>
#include <cstddef>
#include <cstdint>

#include "netpoll/core/types.h"
#include "netpoll/core/wait.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/task_context.h"
#include "netpoll/runtime/task_waiter.h"

namespace netpoll::internal {

class IoOp : public TaskWaiter {
 public:
  IoOp(const IoOp&) = delete;
  IoOp& operator=(const IoOp&) = delete;

  bool await_ready() {
    return direction_ == Mode::kRead ? Begin<Mode::kRead>()
                                     : Begin<Mode::kWrite>();
  }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> task) {
    return Suspend(task, SeatOf(task));
  }

 protected:
  // Tries the system call. True: it has ended, with `status` and `bytes` set.
  // False: it would block.
  using Attempt = bool (*)(IoOp*);

  // `fd` null: the operation ends with EBADF.
  IoOp(FdState* fd, Mode direction, Attempt attempt)
      : fd_(fd), attempt_(attempt), direction_(direction) {
    if (fd == nullptr) return;
    // Whatever becomes of the handle until the operation has ended.
    fd->Ref();
  }

  ~IoOp() {
    if (fd_ != nullptr) fd_->Unref();
  }

  int fd() const { return fd_->fd; }
  IoResult result() const { return {bytes_, status_}; }

  // For attempts: ends the operation with the last errno, or says that it
  // would block.
  bool FailOrBlock(int error);
  // For attempts: something was moved and more is to do, in this turn or the
  // next.
  bool Continue() {
    more_ = true;
    return false;
  }
  // For attempts: a read got `got` bytes of the `room` that there was.
  void Received(std::size_t got, std::size_t room);
  // For attempts: a message of `bytes_` was received, or the errno says why
  // not. Answers for the attempt.
  bool ReceivedMessage(int error);

  FdState* fd_;
  Attempt attempt_;
  std::size_t bytes_ = 0;
  IoStatus status_;
  // The flags fill a byte, so that one store sets them all.
  // The system call never blocks, whatever is there: it is always tried.
  bool never_blocks_ : 1 = false;
  // Set by an attempt that would block and knows that no event will tell when
  // it would not: it is made again at a growing pace.
  bool no_event_ : 1 = false;
  // For whoever derives from an operation.
  bool limited_ : 1 = false;

 private:
  // Attempts in a row that were woken and would block all the same, before the
  // operation rests between them.
  static constexpr int kPatience = 4;
  // Rests grow from the one to the other, each twice as long.
  static constexpr std::int64_t kShortestRest = 1'000'000;
  static constexpr std::int64_t kLongestRest = 100'000'000;
  // Who waited that long for an event does not spin.
  static constexpr std::uint32_t kWaitedMillis = 20;

  enum class Stage : std::uint8_t {
    kAcquire,  // Not begun; when it suspends: it could not pay, yields first.
    kAgain,    // Not begun, or somebody else had the direction: take it.
    kReset,    // Forget old readiness, if the system call is to be tried.
    kTry,      // The system call.
    kMore,     // The system call again, if the task's share is not used up.
    kPark,     // It would block.
    kResume,   // The task was parked, and runs again.
    kNothing,  // There is no descriptor.
  };

  // What a step came to.
  enum class Step : std::uint8_t { kOn, kParked, kEnded };

  // What each operation passes is there once for each direction: compiled for
  // it, and without a call but the system's. The rest is out of line.
  template <Mode kDirection>
  [[gnu::flatten]] bool Begin();
  template <Mode kDirection>
  [[gnu::flatten]] bool Advance();
  template <Mode kDirection>
  Step Go();
  template <Mode kDirection>
  Step Reset();
  template <Mode kDirection>
  Step Try();
  template <Mode kDirection>
  Step Wait();
  template <Mode kDirection>
  Step End();
  template <Mode kDirection>
  static void Resume(TaskWaiter* self);

  // Out of line: once Commit has parked the operation its frame may be gone,
  // and no caller's code may be mixed with that.
  [[gnu::noinline]] bool Suspend(std::coroutine_handle<> task,
                                 CancelSeat* seat);
  static void Interrupt(void* self, CancelReason reason);
  [[gnu::cold, gnu::noinline]] void SitDown();
  [[gnu::cold, gnu::noinline]] Step Heed();
  bool Cancelled() const;
  [[gnu::cold, gnu::noinline]] void Leave();

  [[gnu::noinline]] Step End(IoStatus status);
  Step Waited(WaitResult wait);
  Step Woken();
  [[gnu::cold, gnu::noinline]] bool BeginNothing();
  [[gnu::cold, gnu::noinline]] bool EnterGuest();
  [[gnu::noinline]] Step TakeDirection();
  [[gnu::noinline]] Step More();
  [[gnu::noinline]] Step Blocked(bool moved);
  [[gnu::noinline]] Step Refused(PollError error);
  [[gnu::cold, gnu::noinline]] void Failed();
  Step Fruitless();
  bool Rest(std::int64_t now, int rests);
  [[gnu::noinline]] bool RestIsOver();
  [[gnu::noinline]] void StopResting();

  bool more_ : 1 = false;
  bool guest_ : 1 = false;  // Counted as one by the descriptor's runtime.
  bool woken_ : 1 = false;  // A wait ended with readiness since the last try.
  // Readiness is passed over until the timer is due.
  bool resting_ : 1 = false;
  bool rested_ : 1 = false;  // The last try came after a rest.
  Mode direction_;
  Stage stage_ = Stage::kAcquire;
  std::uint8_t fruitless_ = 0;
  std::uint32_t looked_ = 0;  // When the last of them was, in milliseconds.
  std::coroutine_handle<> task_;
  // Of the scope in which it waits, null if there is none. Set when it
  // suspends.
  CancelSeat* seat_;
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_IO_OP_H_
