// SPDX-License-Identifier: Apache-2.0
//
// Who polls, who sleeps, and how new work finds them: a poll turn that at most
// one worker holds, a mask of sleeping workers, and the order in which both
// sides look.
//
//   worker, out of work                     whoever submits work
//     1. Announce: take the turn, or          1. push the work
//        join the sleepers                    2. Wake: wake a sleeper, or if
//     2. look again at every queue, the          there is none and somebody
//        timers and the stop flag                blocks, break the poll
//     3. found: Retract, run it
//        nothing: poll, or sleep
//
// The worker's side is written once, in worker_glue.h: use that. Announce and
// Wake are seq_cst, and so are push and look (a lock will do), so either the
// worker sees the work or the submitter sees the worker. Looking before
// announcing, not looking again, or pushing without Wake each lose a wake-up.
// The same holds of deadlines: arm, then DeadlineMoved.
//
// Words:
//   turn       kNobody   nobody polls. Announce -> until, TryLook -> kLooking.
//              kLooking  a busy worker looks without blocking, and is back at
//                        once: nobody need break it. EndPoll -> kNobody.
//              0, above  a worker polls, or is about to, until that time at the
//                        latest (absolute nanoseconds; kNever: for ever, or
//                        its time is not known). An earlier deadline breaks it.
//                        Retract and EndPoll -> kNobody, by the holder.
//   holder     the worker that took the turn last to poll, written by it when
//              it has: work that it alone may do breaks no other's poll.
//   sleepers   bit w: worker w has announced that it sleeps. Set by w; cleared
//              by w (Retract) or by the waker, who then unparks w.
//
// Orders: taking the turn, saying who has, joining the sleepers and giving the
// turn up stand before a look at another word, as the loads in Wake and
// DeadlineMoved stand after a push: seq_cst, each a half of a Dekker pair where
// the queues, or the deadline, are words without a lock. With a lock around the
// queue all of them could be weaker; the protocol does not ask for one.
//
// Stronger than a configuration asks for, because:
//   look.turn: what the last holder of the turn wrote is there for the next;
//     now and then, so as announce.turn
//   wake.sleepers cas: a sleeper is taken, which costs a system call anyway
//   announce.sleepers load, retract.sleepers: by a worker that is out of work,
//     so as announce.sleepers
//
// Only the holder of the turn fetches events, so that when it gives the turn
// up nobody has events in hand that are not yet delivered.

#ifndef NETPOLL_CORE_SLEEP_PROTOCOL_H_
#define NETPOLL_CORE_SLEEP_PROTOCOL_H_

#include <bit>
#include <cstdint>
#include <optional>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/delta.h"

namespace netpoll {

enum class [[nodiscard]] IdleRole : std::uint8_t{
    kPoller,   // Holds the turn: look again, then poll.
    kSleeper,  // Look again, then Sleep.
};

template <class Env>
class SleepProtocol {
 public:
  static constexpr int kMaxWorkers = 64;

  // Worker `worker`, 0 to 63, has run out of work. Another number stops the
  // process, here and below. `time`: the absolute time at which it will stop
  // polling by itself, and not later; kNever if no deadline is known.
  IdleRole Announce(int worker, std::int64_t time) {
    CheckNumber(worker);
    const std::int64_t until = time < 0 ? 0 : time;  // Past is past.
    return Env::Retry([&]() -> std::optional<IdleRole> {
      if (turn_.CompareExchange("announce.turn", kNobody, until,
                                Order::kSeqCst)) {
        if (holder_.Load("announce.holder", Order::kRelaxed) != worker) {
          holder_.Store("announce.holder", worker, Order::kSeqCst);
        }
        return IdleRole::kPoller;
      }
      SetSleeping(worker);
      // The holder may have left in between, and seen nobody to wake: then
      // this worker polls.
      if (turn_.Load("announce.again", Order::kSeqCst) != kNobody) {
        return IdleRole::kSleeper;
      }
      ClearSleeping(worker);
      return std::nullopt;
    });
  }

  // The second look found something. True: somebody had meanwhile chosen this
  // sleeper for other work; it passes that wake-up on, by Wake.
  [[nodiscard]] bool Retract(int worker, IdleRole role) {
    CheckNumber(worker);
    if (role == IdleRole::kSleeper) return !ClearSleeping(worker);
    EndPoll();
    return false;
  }

  // Sleeps until woken. Wakes may be spurious.
  void Sleep(int worker) {
    CheckNumber(worker);
    parkers_[worker].Park("sleep.park");
    ClearSleeping(worker);
  }

  // A busy worker takes the turn to look without blocking. False: somebody has
  // it, who sees to events and deadlines. If true, EndPoll and WakeSleeper.
  [[nodiscard]] bool TryLook() {
    return turn_.CompareExchange("look.turn", kNobody, kLooking,
                                 Order::kSeqCst);
  }

  // The holder of the turn gives it up, after its poll. If it goes on to work,
  // it calls WakeSleeper next: somebody should poll meanwhile.
  void EndPoll() { turn_.Store("end_poll.turn", kNobody, Order::kSeqCst); }

  // Work was pushed. Wakes a sleeper if there is one. True: nobody slept but
  // somebody blocks in a poll, so the caller must break it.
  [[nodiscard]] bool Wake() {
    if (WakeSleeper()) return false;
    return turn_.Load("wake.turn", Order::kSeqCst) >= 0;
  }

  // Wakes one sleeper. False if nobody sleeps.
  bool WakeSleeper() {
    const auto taken = Update<Env>(
        sleepers_, "wake.sleepers", kSeqCstUpdate, [](std::uint64_t mask) {
          return MaskStep{mask != 0, mask & (mask - 1)};
        });
    if (!taken.step.write) return false;
    parkers_[std::countr_zero(taken.before)].Unpark("wake.unpark");
    return true;
  }

  // The same, of work that `worker` alone may do. True: it blocks in a poll.
  // One that is about to is not told, but looks again.
  [[nodiscard]] bool WakeOne(int worker) {
    CheckNumber(worker);
    if (ClearSleeping(worker)) {
      parkers_[worker].Unpark("wake.unpark");
      return false;
    }
    return turn_.Load("wake.turn", Order::kSeqCst) >= 0 &&
           holder_.Load("wake.holder", Order::kSeqCst) == worker;
  }

  // The earliest deadline moved forward to `when`. True: break the poll. If
  // nobody polls, a sleeper is woken to do it.
  [[nodiscard]] bool DeadlineMoved(std::int64_t when) {
    const std::int64_t until = turn_.Load("moved.turn", Order::kSeqCst);
    if (until < 0) {
      WakeSleeper();
      return false;
    }
    return until > when;
  }

  bool AnySleeper() const {
    return sleepers_.Load("any.sleepers", Order::kSeqCst) != 0;
  }
  bool AnyPoller() const { return PollsUntil() >= 0; }
  // What was announced by who polls; below 0: nobody does.
  std::int64_t PollsUntil() const {
    return turn_.Load("any.turn", Order::kSeqCst);
  }

 private:
  static constexpr std::int64_t kNobody = -1;
  static constexpr std::int64_t kLooking = -2;

  struct MaskStep {
    bool write;
    std::uint64_t next;
  };

  static void CheckNumber(int worker) {
    if (worker < 0 || worker >= kMaxWorkers) {
      Env::Misuse("a worker's number is not one of 0 to 63");
    }
  }

  void SetSleeping(int worker) {
    const std::uint64_t bit = std::uint64_t{1} << worker;
    Update<Env>(sleepers_, "announce.sleepers", kSeqCstUpdate,
                [bit](std::uint64_t mask) {
                  return MaskStep{(mask & bit) == 0, mask | bit};
                });
  }

  // Of a sleeper that wakes by itself, or is woken as one of many. False: it
  // was done already.
  bool ClearSleeping(int worker) {
    const std::uint64_t bit = std::uint64_t{1} << worker;
    const auto cleared =
        Update<Env>(sleepers_, "retract.sleepers", kSeqCstUpdate,
                    [bit](std::uint64_t mask) {
                      return MaskStep{(mask & bit) != 0, mask & ~bit};
                    });
    return cleared.step.write;
  }

  typename Env::template Atomic<std::int64_t> turn_{kNobody};
  typename Env::template Atomic<std::int32_t> holder_{0};
  typename Env::template Atomic<std::uint64_t> sleepers_{0};
  typename Env::Parker parkers_[kMaxWorkers];
};

}  // namespace netpoll

#endif  // NETPOLL_CORE_SLEEP_PROTOCOL_H_
