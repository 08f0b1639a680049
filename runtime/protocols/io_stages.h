// SPDX-License-Identifier: Apache-2.0
//
// The stages of an operation in one direction of a descriptor: take the
// direction, Reset, try the system call, and wait and try again while it would
// block. An operation that is woken again and again and would still block, or
// of whose end no event tells, rests before it tries again: 1 ms, 2, 4 and so
// on up to 100; a deadline, a close or Stop end a rest at once. Its steps are
// in io_steps.h, which whoever instantiates them includes.
//
// A try may instead hand a call to the system, which ends it by itself
// (io_flight.h). The operation parks as ever, and is woken by the completion.
// Whatever else ends its wait only recalls the call: the completion is waited
// for, and what the call moved is the result, whoever asked for its end.
//
// It lies in the frame of the task that waits. From the moment when it is
// parked, in the poller, in the direction's queue or behind the runnable ones,
// another thread may run it, to its end and to the frame's: nothing of it is
// touched then, and nothing after its task was resumed.
//
// What a Types supplies:
//   Env, Op      the seam; what derives from this
//   TaskWaiter   a Waiter with `run`, called when it is taken from a queue of
//                runnable ones, and `home`, with its `scheduler`; made of its
//                Later it need not set them
//   Fd           an FdLife with a `scheduler` (stopping, EnterGuest,
//                LeaveGuest, StartTimer, StopTimer), a `poller`, its `desc`,
//                `lock`, `drained`, `short_reads_drain`, `socket`, Nudge,
//                Retry(direction), a timer with `until`, and unwatched(): the
//                system was not asked to report its readiness
//   Status, Seat, Task
//   Host         Pay, ShareIsLeft, Moved, Settle, GoLast, Now, Expect(Task):
//                it is resumed soon, Resume, StatusOf, Watch(Fd): 0 or an
//                errno, Recall(Fd, direction);
//                complete where io_steps.h is included

#ifndef NETPOLL_RUNTIME_PROTOCOLS_IO_STAGES_H_
#define NETPOLL_RUNTIME_PROTOCOLS_IO_STAGES_H_

#include <cstddef>
#include <cstdint>

#include "netpoll/core/descriptor_lock_word.h"
#include "netpoll/core/types.h"
#include "netpoll/core/wait.h"
#include "netpoll/runtime/protocols/cancel_node.h"

namespace netpoll::internal {

template <class Types>
class IoStages : public Types::TaskWaiter {
 public:
  using Fd = typename Types::Fd;
  using Op = typename Types::Op;
  using Status = typename Types::Status;
  using Seat = typename Types::Seat;
  using Task = typename Types::Task;

  IoStages(const IoStages&) = delete;
  IoStages& operator=(const IoStages&) = delete;

  // The part that needs no task to be known: true if the operation has ended.
  bool Begin() {
    return direction_ == Mode::kRead ? BeginIn<Mode::kRead, Stored>()
                                     : BeginIn<Mode::kWrite, Stored>();
  }
  // The rest: false if it has ended, and the task goes on. True: it is parked,
  // or is already run by others. Out of line: once it is parked its frame may
  // be gone, and no caller's code may be mixed with that.
  [[gnu::noinline, gnu::flatten]] bool Suspend(Task task, Seat* seat) {
    return direction_ == Mode::kRead
               ? SuspendIn<Mode::kRead>(task, seat, &ResumeAlone<Mode::kRead>,
                                        &Resume<Mode::kRead>)
               : SuspendIn<Mode::kWrite>(task, seat, &ResumeAlone<Mode::kWrite>,
                                         &Resume<Mode::kWrite>);
  }

 protected:
  // Tries the system call. True: it has ended, with `status` and `bytes` set.
  // False: it would block.
  using Attempt = bool (*)(Op*);
  // Which attempt is made: the operation's, by its address. An operation of
  // every message names its own instead, which becomes a part of the stages.
  struct Stored {
    // One try moves all that is ever moved.
    static constexpr bool kMovesOnce = false;
    static bool Try(Op* op) { return op->attempt_(op); }
  };
  using Run = void (*)(typename Types::TaskWaiter*);

  // What each operation passes is there once for each direction: compiled for
  // it, and without a call but the system's. The rest is out of line.
  template <Mode kDirection, class Call>
  [[gnu::flatten]] bool BeginIn();
  template <Mode kDirection>
  [[gnu::always_inline]] bool SuspendIn(Task task, Seat* seat, Run alone,
                                        Run otherwise);
  template <Mode kDirection, class Call>
  bool Advance();
  // What runs when it was parked. `Alone`: in its own runtime and no scope, so
  // that there is nothing to leave at its end.
  template <Mode kDirection, class Call = Stored>
  [[gnu::flatten]] static void Resume(typename Types::TaskWaiter* self);
  template <Mode kDirection, class Call = Stored>
  [[gnu::flatten]] static void ResumeAlone(typename Types::TaskWaiter* self);

  // `fd` null: the operation ends with EBADF.
  IoStages(Fd* fd, Mode direction, Attempt attempt, bool never_blocks = false)
      : Types::TaskWaiter(typename Types::TaskWaiter::Later()),
        fd_(fd),
        attempt_(attempt),
        never_blocks_(never_blocks),
        direction_(direction) {
    if (fd == nullptr) return;
    // Whatever becomes of the handle until the operation has ended.
    fd->Ref();
  }

  ~IoStages() {
    if (fd_ != nullptr) fd_->Unref();
  }

  // For attempts: ends the operation with the last errno, or says that it
  // would block.
  [[gnu::noinline]] bool FailOrBlock(int error);
  // For attempts: something was moved and more is to do, in this turn or the
  // next.
  bool Continue() {
    more_ = true;
    return false;
  }
  // For attempts: a read got `got` bytes of the `room` that there was.
  void Received(std::size_t got, std::size_t room);

  // For attempts of calls that the system may carry out by itself.
  enum class Flown : std::uint8_t {
    kUnderWay,  // The attempt has failed: it would block.
    kMoved,     // The call has moved so much.
    kFailed,    // The status says why.
    kGrounded,  // There is no such call, nor will there be: the attempt is
                // made as any other.
  };
  // `hand_over()` begins the call; false: it can't now.
  template <class Flight, class HandOver>
  Flown Fly(Flight& flight, HandOver hand_over, std::size_t* moved);

  Fd* fd_;
  Attempt attempt_;
  std::size_t bytes_ = 0;
  Status status_;
  // The flags fill two bytes, so that one store sets them all.
  // The system call never blocks, whatever is there: it is always tried.
  bool never_blocks_ : 1;
  // Set by an attempt that would block and knows that no event will tell when
  // it would not: it is made again at a growing pace.
  bool no_event_ : 1 = false;

 private:
  friend Op;

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
    kQueue,    // Somebody else has it, and this is counted as waiting: park.
    kReset,    // Forget old readiness, if the system call is to be tried.
    kTry,      // The system call.
    kMore,     // The system call again, if the task's share is not used up.
    kPark,     // It would block.
    kResume,   // The task was parked, and runs again.
    kNothing,  // There is no descriptor.
  };

  // What a step came to.
  enum class Step : std::uint8_t { kOn, kParked, kEnded };

  template <Mode kDirection>
  Step Go();
  template <Mode kDirection, class Call>
  Step Again();
  template <Mode kDirection>
  [[gnu::noinline]] bool SuspendElse(Task task, Seat* seat, Run resume);
  template <Mode kDirection>
  [[gnu::noinline]] bool Start();
  template <Mode kDirection>
  [[gnu::noinline]] bool GoOn(Step step);
  template <Mode kDirection>
  Step Look();
  template <Mode kDirection>
  Step Reset();
  template <Mode kDirection, class Call, bool kFirst = false>
  Step Try();
  template <Mode kDirection>
  Step Park(WaitKind kind);
  WaitKind KindOfWait() const;
  template <Mode kDirection>
  Step End();

  static void Interrupt(void* self, CancelReason reason);
  [[gnu::cold, gnu::noinline]] void SitDown();
  [[gnu::cold, gnu::noinline]] Step Heed();
  [[gnu::cold, gnu::noinline]] Step GiveUp(Status status);
  bool Cancelled() const;
  [[gnu::cold, gnu::noinline]] Status WhyCancelled() const;
  [[gnu::cold, gnu::noinline]] void Leave();

  [[gnu::noinline]] Step End(Status status);
  Step Waited(WaitResult wait);
  Step Woken();
  [[gnu::cold, gnu::noinline]] bool BeginNothing(bool paid);
  [[gnu::cold, gnu::noinline]] bool BeginUnpaid();
  [[gnu::cold, gnu::noinline]] bool BeginRefused(LockOutcome outcome);
  [[gnu::cold, gnu::noinline]] bool EnterGuest();
  [[gnu::noinline]] Step TakeDirection();
  [[gnu::noinline]] Step More();
  [[gnu::noinline]] Step Blocked(bool moved);
  [[gnu::noinline]] Step Refused(PollError error);
  [[gnu::cold, gnu::noinline]] void Failed(int error);
  [[gnu::noinline]] void ReceivedNothing(bool room);
  [[gnu::noinline]] Step Unwatched();
  [[gnu::cold, gnu::noinline]] Step Recall();
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
  // The system has a call of this operation, which so must not end.
  bool flies_ : 1 = false;
  // It was asked to end that, and no call is begun any more.
  bool recalled_ : 1 = false;
  std::uint8_t fills_ : 7 = 0;  // Nothing.
  Mode direction_;
  Stage stage_ = Stage::kAcquire;
  std::uint32_t fruitless_ = 0;
  std::uint32_t looked_ = 0;  // When the last of them was, in milliseconds.
  Task task_;
  // Of the scope in which it waits, null if there is none. Set when it
  // suspends.
  Seat* seat_;
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_IO_STAGES_H_
