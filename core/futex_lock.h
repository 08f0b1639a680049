// SPDX-License-Identifier: Apache-2.0
//
// The seam's lock and parker, as what they are made of: a word of four bytes,
// and two calls that sleep and wake. The Env that ships gives them
// std::atomic<int> and the system's calls; the model explores them over its own
// (model/scenarios/futex_world.h). Everything else has them as Env::Lock and
// Env::Parker, and the model's other worlds as primitives.
//
// What a Futex supplies:
//   Atomic<int>           as an Env's.
//   SleepOn(word, value)  sleeps until somebody wakes `word`, unless it is not
//                         `value` any more; may return early.
//   WakeOne(word)         wakes one of those who sleep on `word`.
//
// A change of the word that WakeOne follows is seq_cst. The libraries'
// WakeOne first loads a count of sleepers, which SleepOn raises before it
// compares: the two halves of a Dekker pair, and a release is not ordered
// before a later load of another word, on x86 neither.

#ifndef NETPOLL_CORE_FUTEX_LOCK_H_
#define NETPOLL_CORE_FUTEX_LOCK_H_

#include "netpoll/core/access.h"

namespace netpoll {

// Four bytes, one locked instruction each way when nobody contends. Unlike
// abseil's mutex it is visible to the thread sanitizer as shipped.
// Word: 0 free; 1 held; 2 held and somebody may sleep. Acquire moves 0 to 1,
// or exchanges 2 and sleeps while it was not 0: acquire, for what the last
// holder wrote. Release stores 0 and wakes one sleeper if it was 2: seq_cst,
// see above, and a release for the next holder.
template <class Futex>
class FutexLock {
 public:
  void Acquire(Site) {
    if (!word_.CompareExchange("lock.take", 0, 1, Order::kAcquire)) {
      AcquireSlow();
    }
  }
  bool TryAcquire(Site) {
    return word_.CompareExchange("lock.try", 0, 1, Order::kAcquire);
  }
  void Release(Site) {
    if (word_.Exchange("lock.release", 0, Order::kSeqCst) == 2) {
      Futex::WakeOne(word_);
    }
  }

 private:
  [[gnu::cold, gnu::noinline]] void AcquireSlow() {
    while (word_.Exchange("lock.contend", 2, Order::kAcquire) != 0) {
      Futex::SleepOn(word_, 2);
    }
  }

  typename Futex::template Atomic<int> word_{0};
};

// Wakes are remembered, at most one: Park returns at once after an Unpark that
// nobody slept through. What every waker so far wrote before its Unpark is
// visible after Park: so an Unpark is an exchange, which hands on what it
// overwrites. Word: 0 nothing; 1 a wake, not yet taken. Unpark -> 1, seq_cst,
// see above, and a release of what the waker wrote; Park -> 0, acquire.
template <class Futex>
class FutexParker {
 public:
  void Park(Site) {
    while (word_.Exchange("parker.park", 0, Order::kAcquire) == 0) {
      Futex::SleepOn(word_, 0);
    }
  }
  void Unpark(Site) {
    word_.Exchange("parker.unpark", 1, Order::kSeqCst);
    Futex::WakeOne(word_);
  }

 private:
  typename Futex::template Atomic<int> word_{0};
};

}  // namespace netpoll

#endif  // NETPOLL_CORE_FUTEX_LOCK_H_
