// SPDX-License-Identifier: Apache-2.0
//
// What a task may need later and is reserved when it is spawned, so that only
// spawning runs out of memory: room for the timer of its sleep. Tasks that have
// more timers than one, and rests of operations, ask for room when they start
// one, and count what is taken, so that they take no other task's.

#ifndef NETPOLL_RUNTIME_PROTOCOLS_TASK_PLACES_H_
#define NETPOLL_RUNTIME_PROTOCOLS_TASK_PLACES_H_

#include <cstddef>

#include "netpoll/core/concurrency.h"

namespace netpoll::internal {

// How many places of a scheduler are taken, and how many timers.
template <class Env>
class TaskPlaces {
 public:
  // `sleeps`: the timers. False: there is no memory.
  template <class Timers>
  bool Take(Timers& sleeps) {
    const std::size_t before = taken_.FetchAdd("place.take", 1, Order::kAcqRel);
    if (sleeps.Reserve(before + 1 + kOwn)) return true;
    Give();
    return false;
  }
  void Give() {
    taken_.FetchAdd("place.give", ~std::size_t{0}, Order::kAcqRel);
  }

  // A timer is about to be armed: true if there is room for as many, so it does
  // find some. Given back when it is in the heap no more.
  template <class Timers>
  bool TakeTimer(Timers& sleeps) {
    const std::size_t before =
        timers_.FetchAdd("place.take_timer", 1, Order::kAcqRel);
    if (sleeps.Reserve(before + 1 + kOwn)) return true;
    GiveTimer();
    return false;
  }
  void GiveTimer() {
    timers_.FetchAdd("place.give_timer", ~std::size_t{0}, Order::kAcqRel);
  }

 private:
  // The scheduler's own timer: RoomlessSleeps.
  static constexpr std::size_t kOwn = 1;

  typename Env::template Atomic<std::size_t> taken_{0};
  typename Env::template Atomic<std::size_t> timers_{0};
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_TASK_PLACES_H_
