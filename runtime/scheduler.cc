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
#include "netpoll/runtime/probes.h"
#include "netpoll/runtime/protocols/recalls.h"
#include "netpoll/runtime/protocols/run_word.h"
#include "netpoll/runtime/ring_call.h"
#include "netpoll/runtime/runtime_options.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task_waiter.h"
#include "netpoll/runtime/timed.h"
#include "netpoll/runtime/worker.h"

namespace netpoll::internal {
namespace {

// Workers with rings have a poller beside them, which a ring can watch.
std::string WhyNoRings(const std::string& backend, bool shared) {
  if (backend != IoUringBackend<>::kName) {
    return absl::StrCat(backend, " has none");
  }
  if (!shared) return WorkerRing::WhyNot();
  return "a ring belongs to one worker, and these share their poller; each has "
         "its own if sharded";
}

}  // namespace

Scheduler::Scheduler(int threads, bool sharded, const std::string& backend,
                     bool completions, CloseAll close_all,
                     RuntimeObserver* observer)
    : Home{this, nullptr},
      backend_(backend),
      no_rings_(completions ? WhyNoRings(backend, threads > 1 && !sharded)
                            : ""),
      has_rings_(completions && no_rings_.empty()),
      observer_(observer),
      threads_(std::clamp(threads, 1, kMaxThreads)),
      hearing_(sharded
                   ? static_cast<unsigned>(std::min(threads_, sys.processors()))
                   : 1),
      close_all_(close_all) {
  const int shards = sharded ? threads_ : 1;
  const std::string polls_on = has_rings_ ? EpollBackend<>::kName : backend;
  for (int id = 0; id < threads_; ++id) {
    if (id < shards) shards_.push_back(std::make_unique<Shard>(polls_on, id));
    workers_.push_back(
        std::make_unique<Worker>(*this, *this, *shards_.back(), id));
    if (observer != nullptr) workers_.back()->sampler.TimeAll();
  }
  if (threads != threads_) {
    status_ = absl::InvalidArgumentError(absl::StrCat(
        "threads is ", threads, ", but it must be 1 to ", kMaxThreads));
  } else if (!HostBackends::Has(backend)) {
    status_ = absl::InvalidArgumentError(
        absl::StrCat("there is no backend \"", backend, "\", but ",
                     absl::StrJoin(HostBackends::Names(), ", ")));
  } else if (const int error = InitPollers(); error != 0) {
    const char* const why = poller().backend().ExplainInit(error);
    status_ = absl::ErrnoToStatus(
        error, absl::StrCat("the poller can't be made on ", backend, ": ",
                            why != nullptr ? why : ErrnoName(error)));
  }
}

// 0, or the first errno.
int Scheduler::InitPollers() {
  int error = 0;
  for (const auto& shard : shards_) {
    if (error == 0) error = shard->Init();
  }
  return error;
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

// --- Pollers -----------------------------------------------------------------

Shard& Scheduler::PollerFor(std::optional<int> fd) {
  if (!sharded()) return poller();
  const auto any = [this](unsigned number) -> Shard& {
    return *shards_[number % hearing_];
  };
  if (fd) return any(static_cast<unsigned>(*fd));
  if (Worker* const here = OnWorker(); here != nullptr) {
    return any(static_cast<unsigned>(here->id));
  }
  return any(next_shard_.FetchAdd("shard.next", 1, Order::kRelaxed));
}

bool Scheduler::IsPollDescriptor(int fd) const {
  return std::any_of(shards_.begin(), shards_.end(), [fd](const auto& shard) {
    return shard->IsPollDescriptor(fd);
  });
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
  RefuseInChild();
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

void Scheduler::DeadlineMoved(std::int64_t when, const Shard& poller) {
  Dispatch::DeadlineMoved(when, &worker(poller.worker));
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
  result.waiters_delta = 0;
}

// --- Workers -----------------------------------------------------------------

void Scheduler::BecomeWorker(Worker* worker) {
  this_worker = worker;
  wait_stamp = clock_stamp = 0;
  if (worker != nullptr) Stamp(sys.now());
}

void Scheduler::Stamp(std::int64_t now) const {
  clock_stamp = StampOf(now);
  const bool more = observer_ != nullptr || named();
  wait_stamp = more ? 0 : clock_stamp;
}

void Scheduler::HasNames() {
  // Not again: other workers read what lies beside it.
  if (named_.Load("named.look", Order::kRelaxed) == 0) {
    named_.Store("named.store", 1, Order::kRelaxed);
  }
  wait_stamp = 0;
}

void Scheduler::WorkHere(Worker& worker) {
  BecomeWorker(&worker);
  if (has_rings_) {
    WorkInRing(worker);
  } else {
    Work(worker);
  }
  BecomeWorker(nullptr);
}

// Without memory for a ring, or a descriptor, its calls are its own as well.
void Scheduler::WorkInRing(Worker& worker) {
  WorkerRing ring(static_cast<std::uint32_t>(worker.id), worker.shard);
  if (ring.Init() == 0) worker.ring = &ring;
  Work(worker);
  PollResult ended = ring.EndAll();
  worker.ring = nullptr;
  MakeRunnable(ended);
}

void Scheduler::RecallElsewhere(RingCall& call, std::uint32_t carrier) {
  Worker& its = worker(static_cast<int>(carrier));
  if (its.recalls.Ask(call)) {
    Break(its);
  } else {
    call.DropReference();
  }
}

// Before the worker waits: who asks for more breaks that wait. The kernel takes
// them in turn, so none finds what is begun later in the same place.
void Scheduler::TakeRecalls(Worker& worker) {
  worker.recalls.Take(
      static_cast<std::uint32_t>(worker.id),
      [&worker](Recallable<StdEnv>& asked) {
        auto& call = static_cast<RingCall&>(asked);
        worker.ring->Recall(call);
        call.DropReference();
      },
      [&worker](Recallable<StdEnv>& asked, std::uint32_t carrier) {
        worker.scheduler->RecallElsewhere(static_cast<RingCall&>(asked),
                                          carrier);
      });
}

// When all workers have left: of calls that have ended.
void Scheduler::DropRecalls() {
  const auto drop = [](Recallable<StdEnv>& asked) {
    static_cast<RingCall&>(asked).DropReference();
  };
  for (const auto& worker : workers_) {
    worker->recalls.Take(
        static_cast<std::uint32_t>(worker->id), drop,
        [drop](Recallable<StdEnv>& asked, std::uint32_t) { drop(asked); });
  }
}

void Scheduler::RunTaskObserved(RuntimeObserver& observer, Waiter* task,
                                int worker) {
  observer.RunBegins(worker);
  RunWaiter(static_cast<TaskWaiter*>(task));
  observer.RunEnds(worker);
}

void Scheduler::RunStaying(Worker& worker, Waiter* task) {
  worker.home = &worker.own;
  RunTask(worker, task);
  worker.home = this;
}

std::int64_t Scheduler::Now() const {
  const std::int64_t now = sys.now();
  if (clock_stamp != 0) Stamp(now);
  return now;
}

void Scheduler::Polled(Worker& worker, PollResult result) {
  worker.NewTurn();
  const auto woken = static_cast<std::uint64_t>(-result.waiters_delta);
  worker.counts.batches.Add(woken, woken);
  NETPOLL_PROBE2(poll, worker.id, woken);
  if (result.ready.empty()) return;
  PushReady(worker, result);
}

void Scheduler::PollTimed(Worker& worker, Worker& of, Delta delta) {
  worker.sampler.Begins(Now(), worker.counts);
  if (observer_ != nullptr) observer_->PollBegins(worker.id);
  const PollResult result = PollIn(worker, of, delta);
  if (observer_ != nullptr) {
    observer_->PollEnds(worker.id, -result.waiters_delta);
  }
  worker.sampler.Ended(Now(), worker.counts);
  Polled(worker, result);
}

void Scheduler::Expire(Worker& worker, Worker& of, std::int64_t now) {
  DeadlineResult result = of.shard.ExpireTimers(now);
  worker.counts.timeouts.Add(
      static_cast<std::uint64_t>(-result.wake.waiters_delta));
  MakeRunnable(result.wake);
  if (result.earliest_moved) DeadlineMoved(of.shard.NextDeadline(), of.shard);
  WakeSleeps(now);
}

}  // namespace netpoll::internal
