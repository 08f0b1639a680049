// SPDX-License-Identifier: Apache-2.0
//
// One open descriptor of a runtime: what a handle and the operations under way
// share. How it lives and ends is in protocols/fd_life.h; here is with what.

#ifndef NETPOLL_RUNTIME_FD_STATE_H_
#define NETPOLL_RUNTIME_FD_STATE_H_

#include <cerrno>
#include <cstdint>
#include <memory>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/protocols/fd_life.h"
#include "netpoll/runtime/protocols/open_list.h"
#include "netpoll/runtime/task_waiter.h"
#include "netpoll/runtime/timed.h"
#include "netpoll/runtime/worker.h"

namespace netpoll {

template <class Env>
class PollDesc;

namespace internal {

struct FdState;
struct RingCalls;
class BoundName;
class Scheduler;
struct Shard;

// Where a descriptor comes from: from the program, and it is looked at (may it
// be polled, is it a socket, of messages?); or it is a socket that was just
// made here, non-blocking, and whoever made it knows the rest. kStreamMadeHere:
// it is a stream: connected, or about to be, or it listens.
enum class Origin : std::uint8_t { kProgram, kMadeHere, kStreamMadeHere };

// What becomes of the system's descriptor when a state ends.
enum class SystemFd : std::uint8_t { kClose, kKeep };

// Ends a rest of the operation that has the direction (io_op.h): wakes it at a
// time. Made when a direction needs one first, and kept. Whoever starts it
// takes a reference to the state, which is given up when the timer is due, or
// by whoever stops it.
struct RetryTimer : Timed {
  RetryTimer(FdState* owner, Mode waits)
      : Timed(&RetryTimer::Retry), fd(owner), direction(waits) {}
  static void Retry(Timed* self);

  FdState* const fd;
  const Mode direction;
  std::int64_t until = 0;
  // When a wait for readiness last ended because of an error alone, in
  // nanoseconds of the runtime's clock; 0 never.
  std::int64_t error_told = 0;
};

// Of the operations that wait in the directions, or were the last to: where
// each is awaited, and the wait_stamp when it began; and the name of the task
// of the one that began last, where any task has one. Written by whoever is
// about to wait, read by dumps; nobody decides by it, so relaxed.
struct WaitNotes {
  void Write(Mode direction, const void* place, std::uint32_t stamp) {
    where[IndexOf(direction)].Store("note.where", place, Order::kRelaxed);
    since[IndexOf(direction)].Store("note.since", stamp, Order::kRelaxed);
  }
  const void* WhereOf(Mode direction) const {
    return where[IndexOf(direction)].Load("note.where", Order::kRelaxed);
  }
  std::uint32_t SinceOf(Mode direction) const {
    return since[IndexOf(direction)].Load("note.since", Order::kRelaxed);
  }

  StdEnv::Atomic<const void*> where[2];
  StdEnv::Atomic<std::uint32_t> since[2];
  StdEnv::Atomic<const char*> name{""};

 private:
  static unsigned IndexOf(Mode direction) {
    static_assert(static_cast<int>(Mode::kRead) == 1 &&
                  static_cast<int>(Mode::kWrite) == 2);
    return static_cast<unsigned>(direction) - 1;
  }
};
static_assert(sizeof(WaitNotes) <= 32);

struct FdState : FdLife<StdEnv, FdState> {
  FdState(Scheduler& owner, Shard& where, PollDesc<StdEnv>* opened, int number);
  FdState(const FdState&) = delete;
  FdState& operator=(const FdState&) = delete;
  ~FdState();

  // Opens `fd` in the poller, and makes its state. 0, or an errno: ECANCELED if
  // the runtime is stopping, ENODEV if it could not be made. `fd` and `*file`
  // stay the caller's after an error.
  static int Open(Scheduler& scheduler, int fd, Origin origin, FdState** state,
                  std::unique_ptr<BoundName>* file = nullptr);
  // What Stop closes: all that is open.
  static void CloseAll(Scheduler& scheduler);
  // How an operation ends in which Open answered that.
  static IoStatus OpenStatus(int error) {
    return error == ECANCELED ? IoStatus::FromPoll(PollError::kClosing)
                              : IoStatus::FromErrno(error);
  }

  // Before any operation.
  void MovesMessages() {
    messages = true;
    reads_plainly = false;
  }

  // As FdLife's, and says what becomes of the system's descriptor.
  bool CloseNow(SystemFd at_end);

  // Does nothing once it was closed.
  void SetDeadline(Mode mode, Deadline deadline);

  // Whoever waits in that direction tries its call again. While it is open.
  void Nudge(Mode direction);

  // The poller does not report its readiness; has it do so. 0, or an errno.
  bool unwatched() const {
    return unwatched_.Load("fd.unwatched", Order::kAcquire);
  }
  int Watch();

  // The direction's timer, null if there is no memory for one. By whoever has
  // the direction.
  RetryTimer* Retry(Mode direction);

  // In the order in which they fill words: there are many of these.
  const int fd;
  const std::uint32_t generation;  // The desc's.
  // What the end met, an errno or 0. Written before it is said to have come.
  std::uint16_t end_error = 0;
  SystemFd at_end = SystemFd::kClose;  // Written by the closer.
  // Goes false once, by Watch. Acquire: who finds it so may wait for reports.
  StdEnv::Atomic<bool> unwatched_{false};
  // The read direction's: the last read was short, and readiness was not
  // forgotten since. So a read would block, or the semaphore says that it
  // would not: there is no need to try.
  bool drained = false;
  // Set before any operation, and before Stop can end it. False for a pipe or a
  // terminal.
  bool socket = true;
  // Its number is in an InRings. The same; no bit beside those below, which are
  // written when Stop may end it already.
  bool in_rings = false;
  // Set before any operation, and then only read:
  // A TCP stream that the runtime made, on a backend that marks_short_reads.
  // When a read of one was short, whatever comes later comes with a report,
  // unless no more edges come. That is not so elsewhere: a Unix stream ends
  // reads at passed descriptors.
  bool short_reads_drain : 1 = false;
  // What moves is messages, not a stream of bytes: datagrams, SOCK_SEQPACKET.
  // Each is moved by one call, also one of no bytes.
  bool messages : 1 = false;
  // Of a listener: what it accepts has TCP_NODELAY.
  bool no_delay : 1 = true;
  // A read (a write) of it is one call of read(2) (send(2)), and no more to it.
  bool reads_plainly : 1 = true;
  bool sends_plainly : 1 = true;
  Scheduler& scheduler;
  Shard& poller;
  PollDesc<StdEnv>* const desc;
  WaitNotes notes;
  // Null: all is done by calls of the worker's own.
  std::unique_ptr<RingCalls> calls;

 private:
  // What few have.
  struct Rare;

  friend FdLife;

  static void* CloseOnItsThread(void* self);
  bool HaveCalls();
  Rare* HaveRare();
  void Classify();
  void EndedWith(int error);

  // FdLife's side.
  bool LeftBehind() const;
  OpenList<StdEnv>& open_list();
  void Runnable(Waiter* waiter);
  void Runnable(WaiterList& list);
  void Runnable(PollResult& result);
  PollResult Unblock();
  bool CloseByStop() { return CloseNow(SystemFd::kClose); }
  void EndInPoller();
  bool EndElsewhere();
  void CloseSystem();
  void Free() { delete this; }

  // Null until it is needed, by whoever has a direction; then it stays.
  // acq_rel: of two who make it, the second finds the first one's.
  StdEnv::Atomic<Rare*> rare_{nullptr};
};

}  // namespace internal
}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_FD_STATE_H_
