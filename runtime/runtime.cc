// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/runtime.h"

#include <algorithm>
#include <coroutine>
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
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/run_word.h"
#include "netpoll/runtime/suspend.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/worker.h"

namespace netpoll {

using internal::FdState;
using internal::TaskWaiter;
using internal::this_worker;

namespace {

std::string BackendName(const RuntimeOptions& options) {
  return options.backend.empty() ? DefaultHostBackend() : options.backend;
}

}  // namespace

Runtime::Runtime(RuntimeOptions options)
    : poller_(BackendName(options)), unheard_(new internal::Unheard(*this)) {
  const int threads = std::clamp(options.threads, 1, kMaxThreads);
  for (int id = 0; id < threads; ++id) {
    workers_.push_back(std::make_unique<Worker>(*this, id));
  }
  const std::string name = BackendName(options);
  if (options.threads != threads) {
    status_ = absl::InvalidArgumentError(absl::StrCat(
        "threads is ", options.threads, ", but it must be 1 to ", kMaxThreads));
  } else if (!HostBackends::Has(name)) {
    status_ = absl::InvalidArgumentError(
        absl::StrCat("there is no backend \"", name, "\", but ",
                     absl::StrJoin(HostBackends::Names(), ", ")));
  } else if (const int error = poller_.Init(); error != 0) {
    const char* const why = poller_.backend().WhyNot(error);
    status_ = absl::ErrnoToStatus(
        error, absl::StrCat("the poller can't be made on ", name, ": ",
                            why != nullptr ? why : ErrnoName(error)));
  }
}

Runtime::~Runtime() {
  if (InChild()) return;  // The tasks are the parent's.
  unheard_->Forget();
  while (closers_.Load("destroy.closers", Order::kAcquire) != 0) {
    internal::sys.poll(nullptr, 0, 1);  // They end when the system says so.
  }
  if (!status_.ok()) {
    // Nothing ever ran here.
    while (TaskWaiter* const task = injected_.Pop()) {
      internal::SpawnedTask::promise_type::HandleOf(task).destroy();
    }
    return;
  }
  if (life_.phase() == internal::RunWord::kRunning) {
    StdEnv::Misuse("a Runtime was destroyed while Run was at work in it");
  }
  if (life_.count() != 0) {
    StdEnv::Misuse("a Runtime was destroyed before its tasks had ended");
  }
}

std::int64_t Runtime::Now() { return internal::sys.now(); }

// --- Tasks -------------------------------------------------------------------

void Runtime::RefuseInChild() const {
  if (!InChild()) return;
  StdEnv::Misuse(
      "a child of fork used a Runtime of its parent; make a new one after "
      "fork");
}

void Runtime::Start(internal::SpawnedTask spawned) {
  RefuseInChild();
  spawned.promise->home = this;
  life_.Add();
  Push(spawned.promise);
}

void Runtime::TaskEnded() {
  GivePlace();
  if (OnWorker()) {
    if (life_.Remove()) Finish();
  } else {
    LeaveGuest();
  }
}

bool Runtime::EnterGuest() {
  had_guests_.Store("guest.mark", 1, Order::kRelaxed);
  return life_.AddUnlessEnded();
}

void Runtime::LeaveGuest() {
  const LockHolder hold(door_, "guest.door");
  if (life_.Remove()) Finish();
}

void Runtime::Unhandled(std::exception_ptr exception) {
  {
    const LockHolder hold(registry_lock_, "unhandled.lock");
    if (!unhandled_) unhandled_ = std::move(exception);
  }
  Stop();
}

void Runtime::Finish() {
  done_.Store("finish.done", 1, Order::kSeqCst);
  WakeEverybody();
}

void Runtime::WakeEverybody() {
  while (protocol_.WakeSleeper()) {
  }
  if (protocol_.AnyPoller()) poller_.Break();
}

void Runtime::Stop() {
  stopping_.Store("stop.store", 1, Order::kSeqCst);
  // Everybody is told "closing" before the first descriptor goes, or the ends
  // of this runtime's own connections would be told that the peer has left.
  FdState* told = nullptr;
  for (;;) {
    FdState* fd;
    {
      const LockHolder hold(registry_lock_, "stop.lock");
      fd = registry_;
      if (fd == nullptr) break;
      fd->Unlink(registry_);
      fd->Ref();
    }
    const bool held = fd->lock.AddReference();
    fd->CloseNow(false);
    if (!held) {
      fd->Unref();
      continue;
    }
    fd->next = told;  // Nobody else's, once it is unlinked.
    told = fd;
  }
  while (told != nullptr) {
    FdState* const fd = std::exchange(told, told->next);
    fd->DropReference();
    fd->Unref();
  }
  DrainSleeps();
}

bool Runtime::StartTimer(internal::Timed* timer, std::int64_t when) {
  if (!places_.TakeTimer(sleeps_)) return false;
  if (sleeps_.Arm(timer, 0, when, Mode::kRead, 0)) DeadlineMoved(when);
  return true;
}

bool Runtime::StopTimer(internal::Timed* timer) {
  const bool was_there = sleeps_.Remove(timer, 0);
  if (was_there) places_.GiveTimer();
  return was_there;
}

void Runtime::StartSleep(internal::SleepAwaiter* sleep, std::int64_t when) {
  if (!StartTimer(sleep, when)) roomless_.Add(sleep);
}

bool Runtime::ArmRoomless(std::int64_t when) {
  return sleeps_.Arm(&roomless_, 0, when, Mode::kRead, 0);
}

bool Runtime::CloseElsewhere(FdState* fd) {
  constexpr std::int32_t kMostClosers = 64;
  if (closers_.FetchAdd("closers.add", 1, Order::kAcqRel) < kMostClosers) {
    const auto close = [](void* argument) -> void* {
      sigset_t all;
      sigfillset(&all);  // The program's signals are for its own threads.
      internal::sys.thread_sigmask(SIG_SETMASK, &all, nullptr);
      auto* const state = static_cast<FdState*>(argument);
      Runtime& runtime = state->runtime;
      state->CloseFd();
      runtime.closers_.FetchAdd("closers.done", -1, Order::kAcqRel);
      return nullptr;
    };
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    const int error =
        internal::sys.thread_create(&thread, &detached, close, fd);
    pthread_attr_destroy(&detached);
    if (error == 0) return true;
  }
  closers_.FetchAdd("closers.undo", -1, Order::kAcqRel);
  return false;
}

bool Runtime::Register(FdState* fd) {
  const LockHolder hold(registry_lock_, "register.lock");
  if (stopping()) return false;
  fd->Link(registry_);
  return true;
}

void Runtime::Unregister(FdState* fd) {
  const LockHolder hold(registry_lock_, "unregister.lock");
  fd->Unlink(registry_);
}

// --- Making tasks runnable ---------------------------------------------------

bool Runtime::OnWorker() const {
  return this_worker != nullptr && this_worker->runtime == this;
}

void Runtime::MakeRunnable(Waiter* waiter) {
  TaskWaiter* const task = static_cast<TaskWaiter*>(waiter);
  task->home->Push(task);
}

void Runtime::Push(TaskWaiter* task) {
  if (OnWorker()) {
    this_worker->queue.Push(task);
    if (workers_.size() > 1) NotifyWork();
  } else {
    const LockHolder hold(door_, "push.door");
    injected_.Push(task);
    NotifyWork();
  }
}

void Runtime::MakeRunnable(WaiterList& list) {
  while (Waiter* const waiter = list.Pop()) MakeRunnable(waiter);
}

void Runtime::MakeRunnable(PollResult& result) {
  MakeRunnable(result.ready);
  poller_.AdjustWaiters(std::exchange(result.waiters_delta, 0));
}

void Runtime::NotifyWork() {
  if (protocol_.Wake()) poller_.Break();
}

void Runtime::DeadlineMoved(std::int64_t when) {
  // The only worker, and it runs: it looks before it polls.
  if (workers_.size() == 1 && OnWorker()) return;
  if (protocol_.DeadlineMoved(when)) poller_.Break();
}

// --- Workers -----------------------------------------------------------------

void Runtime::Work(Worker& worker) {
  this_worker = &worker;
  while (done_.Load("work.done", Order::kAcquire) == 0) {
    TaskWaiter* const task = Next(worker);
    if (task == nullptr) {
      Idle(worker);
      continue;
    }
    worker.budget = Worker::kBudget;
    worker.task_runs.Add(1);
    internal::RunWaiter(task);
  }
  this_worker = nullptr;
}

TaskWaiter* Runtime::Next(Worker& worker) {
  if (++worker.tick >= Worker::kPollEvery ||
      worker.operations >= Worker::kPollAfter) {
    Look(worker);
    if (TaskWaiter* const task = injected_.Pop()) return task;
  }
  if (TaskWaiter* const task = worker.queue.Pop()) return task;
  if (TaskWaiter* const task = injected_.Pop()) return task;
  return Steal(worker);
}

TaskWaiter* Runtime::Steal(Worker& worker) {
  const std::size_t count = workers_.size();
  for (std::size_t i = 1; i < count; ++i) {
    Worker& victim =
        *workers_[(static_cast<std::size_t>(worker.id) + i) % count];
    if (victim.queue.StealInto(worker.queue)) return worker.queue.Pop();
  }
  return nullptr;
}

// The runtime's side of worker_glue.h.
struct Runtime::Host {
  std::int64_t Now() const { return Runtime::Now(); }
  std::int64_t NextTime() const { return runtime.NextTime(); }
  void Poll(Delta delta) { runtime.Polled(worker, poller().Poll(delta)); }
  void PollAll() { runtime.Polled(worker, poller().PollAll()); }
  void Expire(std::int64_t now) { runtime.Expire(worker, now); }
  bool WorkVisible() { return runtime.WorkVisible(); }
  void Break() { poller().Break(); }

  HostPoller& poller() { return runtime.poller_; }

  Runtime& runtime;
  Worker& worker;
};

void Runtime::Idle(Worker& worker) {
  Host host{*this, worker};
  WorkerGlue<StdEnv, Host>(protocol_, worker.id, host).Idle();
}

void Runtime::Look(Worker& worker) {
  worker.tick = 0;
  worker.operations = 0;
  Host host{*this, worker};
  WorkerGlue<StdEnv, Host>(protocol_, worker.id, host).Look();
}

bool Runtime::WorkVisible() {
  if (done_.Load("idle.done", Order::kSeqCst) != 0) return true;
  if (!injected_.Empty()) return true;
  return std::any_of(workers_.begin(), workers_.end(),
                     [](const auto& worker) { return !worker->queue.Empty(); });
}

// The glue sees to it that others take a part, and that one of them polls.
void Runtime::Polled(Worker& worker, PollResult result) {
  worker.tick = 0;
  worker.operations = 0;
  worker.polls.Add(1);
  if (result.ready.empty()) return;
  const std::int32_t count = -result.waiters_delta;
  worker.wakeups.Add(static_cast<std::uint64_t>(count));
  if (had_guests_.Load("guest.any", Order::kRelaxed) == 0) {
    worker.queue.Push(result.ready, count);
  } else {
    MakeRunnable(result.ready);
  }
  poller_.AdjustWaiters(result.waiters_delta);
}

void Runtime::Expire(Worker& worker, std::int64_t now) {
  PollResult result = poller_.ExpireTimers(now);
  worker.timeouts.Add(static_cast<std::uint64_t>(-result.waiters_delta));
  MakeRunnable(result);
  WakeSleeps(now);
}

void Runtime::WakeSleeps(std::int64_t now) {
  decltype(sleeps_)::Firing firing{};
  while (sleeps_.PopDue(now, &firing)) {
    if (firing.owner != &roomless_) places_.GiveTimer();
    firing.owner->due(firing.owner);
  }
}

void Runtime::DrainSleeps() { WakeSleeps(Deadline::kNever - 1); }

std::int64_t Runtime::NextTime() const {
  return std::min(poller_.NextDeadline(), sleeps_.Next());
}

RuntimeStats Runtime::stats() const {
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

}  // namespace netpoll
