// SPDX-License-Identifier: Apache-2.0
//
// How a task parks and is woken from anywhere: what all that waits between
// tasks is made of. One word, core/semaphore.h, used so:
//
//   kNil     nothing has come, nobody waits. Prepare -> kWait; Wake -> kReady.
//   kReady   a wake that nobody has taken. Prepare and Finish take it, -> kNil.
//            A second Wake adds nothing.
//   kWait    a task is about to park. Commit -> its address; Wake -> kReady;
//            Cancel -> kNil.
//   waiter   it is parked. Wake -> kReady and Cancel -> kNil hand it out: to
//            exactly one caller, who makes it runnable.
//
// One task waits at a time:
//   if (Prepare()) woken;           there was a wake: it is taken
//   ...                             make known to others what to wake
//   if (Commit(waiter)) parked      hands off: it may run, and be gone
//   Finish()                        when it runs again, or was not parked.
//                                   True: woken; false: cancelled
//
// A wake wins: Finish finds one that came before, or after, a Cancel. Wake may
// be the last that anybody does with this: the memory may go as soon as it has
// handed out a waiter that is made runnable.
//
// Orders: what was written before Wake is visible after the Prepare or Finish
// that takes it, so Wake releases and these acquire; Commit releases the frame
// to whoever takes the waiter. acq_rel exchanges.

#ifndef NETPOLL_RUNTIME_PROTOCOLS_WAKEUP_H_
#define NETPOLL_RUNTIME_PROTOCOLS_WAKEUP_H_

#include <cstdint>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/semaphore.h"
#include "netpoll/core/types.h"

namespace netpoll::internal {

template <class Env>
class Wakeup {
 public:
  // True: there was a wake. False: Commit comes next, or Finish.
  [[nodiscard]] bool Prepare() {
    const auto done =
        Update<Env>(word_, "wakeup.prepare", kAcqRelUpdate, semaphore::Prepare);
    CheckAlone(done.step.outcome);
    return done.step.outcome == SemaphoreOutcome::kConsumed;
  }

  // True: parked; neither the waiter nor its frame may be touched.
  [[nodiscard]] bool Commit(Waiter* waiter) {
    const auto address = reinterpret_cast<SemaphoreWord>(waiter);
    const auto done = Update<Env>(word_, "wakeup.commit", kAcqRelUpdate,
                                  [address](SemaphoreWord word) {
                                    return semaphore::Commit(word, address);
                                  });
    CheckAlone(done.step.outcome);
    return done.step.outcome == SemaphoreOutcome::kParked;
  }

  // True: woken. False: nobody did.
  bool Finish() {
    const auto done =
        Update<Env>(word_, "wakeup.finish", kAcqRelUpdate, semaphore::Finish);
    CheckAlone(done.step.outcome);
    return done.step.outcome == SemaphoreOutcome::kConsumed;
  }

  // Whom to make runnable; null: nobody, and the wake stays for who comes.
  [[nodiscard]] Waiter* Wake() { return Move("wakeup.wake", semaphore::Ready); }
  // Whom to make runnable, who then finds that it was not woken; null: nobody
  // waits.
  [[nodiscard]] Waiter* Cancel() {
    return Move("wakeup.cancel", semaphore::Cancel);
  }

  // By who destroys it, when nobody else uses it any more.
  bool nobody_waits() const {
    const SemaphoreWord word = word_.Load("wakeup.end", Order::kAcquire);
    return word == kNil || word == kReady;
  }

 private:
  static void CheckAlone(SemaphoreOutcome outcome) {
    if (outcome == SemaphoreOutcome::kMisuse) {
      Env::Misuse("two tasks wait for one wake-up");
    }
  }

  template <class Transition>
  Waiter* Move(Site site, Transition transition) {
    const auto done = Update<Env>(word_, site, kAcqRelUpdate, transition);
    if (done.step.outcome != SemaphoreOutcome::kWake) return nullptr;
    return reinterpret_cast<Waiter*>(done.before);
  }

  typename Env::template Atomic<SemaphoreWord> word_{kNil};
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_WAKEUP_H_
