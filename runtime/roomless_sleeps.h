// SPDX-License-Identifier: Apache-2.0
//
// Sleeps that found no room in the heap of times and no memory for more. Room
// is reserved for one sleep of each task; a task that has several at once, by
// means of its own, may get here. They share one timer, whose room is reserved
// before any task's, and look for room of their own when it is due.

#ifndef NETPOLL_RUNTIME_ROOMLESS_SLEEPS_H_
#define NETPOLL_RUNTIME_ROOMLESS_SLEEPS_H_

#include <cstdint>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/timed.h"

namespace netpoll::internal {

// Of the scheduler it asks:
//   bool ArmRoomless(when)   the shared timer is due at `when`; true: nothing
//                            is due before it
//   DeadlineMoved(when)      something is due earlier than all was
//   StartSleep(sleep)        looks for room again
//   bool stopping()
template <class Scheduler>
class RoomlessSleeps : public Timed {
 public:
  explicit RoomlessSleeps(Scheduler& scheduler)
      : Timed(&RoomlessSleeps::Retry), scheduler_(scheduler) {}

  // Once it is there, another worker may wake the task and destroy `sleep`.
  void Add(Sleeper* sleep) {
    const std::int64_t when = sleep->When();
    bool moved = false;
    {
      const LockHolder hold(lock_, "roomless.add.lock");
      sleeps_.Push(sleep);
      if (when < earliest_) {
        earliest_ = when;
        moved = scheduler_.ArmRoomless(when);
      }
    }
    if (moved) scheduler_.DeadlineMoved(when);
  }

 private:
  static void Retry(Timed* self) {
    auto* const roomless = static_cast<RoomlessSleeps*>(self);
    WaiterList sleeps;
    {
      const LockHolder hold(roomless->lock_, "roomless.retry.lock");
      sleeps.Append(roomless->sleeps_);
      roomless->earliest_ = kNever;
    }
    const std::int64_t now = sys.now();
    while (Waiter* const waiter = sleeps.Pop()) {
      auto* const sleep = static_cast<Sleeper*>(waiter);
      if (sleep->When() <= now || roomless->scheduler_.stopping()) {
        sleep->due(sleep);
      } else {
        roomless->scheduler_.StartSleep(sleep);
      }
    }
  }

  Scheduler& scheduler_;
  // Guards the others, and the order in which the timer is set.
  StdEnv::Lock lock_;
  WaiterList sleeps_;
  std::int64_t earliest_ = kNever;
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_ROOMLESS_SLEEPS_H_
