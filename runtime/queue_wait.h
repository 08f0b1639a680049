// SPDX-License-Identifier: Apache-2.0
//
// What is awaited between tasks: a wait in a queue (protocols/wait_queue.h), by
// a task or by a plain thread. Mutex, channel and the others derive their
// awaitables from it.

#ifndef NETPOLL_RUNTIME_QUEUE_WAIT_H_
#define NETPOLL_RUNTIME_QUEUE_WAIT_H_

#include "netpoll/core/cpp20.h"

#include <coroutine>
#include <utility>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/protocols/cancel_node.h"
#include "netpoll/runtime/protocols/parked_wait.h"
#include "netpoll/runtime/protocols/wait_queue.h"
#include "netpoll/runtime/suspend.h"
#include "netpoll/runtime/task_context.h"
#include "netpoll/runtime/task_waiter.h"

namespace netpoll {
namespace internal {

// A thread in place of a task: it has no home, and `run` wakes it. Stops the
// process on a worker.
struct ThreadWaiter : TaskWaiter {
  ThreadWaiter();
  StdEnv::Parker parker;
};

// Each in its home, tasks and threads. The waiters may be gone afterwards.
void WakeWaiter(Waiter* waiter);
void WakeSome(WaiterList& list);
inline void WakeWaiters(WaiterList& list) {
  if (!list.empty()) WakeSome(list);
}

class QueueWait : public ResumeWaiter {
 public:
  QueueWait(const QueueWait&) = delete;
  QueueWait& operator=(const QueueWait&) = delete;

  bool await_ready() {
    paid_ = Pay();
    return paid_ && TryNow();
  }
  // Inline also where nothing else is: Suspend looks who calls.
  template <class Promise>
  [[gnu::always_inline]] bool await_suspend(
      std::coroutine_handle<Promise> task) {
    return Suspend(task, ContextOf(task));
  }

  // Instead of an await, by a thread that is no worker: blocks it.
  void Block();

 protected:
  QueueWait() : wait_(own_wakeup_) {}
  // For what is itself a wake-up.
  explicit QueueWait(Wakeup<StdEnv>& wakeup) : wait_(wakeup) {}
  virtual ~QueueWait() = default;

  // True: it need not wait.
  virtual bool TryNow() = 0;
  // As ParkedWait has them.
  virtual bool Join() = 0;
  virtual bool Leave() = 0;
  // What it waits for, for people: "a channel".
  virtual const char* What() const = 0;

  // By await_resume and after Block, first: ok, or why it has not what it
  // wanted.
  IoStatus Ended();

  Wakeup<StdEnv>* own_wakeup() { return &own_wakeup_; }

 private:
  friend struct WaitLister;

  // Out of line, as IoOp's.
  [[gnu::noinline]] bool Suspend(std::coroutine_handle<> task,
                                 const TaskContext* context);
  static void Interrupt(void* self, CancelReason reason);

  Wakeup<StdEnv> own_wakeup_;
  ParkedWait<StdEnv> wait_;
  CancelSeat own_seat_;
  WaitNote note_;
  bool paid_ = true;
  bool began_ = false;   // It could not be done at once.
  bool parked_ = false;  // And so End is to come.
};

}  // namespace internal

// For threads that are no workers of a runtime: waits for what a task would
// await, an operation of Mutex, Semaphore, Event, Channel, Watch, Broadcast or
// Wakeup, and answers the same. Blocks the thread, and heeds no scope; close
// the channel, or set the event, to end it. A worker that calls this stops the
// process.
//
//   const MutexGuard guard = Blocking(mutex.Lock());
template <class Wait>
auto Blocking(Wait&& wait) {
  wait.Block();
  return wait.await_resume();
}

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_QUEUE_WAIT_H_
