// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/scheduler.h"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "netpoll/backends/host/host_backends.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/sleep_protocol.h"
#include "netpoll/core/types.h"
#include "netpoll/core/worker_glue.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/run_word.h"
#include "netpoll/runtime/runtime_options.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task_waiter.h"
#include "netpoll/runtime/timed.h"
#include "netpoll/runtime/worker.h"

namespace netpoll::internal {

Scheduler::Scheduler(int threads, const std::string& backend,
                     CloseAll close_all)
    : poller_(backend), close_all_(close_all) {
  const int count = std::clamp(threads, 1, kMaxThreads);
  for (int id = 0; id < count; ++id) {
    workers_.push_back(std::make_unique<Worker>(*this, id));
  }
  if (threads != count) {
    status_ = absl::InvalidArgumentError(absl::StrCat(
        "threads is ", threads, ", but it must be 1 to ", kMaxThreads));
  } else if (!HostBackends::Has(backend)) {
    status_ = absl::InvalidArgumentError(
        absl::StrCat("there is no backend \"", backend, "\", but ",
                     absl::StrJoin(HostBackends::Names(), ", ")));
  } else if (const int error = poller_.Init(); error != 0) {
    const char* const why = poller_.backend().ExplainInit(error);
    status_ = absl::ErrnoToStatus(
        error, absl::StrCat("the poller can't be made on ", backend, ": ",
                            why != nullptr ? why : ErrnoName(error)));
  }
}

Scheduler::~Scheduler() {
  if (InChild()) return;  // The tasks are the parent's.
  closers_.WaitForAll();
  if (!status_.ok()) return;  // Nothing ever ran here.
  if (life_.phase() == RunWord::kRunning) {
    StdEnv::Misuse("a Runtime was destroyed while Run was at work in it");
  }
  if (life_.count() != 0) {
    StdEnv::Misuse("a Runtime was destroyed before its tasks had ended");
  }
}

// --- Tasks -------------------------------------------------------------------

void Scheduler::RefuseInChild() const {
  if (!InChild()) return;
  StdEnv::Misuse(
      "a child of fork used a Runtime of its parent; make a new one after "
      "fork");
}

void Scheduler::Start(TaskWaiter* task) {
  RefuseInChild();
  task->home = this;
  life_.Add();
  Push(task);
}

void Scheduler::TaskEnded() {
  GivePlace();
  if (OnWorker()) {
    if (life_.Remove()) Finish();
  } else {
    LeaveGuest();
  }
}

bool Scheduler::EnterGuest() {
  guests_.Store("guest.mark", 1, Order::kRelaxed);
  return life_.AddUnlessEnded();
}

void Scheduler::LeaveGuest() {
  const LockHolder hold(door_, "guest.door");
  if (life_.Remove()) Finish();
}

void Scheduler::Unhandled(std::exception_ptr exception) {
  {
    const LockHolder hold(unhandled_lock_, "unhandled.lock");
    if (!unhandled_) unhandled_ = std::move(exception);
  }
  Stop();
}

void Scheduler::Finish() {
  done_.Store("finish.done", 1, Order::kSeqCst);
  WakeEverybody();
}

void Scheduler::WakeEverybody() {
  while (protocol_.WakeSleeper()) {
  }
  if (protocol_.AnyPoller()) poller_.Break();
}

void Scheduler::Stop() {
  stopping_.Store("stop.store", 1, Order::kSeqCst);
  open_.Shut();
  close_all_(*this);
  WakeAllSleeps();
}

bool Scheduler::StartTimer(Timed* timer, std::int64_t when) {
  if (!places_.TakeTimer(sleeps_)) return false;
  if (sleeps_.Arm(timer, 0, when, Mode::kRead, 0)) DeadlineMoved(when);
  return true;
}

bool Scheduler::StopTimer(Timed* timer) {
  const bool was_there = sleeps_.Remove(timer, 0);
  if (was_there) places_.GiveTimer();
  return was_there;
}

// Stop may have looked for sleeps before this one was there.
void Scheduler::StartSleep(Sleeper* sleep) {
  if (!StartTimer(sleep, sleep->When())) roomless_.Add(sleep);
  if (stopping()) WakeAllSleeps();
}

bool Scheduler::ArmRoomless(std::int64_t when) {
  return sleeps_.Arm(&roomless_, 0, when, Mode::kRead, 0);
}

// --- Making tasks runnable ---------------------------------------------------

void Scheduler::MakeRunnable(Waiter* waiter) {
  TaskWaiter* const task = static_cast<TaskWaiter*>(waiter);
  task->home->Push(task);
}

void Scheduler::Push(TaskWaiter* task) {
  if (OnWorker()) {
    this_worker->queue.Push(task);
    if (workers_.size() > 1) NotifyWork();
  } else {
    const LockHolder hold(door_, "push.door");
    injected_.Push(task);
    NotifyWork();
  }
}

void Scheduler::MakeRunnable(WaiterList& list) {
  while (Waiter* const waiter = list.Pop()) MakeRunnable(waiter);
}

void Scheduler::MakeRunnable(PollResult& result) {
  MakeRunnable(result.ready);
  poller_.AdjustWaiters(std::exchange(result.waiters_delta, 0));
}

void Scheduler::NotifyWork() {
  if (protocol_.Wake()) poller_.Break();
}

void Scheduler::DeadlineMoved(std::int64_t when) {
  // The only worker, and it runs: it looks before it polls.
  if (workers_.size() == 1 && OnWorker()) return;
  if (protocol_.DeadlineMoved(when)) poller_.Break();
}

// --- Workers -----------------------------------------------------------------

void Scheduler::Work(Worker& worker) {
  this_worker = &worker;
  while (done_.Load("work.done", Order::kAcquire) == 0) {
    TaskWaiter* const task = Next(worker);
    if (task == nullptr) {
      Idle(worker);
      continue;
    }
    worker.budget = Worker::kBudget;
    worker.task_runs.Add(1);
    RunWaiter(task);
  }
  this_worker = nullptr;
}

TaskWaiter* Scheduler::Next(Worker& worker) {
  if (++worker.tick >= Worker::kPollEvery ||
      worker.operations >= Worker::kPollAfter) {
    Look(worker);
    if (TaskWaiter* const task = injected_.Pop()) return task;
  }
  if (TaskWaiter* const task = worker.queue.Pop()) return task;
  if (TaskWaiter* const task = injected_.Pop()) return task;
  return Steal(worker);
}

TaskWaiter* Scheduler::Steal(Worker& worker) {
  const std::size_t count = workers_.size();
  for (std::size_t i = 1; i < count; ++i) {
    Worker& victim =
        *workers_[(static_cast<std::size_t>(worker.id) + i) % count];
    if (victim.queue.StealInto(worker.queue)) return worker.queue.Pop();
  }
  return nullptr;
}

// The runtime's side of worker_glue.h.
struct Scheduler::Host {
  std::int64_t Now() const { return sys.now(); }
  std::int64_t NextTime() const { return scheduler.NextTime(); }
  void Poll(Delta delta) { scheduler.Polled(worker, poller().Poll(delta)); }
  void PollAll() { scheduler.Polled(worker, poller().PollAll()); }
  void Expire(std::int64_t now) { scheduler.Expire(worker, now); }
  bool WorkVisible() { return scheduler.WorkVisible(); }
  void Break() { poller().Break(); }

  HostPoller& poller() { return scheduler.poller_; }

  Scheduler& scheduler;
  Worker& worker;
};

void Scheduler::Idle(Worker& worker) {
  Host host{*this, worker};
  WorkerGlue<StdEnv, Host>(protocol_, worker.id, host).Idle();
}

void Scheduler::Look(Worker& worker) {
  worker.tick = 0;
  worker.operations = 0;
  Host host{*this, worker};
  WorkerGlue<StdEnv, Host>(protocol_, worker.id, host).Look();
}

bool Scheduler::WorkVisible() {
  if (done_.Load("idle.done", Order::kSeqCst) != 0) return true;
  if (!injected_.Empty()) return true;
  return std::any_of(workers_.begin(), workers_.end(),
                     [](const auto& worker) { return !worker->queue.Empty(); });
}

// The glue sees to it that others take a part, and that one of them polls.
void Scheduler::Polled(Worker& worker, PollResult result) {
  worker.tick = 0;
  worker.operations = 0;
  worker.polls.Add(1);
  if (result.ready.empty()) return;
  const std::int32_t count = -result.waiters_delta;
  worker.wakeups.Add(static_cast<std::uint64_t>(count));
  if (guests_.Load("guest.any", Order::kRelaxed) == 0) {
    worker.queue.Push(result.ready, count);
  } else {
    MakeRunnable(result.ready);
  }
  poller_.AdjustWaiters(result.waiters_delta);
}

void Scheduler::Expire(Worker& worker, std::int64_t now) {
  PollResult result = poller_.ExpireTimers(now);
  worker.timeouts.Add(static_cast<std::uint64_t>(-result.waiters_delta));
  MakeRunnable(result);
  WakeSleeps(now);
}

void Scheduler::WakeSleeps(std::int64_t now) {
  decltype(sleeps_)::Firing firing{};
  while (sleeps_.PopDue(now, &firing)) {
    if (firing.owner != &roomless_) places_.GiveTimer();
    firing.owner->due(firing.owner);
  }
}

void Scheduler::WakeAllSleeps() { WakeSleeps(kNever - 1); }

std::int64_t Scheduler::NextTime() const {
  return std::min(poller_.NextDeadline(), sleeps_.Next());
}

RuntimeStats Scheduler::stats() const {
  RuntimeStats stats;
  for (const auto& worker : workers_) {
    stats.task_runs += worker->task_runs.Get();
    stats.polls += worker->polls.Get();
    stats.wakeups += worker->wakeups.Get();
    stats.timeouts += worker->timeouts.Get();
  }
  stats.stale_events = poller_.stale_events();
  stats.parked = poller_.waiters();
  return stats;
}

}  // namespace netpoll::internal
