// SPDX-License-Identifier: Apache-2.0
//
// The descriptor lock: one task at a time in each direction, references that
// keep the descriptor open while somebody uses it, and a close that waits for
// them. Stands above PollDesc, whose "at most one task per direction" it
// arranges. The word is in descriptor_lock_word.h.
//
// A task that finds its direction taken parks here in two steps, like a wait
// for readiness: Acquire -> kMustWait has counted it; Park(waiter) then says
// whether it is parked (touch nothing of it) or may Acquire again at once. A
// parked task that runs again calls Acquire again.
//
// One that waits no longer, because it was cancelled, leaves at once: whoever
// cancels says so in a word of its own and calls Withdraw; whoever parks looks
// at that word in Park, under the lock that Withdraw takes. So one of the two
// sees the other. One that was woken and does not come for the direction calls
// PassOn: it was woken for all that wait.
//
// The last reference ends the *descriptor*: it is deregistered and closed by
// whoever dropped it. It does not end the *memory*. A task that Close let go
// holds no reference, and still calls Acquire, to be told kClosed, maybe after
// the last reference went. So the lock stays until each task that was handed
// out in a `wake` has called Acquire: in memory that is never freed, or with a
// count of its own in which whoever is about to call Acquire is counted, as in
// runtime/protocols/fd_life.h.
//
// Orders: acquire on taking, so that what one holder wrote is visible to the
// next; acq_rel on giving up, since whoever drops the last reference ends the
// descriptor, and comes after all the others. Nothing here is half of a Dekker
// pair: what is decided is in this one word. Loads are acquire where `closed`
// ends the call: who is told of a close sees what came before it. Otherwise
// they are relaxed, and the exchange confirms them.
//
// What a task that leaves was counted for is taken out of the word; or, if a
// release has taken it, out of the permits, which may be below 0 until the
// release has brought it there: that wake-up is for nobody.
//
// Stronger than a configuration asks for, because:
//   fdlock.incref cas: its load may have read another write of the same value,
//     as that of fdlock.acquire
//   fdlock.close: once in a life; of two that close, the second is told
//   fdlock.closed: who is told of a close sees what came before it
//
// Waiters are handed out in the order in which they parked; the lock itself is
// not fair: a task that comes along may take the direction first.

#ifndef NETPOLL_CORE_DESCRIPTOR_LOCK_H_
#define NETPOLL_CORE_DESCRIPTOR_LOCK_H_

#include <cstdint>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/descriptor_lock_word.h"
#include "netpoll/core/types.h"

namespace netpoll {

enum class [[nodiscard]] ParkOutcome : std::uint8_t{
    kParked,     // Touch nothing of the waiter.
    kAgain,      // A release came in between: Acquire again.
    kWithdrawn,  // It was cancelled, and waits no more.
};

template <class Env>
class DescriptorLock {
 public:
  // False once closed.
  [[nodiscard]] bool AddReference() {
    const LockWord seen = word_.Load("fdlock.incref", Order::kRelaxed);
    if (lock_word::FreeToRefer(seen) &&
        word_.CompareExchange("fdlock.incref", seen, seen + lock_word::kRef,
                              Order::kAcquire)) [[likely]] {
      return true;
    }
    return AddReferenceBeside();
  }

  // True if it was the last after closing: the caller ends the descriptor, not
  // the lock.
  [[nodiscard]] bool DropReference() {
    const LockWord seen = word_.Load("fdlock.decref", Order::kRelaxed);
    if (lock_word::OpenAndReferred(seen) &&
        word_.CompareExchange("fdlock.decref", seen, seen - lock_word::kRef,
                              Order::kAcqRel)) [[likely]] {
      return false;
    }
    return DropReferenceBeside();
  }

  // Closes, keeping a reference that the caller drops when it has unblocked
  // the descriptor. False if it was closed already. Adds to `wake` whoever
  // waits for a direction.
  bool Close(WaiterList& wake) {
    const auto done =
        Update<Env>(word_, "fdlock.close", kAcqRelUpdate, lock_word::Close);
    CheckCount(done.step.outcome);
    if (done.step.outcome == LockOutcome::kClosed) return false;
    Queue(Mode::kRead).Grant(done.step.wake_readers, wake);
    Queue(Mode::kWrite).Grant(done.step.wake_writers, wake);
    return true;
  }

  // kDone: the direction and a reference are the caller's. kClosed. kMustWait:
  // call Park.
  LockOutcome Acquire(Mode direction) {
    const LockWord seen = word_.Load("fdlock.acquire", Order::kRelaxed);
    if (lock_word::FreeToTake(seen, direction) &&
        word_.CompareExchange("fdlock.acquire", seen,
                              lock_word::Taken(seen, direction),
                              Order::kAcquire)) [[likely]] {
      return LockOutcome::kDone;
    }
    return AcquireBeside(direction);
  }

  // True: parked. False: a release came in between, Acquire again.
  [[nodiscard]] bool Park(Mode direction, Waiter* waiter) {
    return Park(direction, waiter, [] { return false; }) ==
           ParkOutcome::kParked;
  }
  // The same of one that may be withdrawn: `cancelled()` says whether it was.
  template <class F>
  ParkOutcome Park(Mode direction, Waiter* waiter, F cancelled) {
    return Queue(direction).Park(waiter, cancelled,
                                 [=, this] { return Uncount(direction); });
  }

  // Takes a parked task out. False: it is not parked, or about to run.
  [[nodiscard]] bool Withdraw(Mode direction, Waiter* waiter) {
    return Queue(direction).Withdraw(waiter,
                                     [=, this] { return Uncount(direction); });
  }

  // By a task that was counted as waiting and neither parks nor comes again.
  void Forgo(Mode direction) {
    Queue(direction).Forgo([=, this] { return Uncount(direction); });
  }

  // By a task that was woken, or not, and does not take its turn: the next one
  // has it. True as for DropReference.
  [[nodiscard]] bool PassOn(Mode direction, WaiterList& wake) {
    const LockOutcome outcome = Acquire(direction);
    if (outcome == LockOutcome::kDone) return Release(direction, wake);
    if (outcome == LockOutcome::kMustWait) Forgo(direction);
    return false;
  }

  // Gives the direction up. True as for DropReference. Adds to `wake` a task
  // that may Acquire.
  [[nodiscard]] bool Release(Mode direction, WaiterList& wake) {
    return !ReleaseAlone(direction) && ReleaseBeside(direction, wake);
  }
  // The same where nobody waits and it is open. False: nothing was done.
  [[nodiscard]] bool ReleaseAlone(Mode direction) {
    const LockWord seen = word_.Load("fdlock.release", Order::kRelaxed);
    return lock_word::HeldAlone(seen, direction) &&
           word_.CompareExchange("fdlock.release", seen,
                                 lock_word::GivenUp(seen, direction),
                                 Order::kAcqRel);
  }
  // The same whatever there is.
  [[gnu::noinline]] bool ReleaseBeside(Mode direction, WaiterList& wake) {
    const auto done = Update<Env>(word_, "fdlock.release", kConfirmedAcqRel,
                                  [direction](LockWord word) {
                                    return lock_word::Release(word, direction);
                                  });
    CheckHeld(done.step.outcome);
    const std::uint32_t count = done.step.wake_readers + done.step.wake_writers;
    if (count != 0) Queue(direction).Grant(count, wake);
    return done.step.outcome == LockOutcome::kLast;
  }

  bool closed() const {
    return (word_.Load("fdlock.closed", Order::kAcquire) &
            lock_word::kClosed) != 0;
  }

 private:
  // A counting semaphore with parked tasks: what it keeps, under its lock. None
  // is parked while there are permits.
  struct State {
    WaiterList parked;
    std::int32_t permits = 0;
  };
  // The two of a direction.
  class ParkQueue {
   public:
    ParkQueue(typename Env::Lock& lock,
              typename Env::template Var<State>& state)
        : lock_(lock), state_(state) {}

    template <class F, class G>
    ParkOutcome Park(Waiter* waiter, F cancelled, G uncount) {
      const LockHolder hold(lock_, "fdlock.park.lock");
      State state = state_.Get();
      ParkOutcome outcome = ParkOutcome::kParked;
      if (state.permits > 0) {
        --state.permits;
        outcome = ParkOutcome::kAgain;
      } else if (!cancelled()) {
        state.parked.Push(waiter);
      } else {
        if (!uncount()) --state.permits;
        outcome = ParkOutcome::kWithdrawn;
      }
      state_.Set(state);
      return outcome;
    }

    template <class G>
    bool Withdraw(Waiter* waiter, G uncount) {
      const LockHolder hold(lock_, "fdlock.withdraw.lock");
      State state = state_.Get();
      if (!state.parked.Remove(waiter)) return false;
      if (!uncount()) --state.permits;
      state_.Set(state);
      return true;
    }

    template <class G>
    void Forgo(G uncount) {
      const LockHolder hold(lock_, "fdlock.forgo.lock");
      State state = state_.Get();
      if (!uncount()) --state.permits;
      state_.Set(state);
    }

    // Out of line: rare, and its callers are on the path of every operation.
    [[gnu::cold, gnu::noinline]] void Grant(std::uint32_t count,
                                            WaiterList& wake) {
      const LockHolder hold(lock_, "fdlock.grant.lock");
      State state = state_.Get();
      for (; count != 0; --count) {
        Waiter* const waiter = state.permits < 0 ? nullptr : state.parked.Pop();
        if (waiter == nullptr) {
          ++state.permits;
        } else {
          wake.Push(waiter);
        }
      }
      state_.Set(state);
    }

   private:
    typename Env::Lock& lock_;
    typename Env::template Var<State>& state_;
  };

  // Each where it is closed, somebody is in the way, or another was faster.
  [[gnu::noinline]] bool AddReferenceBeside() {
    const auto done = Update<Env>(word_, "fdlock.incref", kAcquireUpdate,
                                  lock_word::AddReference);
    CheckCount(done.step.outcome);
    return done.step.outcome == LockOutcome::kDone;
  }

  [[gnu::noinline]] bool DropReferenceBeside() {
    const auto done = Update<Env>(word_, "fdlock.decref", kConfirmedAcqRel,
                                  lock_word::DropReference);
    CheckHeld(done.step.outcome);
    return done.step.outcome == LockOutcome::kLast;
  }

  [[gnu::noinline]] LockOutcome AcquireBeside(Mode direction) {
    const auto done = Update<Env>(word_, "fdlock.acquire", kAcquireUpdate,
                                  [direction](LockWord word) {
                                    return lock_word::Acquire(word, direction);
                                  });
    CheckCount(done.step.outcome);
    return done.step.outcome;
  }

  static void CheckCount(LockOutcome outcome) {
    if (outcome == LockOutcome::kMisuse) {
      Env::Misuse("more than 1,048,575 operations on one descriptor at once");
    }
  }
  static void CheckHeld(LockOutcome outcome) {
    if (outcome == LockOutcome::kMisuse) {
      Env::Misuse("a descriptor lock was released that was not held");
    }
  }

  // False: a release has done so.
  bool Uncount(Mode direction) {
    return Update<Env>(word_, "fdlock.withdraw", kRelaxedUpdate,
                       [direction](LockWord word) {
                         return lock_word::Withdraw(word, direction);
                       })
        .step.write;
  }

  ParkQueue Queue(Mode direction) {
    return direction == Mode::kRead ? ParkQueue(read_lock_, readers_)
                                    : ParkQueue(write_lock_, writers_);
  }

  // Queues and locks in this order: without room between them.
  typename Env::template Var<State> readers_;
  typename Env::template Var<State> writers_;
  typename Env::Lock read_lock_;
  typename Env::Lock write_lock_;
  // Last, beside what else each operation touches.
  typename Env::template Atomic<LockWord> word_{0};
};

}  // namespace netpoll

#endif  // NETPOLL_CORE_DESCRIPTOR_LOCK_H_
