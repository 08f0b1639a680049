// SPDX-License-Identifier: Apache-2.0
//
// A sleep that others may end: for pieces of the runtime in which one task
// waits for whichever comes first, a time or others' news.
//
//   owner                            others
//   co_await alarm.Until(deadline);  alarm.Ring();
//
// A ring is remembered, one for all that came, and ends the next sleep at once.

#ifndef NETPOLL_RUNTIME_ALARM_H_
#define NETPOLL_RUNTIME_ALARM_H_

#include "netpoll/core/cpp20.h"

#include <coroutine>
#include <utility>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/deadline.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/suspend.h"
#include "netpoll/runtime/timed.h"

namespace netpoll::internal {

class Alarm {
 public:
  explicit Alarm(Scheduler& scheduler) : scheduler_(scheduler) {}
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  class Sleep : public Sleeper {
   public:
    Sleep(Alarm& alarm, Deadline until)
        : Sleeper(&Sleep::Due, until), alarm_(alarm) {}
    bool await_ready() { return Pay() && deadline.past(); }
    [[gnu::noinline]] void await_suspend(std::coroutine_handle<> task) {
      handle = task;
      Settle(*this, &alarm_.scheduler_);
      // The lock is held until it sleeps: whoever rings then finds it.
      const LockHolder hold(alarm_.lock_, "alarm.sleep");
      if (alarm_.rung_ || deadline.past()) {
        GoLast(*this);
        return;
      }
      alarm_.sleeper_ = this;
      home->StartSleep(this);
    }
    // Whether it was rung.
    bool await_resume() {
      const LockHolder hold(alarm_.lock_, "alarm.woken");
      alarm_.sleeper_ = nullptr;
      return std::exchange(alarm_.rung_, false);
    }

   private:
    static void Due(Timed* self) {
      Scheduler::MakeRunnable(static_cast<Sleep*>(self));
    }
    Alarm& alarm_;
  };
  Sleep Until(Deadline deadline) { return Sleep(*this, deadline); }

  // The alarm must be there until this returns.
  void Ring() {
    const LockHolder hold(lock_, "alarm.ring");
    rung_ = true;
    // If it is not in the heap any more its time has come, or is about to.
    if (sleeper_ == nullptr || !sleeper_->home->StopTimer(sleeper_)) return;
    Scheduler::MakeRunnable(std::exchange(sleeper_, nullptr));
  }

 private:
  Scheduler& scheduler_;
  StdEnv::Lock lock_;  // Guards what follows.
  bool rung_ = false;
  Sleep* sleeper_ = nullptr;
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_ALARM_H_
