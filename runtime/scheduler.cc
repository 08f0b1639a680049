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
#include "netpoll/core/types.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/protocols/run_word.h"
#include "netpoll/runtime/runtime_options.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task_waiter.h"
#include "netpoll/runtime/timed.h"
#include "netpoll/runtime/worker.h"

namespace netpoll::internal {

Scheduler::Scheduler(int threads, const std::string& backend,
                     CloseAll close_all)
    : Home{this, nullptr}, poller_(backend), close_all_(close_all) {
  const int count = std::clamp(threads, 1, kMaxThreads);
  for (int id = 0; id < count; ++id) {
    workers_.push_back(std::make_unique<Worker>(*this, *this, id));
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
  if (life_.phase() == RunPhase::kRunning && !BetweenTurns()) {
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

void Scheduler::Start(TaskWaiter* task, int number, bool background) {
  RefuseInChild();
  Worker* only = nullptr;
  if (number != SpawnOptions::kAnyWorker) {
    if (number < 0 || number >= threads()) {
      StdEnv::Misuse("a task was spawned on a worker that its Runtime has not");
    }
    only = &worker(number);
    stays_.Store("stays.mark", 1, Order::kRelaxed);
  }
  task->home = only != nullptr ? &only->own : this;
  if (!background) return Begin(task, only);
  BeginBackground(task, only);
  if (BackgroundAlone()) Stop();
}

TaskWaiter* Scheduler::TakeUnstarted() {
  Waiter* task = injected_.Pop();
  for (const auto& worker : workers_) {
    if (task == nullptr) task = worker->staying.Pop();
  }
  return static_cast<TaskWaiter*>(task);
}

void Scheduler::TaskEnded() {
  GivePlace();
  OthersLeft(Ended());
}

void Scheduler::BackgroundEnded() {
  GivePlace();
  OthersLeft(Dispatch::BackgroundEnded());
}

// Nobody waits for those that are left.
void Scheduler::OthersLeft(RunLeft left) {
  if (left != RunLeft::kBackground) return;
  Stop();
  if (OnWorker() == nullptr) LeaveGuest();
}

void Scheduler::Hold() {
  RefuseInChild();
  Dispatch::Hold();
}

bool Scheduler::EnterGuest() { return Dispatch::EnterGuest(); }

void Scheduler::LeaveGuest() { Dispatch::LeaveGuest(); }

void Scheduler::Stop() {
  Timetable::Stop();
  stopped_.request_stop();
}

absl::Status Scheduler::StartAgain() {
  if (!status_.ok()) return status_;
  RefuseInChild();
  if (life_.phase() == RunPhase::kRunning) {
    return absl::FailedPreconditionError(
        "StartAgain was called while Run is at work");
  }
  if (life_.count() != 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        "StartAgain was called before all tasks had ended: there are ",
        life_.count()));
  }
  if (!stopping()) return absl::OkStatus();
  Timetable::StartAgain();
  stopped_ = std::stop_source();
  return absl::OkStatus();
}

bool Scheduler::StartTimer(Timed* timer, std::int64_t when) {
  return Timetable::StartTimer(timer, when);
}

bool Scheduler::StopTimer(Timed* timer) { return Timetable::StopTimer(timer); }

void Scheduler::StartSleep(Sleeper* sleep) { Timetable::StartSleep(sleep); }

void Scheduler::ArmSleep(Sleeper* sleep) { Timetable::ArmSleep(sleep); }

void Scheduler::EndSleepsIfStopping() { Timetable::EndSleepsIfStopping(); }

void Scheduler::DeadlineMoved(std::int64_t when) {
  Dispatch::DeadlineMoved(when);
}

void Scheduler::Unhandled(std::exception_ptr exception) {
  {
    const LockHolder hold(unhandled_lock_, "unhandled.lock");
    if (!unhandled_) unhandled_ = std::move(exception);
  }
  Stop();
}

// --- Making tasks runnable ---------------------------------------------------

void Scheduler::MakeRunnable(Waiter* waiter) {
  TaskWaiter* const task = static_cast<TaskWaiter*>(waiter);
  const Home home = *task->home;
  if (home.worker != nullptr) [[unlikely]] {
    home.scheduler->PushStaying(*home.worker, task);
  } else {
    home.scheduler->Push(task);
  }
}

void Scheduler::MakeRunnable(WaiterList& list) {
  while (Waiter* const waiter = list.Pop()) MakeRunnable(waiter);
}

void Scheduler::MakeRunnable(PollResult& result) {
  MakeRunnable(result.ready);
  poller_.AdjustWaiters(std::exchange(result.waiters_delta, 0));
}

// --- Workers -----------------------------------------------------------------

void Scheduler::WorkHere(Worker& worker) {
  this_worker = &worker;
  Work(worker);
  this_worker = nullptr;
}

void Scheduler::RunTask(Worker& worker, Waiter* task) {
  worker.budget = Worker::kBudget;
  worker.task_runs.Add(1);
  RunWaiter(static_cast<TaskWaiter*>(task));
}

void Scheduler::RunStaying(Worker& worker, Waiter* task) {
  worker.home = &worker.own;
  RunTask(worker, task);
  worker.home = &worker.shared;
}

std::int64_t Scheduler::Now() { return sys.now(); }

void Scheduler::Polled(Worker& worker, PollResult result) {
  worker.NewTurn();
  worker.polls.Add(1);
  if (result.ready.empty()) return;
  const std::int32_t delta = result.waiters_delta;
  worker.wakeups.Add(static_cast<std::uint64_t>(-delta));
  PushReady(worker, result, [](WaiterList& list) { MakeRunnable(list); });
  poller_.AdjustWaiters(delta);
}

void Scheduler::Expire(Worker& worker, std::int64_t now) {
  PollResult result = poller_.ExpireTimers(now);
  worker.timeouts.Add(static_cast<std::uint64_t>(-result.waiters_delta));
  MakeRunnable(result);
  WakeSleeps(now);
}

std::int64_t Scheduler::NextTime() const {
  return std::min(poller_.NextDeadline(), times_.Next());
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
