// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/queue_wait.h"

#include "netpoll/core/concurrency.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/suspend.h"
#include "netpoll/runtime/worker.h"

namespace netpoll::internal {

ThreadWaiter::ThreadWaiter() {
  if (this_worker != nullptr) {
    StdEnv::Misuse("Blocking was called by a worker: co_await it in a task");
  }
  run = [](TaskWaiter* self) {
    static_cast<ThreadWaiter*>(self)->parker.Unpark("thread.wake");
  };
}

void WakeWaiter(Waiter* waiter) {
  auto* const task = static_cast<TaskWaiter*>(waiter);
  if (task->home != nullptr) {
    Scheduler::MakeRunnable(task);
  } else {
    task->run(task);
  }
}

void WakeSome(WaiterList& list) {
  while (Waiter* const waiter = list.Pop()) WakeWaiter(waiter);
}

bool QueueWait::Suspend(std::coroutine_handle<> task,
                        const TaskContext* context) {
  Resumes(task);
  SettleIn(*this, context);
  note_.Write(__builtin_return_address(0), context);
  began_ = true;
  parked_ = true;  // Before it may be: afterwards hands off.
  if (wait_.Begin(
          this, &SeatFor(*this, context, own_seat_), this,
          &QueueWait::Interrupt, [this] { return Join(); },
          [this] { return Leave(); })) {
    return true;
  }
  parked_ = false;
  if (paid_) return false;
  GoLast(*this);  // It may run, and be gone.
  return true;
}

void QueueWait::Interrupt(void* self, CancelReason) {
  Waiter* const waiter = static_cast<QueueWait*>(self)->wait_.Cancel();
  if (waiter != nullptr) WakeWaiter(waiter);
}

void QueueWait::Block() {
  ThreadWaiter thread;
  if (TryNow()) return;
  began_ = true;
  parked_ = wait_.Begin(
      &thread, nullptr, nullptr, nullptr, [this] { return Join(); },
      [this] { return Leave(); });
  if (parked_) thread.parker.Park("thread.park");
}

IoStatus QueueWait::Ended() {
  if (!began_) return {};
  if (parked_) wait_.End([this] { return Leave(); });
  return wait_.granted() ? IoStatus() : StatusOf(wait_.reason());
}

}  // namespace netpoll::internal
