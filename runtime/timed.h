// SPDX-License-Identifier: Apache-2.0
//
// What a runtime's heap of times holds: rests of operations, and tasks that
// sleep.

#ifndef NETPOLL_RUNTIME_TIMED_H_
#define NETPOLL_RUNTIME_TIMED_H_

#include <cstdint>

#include "netpoll/core/deadline.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/timer_heap.h"
#include "netpoll/runtime/task_waiter.h"

namespace netpoll::internal {

// `due` is called once when the time has come, by a worker that holds no lock.
struct Timed {
  using Due = void (*)(Timed*);

  explicit Timed(Due called) : due(called) {}

  // For the timer heap, under its lock.
  TimerPosition& timer_position() { return position; }

  const Due due;
  TimerPosition position = 0;
};

struct Sleeper : ResumeWaiter, Timed {
  Sleeper(Due called, Deadline time) : Timed(called), deadline(time) {}

  // Without a deadline, later than anybody waits.
  std::int64_t When() const {
    return deadline.none() ? kNever - 1 : deadline.value();
  }

  const Deadline deadline;
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_TIMED_H_
