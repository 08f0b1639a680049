// SPDX-License-Identifier: Apache-2.0
//
// The one way into suspension. Whatever a task awaits
//   in await_ready    pays: one operation of the task's share of this turn;
//   in await_suspend  settles its waiter, so that whoever wakes it makes it
//                     runnable where the task parked, and then parks it; or, if
//                     it need not wait but could not pay, lets the others go
//                     first.
// So no loop of awaits keeps a worker from the other tasks, or from polling.

#ifndef NETPOLL_RUNTIME_SUSPEND_H_
#define NETPOLL_RUNTIME_SUSPEND_H_

#include "netpoll/core/cpp20.h"

#include <coroutine>
#include <cstdint>

#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/protocols/cancel_node.h"
#include "netpoll/runtime/task_context.h"
#include "netpoll/runtime/task_waiter.h"
#include "netpoll/runtime/worker.h"

namespace netpoll::internal {

class Scheduler;

// False: the task has had its share, and must suspend.
inline bool Pay() {
  Worker* const worker = this_worker;
  return worker == nullptr || worker->Spend();
}

// Outside of all workers the task goes on in `fallback`.
inline void Settle(TaskWaiter& waiter, const Home* fallback) {
  Worker* const worker = this_worker;
  waiter.home = worker != nullptr ? worker->home : fallback;
}

// Where the task was spawned; stops the process if it was nowhere.
[[gnu::cold, gnu::noinline]] const Home* HomeIn(const TaskContext* context);

// The same for what waits in no runtime's hands; one that runs the task must be
// known, by its worker or by where it was spawned.
inline void SettleIn(TaskWaiter& waiter, const TaskContext* context) {
  Worker* const worker = this_worker;
  waiter.home = worker != nullptr ? worker->home : HomeIn(context);
}

// Where a wait sits that only scopes and Stop end: in its scope's seat, or in
// `own`. `waiter` is settled.
CancelSeat& SeatFor(const TaskWaiter& waiter, const TaskContext* context,
                    CancelSeat& own);

// How an operation ends that was cancelled so.
IoStatus StatusOf(CancelReason reason);

// Of a wait that is on no descriptor, for people who look (list_waits.cc):
// where it is, since when, and in which task. Written before anybody can find
// the wait, read under the lock of what it is found in.
struct WaitNote {
  // `place`: an address in the coroutine that awaits.
  void Write(const void* place, const TaskContext* context) {
    where = place;
    task = nullptr;
    since = wait_stamp;
    if (since == 0) [[unlikely]]
      WriteMore(context);
  }

  const void* where;
  const char* task;     // Null: it has no name.
  std::uint32_t since;  // As wait_stamp.

 private:
  [[gnu::cold, gnu::noinline]] void WriteMore(const TaskContext* context);
};

// The seat of a wait that nothing but its own end ends, so that it is found:
// while tasks have names, or the runtime an observer.
struct ListedWait {
  explicit ListedWait(const char* text) : what(text) {}

  static bool Wanted() { return wait_stamp == 0 && this_worker != nullptr; }

  // As CancelNode's. What sits here is told nothing. Not kNone: all stops, and
  // nobody sits.
  template <class F>
  CancelReason Sit(const TaskWaiter& waiter, F park) {
    seat.node = WaitsOf(waiter);
    return seat.node->Sit(seat, this, &ListedWait::Unmoved, park);
  }

  const char* const what;
  WaitNote note;
  CancelSeat seat;

 private:
  friend struct WaitLister;
  static void Unmoved(void*, CancelReason) {}
  static CancelNode<StdEnv>* WaitsOf(const TaskWaiter& waiter);
};

// Runnable, behind all that are. `waiter` is settled.
void GoLast(TaskWaiter& waiter);

// What needs no waiting by itself, but is paid for: co_await Turn(home), that
// of a scheduler.
class Turn : public ResumeWaiter {
 public:
  explicit Turn(const Home& where) : home_(where) {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  bool await_ready() const { return Pay(); }
  void await_suspend(std::coroutine_handle<> task) {
    Resumes(task);
    Settle(*this, &home_);
    GoLast(*this);
  }
  void await_resume() const {}

 private:
  const Home& home_;
};

// Lets the others go first in any case.
class YieldAwaiter : public Turn {
 public:
  using Turn::Turn;
  bool await_ready() const { return false; }
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_SUSPEND_H_
