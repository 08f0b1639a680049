// SPDX-License-Identifier: Apache-2.0
//
// Sleeps that found no room in the heap of times and no memory for more. Room
// is reserved for one sleep of each task; a task that has several at once, by
// means of its own, may get here. They share one timer, whose room is reserved
// before any task's, and look for room of their own when it is due.

#ifndef NETPOLL_RUNTIME_PROTOCOLS_ROOMLESS_SLEEPS_H_
#define NETPOLL_RUNTIME_PROTOCOLS_ROOMLESS_SLEEPS_H_

#include <cstdint>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/types.h"

namespace netpoll::internal {

// `Timed` and `Sleeper` as timetable.h has them. Of the timetable it asks:
//   bool ArmRoomless(when)   the shared timer is due at `when`; true: nothing
//                            is due before it
//   DeadlineMoved(when)      something is due earlier than all was
//   StartSleep(sleep)        looks for room again
//   bool stopping(); int64 Now()
template <class Env, class Timetable, class Timed, class Sleeper>
class RoomlessSleeps : public Timed {
 public:
  explicit RoomlessSleeps(Timetable& timetable)
      : Timed(&RoomlessSleeps::Retry), timetable_(timetable) {}

  // Once it is there, another worker may wake the task and destroy `sleep`.
  void Add(Sleeper* sleep) {
    const std::int64_t when = sleep->When();
    bool moved = false;
    {
      const LockHolder hold(lock_, "roomless.add.lock");
      const bool earlier = sleeps_.Change([=](Sleeps& sleeps) {
        sleeps.tasks.Push(sleep);
        if (when >= sleeps.earliest) return false;
        sleeps.earliest = when;
        return true;
      });
      if (earlier) moved = timetable_.ArmRoomless(when);
    }
    if (moved) timetable_.DeadlineMoved(when);
  }

 private:
  struct Sleeps {
    WaiterList tasks;
    std::int64_t earliest = kNever;
  };

  static void Retry(Timed* self) {
    static_cast<RoomlessSleeps*>(self)->RetryAll();
  }

  void RetryAll() {
    WaiterList tasks;
    {
      const LockHolder hold(lock_, "roomless.retry.lock");
      sleeps_.Change([&tasks](Sleeps& sleeps) {
        tasks.Append(sleeps.tasks);
        sleeps.earliest = kNever;
      });
    }
    const std::int64_t now = timetable_.Now();
    while (Waiter* const waiter = tasks.Pop()) {
      auto* const sleep = static_cast<Sleeper*>(waiter);
      if (sleep->When() <= now || timetable_.stopping()) {
        sleep->due(sleep);
      } else {
        timetable_.StartSleep(sleep);
      }
    }
  }

  Timetable& timetable_;
  // Guards the others, and the order in which the timer is set.
  typename Env::Lock lock_;
  typename Env::template Var<Sleeps> sleeps_;
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_ROOMLESS_SLEEPS_H_
