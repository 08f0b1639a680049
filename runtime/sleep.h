// SPDX-License-Identifier: Apache-2.0
//
// co_await runtime.Sleep(...). A task sleeps in the runtime that runs it,
// whichever was asked. And what else waits for a time.

#ifndef NETPOLL_RUNTIME_SLEEP_H_
#define NETPOLL_RUNTIME_SLEEP_H_

#include <coroutine>
#include <cstdint>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/timer_heap.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/task_waiter.h"

namespace netpoll {

class Runtime;

namespace internal {

// What the runtime's heap of times holds. `due` is called once when the time
// has come, by a worker that holds no lock.
struct Timed {
  using Due = void (*)(Timed*);

  explicit Timed(Due called) : due(called) {}

  // For the timer heap, under its lock.
  TimerPosition& timer_position(int) { return position; }

  const Due due;
  TimerPosition position = 0;
};

class SleepAwaiter : public ResumeWaiter, public Timed {
 public:
  SleepAwaiter(Runtime& runtime, Deadline deadline)
      : Timed(&SleepAwaiter::Wake), runtime_(runtime), deadline_(deadline) {}

  bool await_ready();
  // Out of line, as IoOp's: once armed, another worker may end the task.
  [[gnu::noinline]] void await_suspend(std::coroutine_handle<> task);
  // Whether the time has passed; false if the runtime stopped.
  bool await_resume() const { return !stopped_ && !Stopping(); }

 private:
  friend class RoomlessSleeps;

  static void Wake(Timed* self);
  std::int64_t When() const;
  // The runtime that was asked; once the task has suspended, its own: the other
  // may be gone.
  bool Stopping() const;

  Runtime& runtime_;
  Deadline deadline_;
  bool stopped_ = false;
};

// Sleeps that found no room in the heap of times and no memory for more. Room
// is reserved for one sleep of each task; a task that has several at once, by
// means of its own, may get here. They share one timer, whose room is reserved
// before any task's, and look for room of their own when it is due.
class RoomlessSleeps : public Timed {
 public:
  explicit RoomlessSleeps(Runtime& runtime)
      : Timed(&RoomlessSleeps::Retry), runtime_(runtime) {}

  // Once it is there, another worker may wake the task and destroy `sleep`.
  void Add(SleepAwaiter* sleep);

 private:
  static void Retry(Timed* self);

  Runtime& runtime_;
  // Guards the others, and the order in which the timer is set.
  StdEnv::Lock lock_;
  WaiterList sleeps_;
  std::int64_t earliest_ = Deadline::kNever;
};

}  // namespace internal
}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_SLEEP_H_
