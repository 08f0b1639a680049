// SPDX-License-Identifier: Apache-2.0
//
// The lower storey of the runtime: worker threads over one poller, their run
// queues, what wakes them, and what waits for a time. It knows tasks only as
// waiters that run, and of descriptors only that Stop closes what is open;
// FdState, the operations, Task and Runtime are above it.
//
// The order of its steps is in protocols/dispatch.h (who runs what, when Run
// returns) and protocols/timetable.h (what waits for a time, Stop); here is
// what they are made of.

#ifndef NETPOLL_RUNTIME_SCHEDULER_H_
#define NETPOLL_RUNTIME_SCHEDULER_H_

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/sleep_protocol.h"
#include "netpoll/core/timer_heap.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/closers.h"
#include "netpoll/runtime/loop_rest.h"
#include "netpoll/runtime/probes.h"
#include "netpoll/runtime/protocols/dispatch.h"
#include "netpoll/runtime/protocols/open_list.h"
#include "netpoll/runtime/protocols/run_end.h"
#include "netpoll/runtime/protocols/run_word.h"
#include "netpoll/runtime/protocols/timetable.h"
#include "netpoll/runtime/runtime_observer.h"
#include "netpoll/runtime/runtime_stats.h"
#include "netpoll/runtime/shard.h"
#include "netpoll/runtime/task_waiter.h"
#include "netpoll/runtime/timed.h"
#include "netpoll/runtime/worker.h"
#include "netpoll/runtime/worker_ring.h"

namespace netpoll::internal {

class Scheduler;

// For Timetable.
struct TimedTypes {
  using Timed = internal::Timed;
  using Sleeper = internal::Sleeper;
  using Heap = TimerHeap<StdEnv, Timed>;
};

class Scheduler : public Home,
                  private Dispatch<StdEnv, Scheduler, Worker>,
                  private Timetable<StdEnv, Scheduler, TimedTypes> {
 public:
  static constexpr int kMaxThreads = SleepProtocol<StdEnv>::kMaxWorkers;

  // Closes all that is in open_list(), which has been shut.
  using CloseAll = void (*)(Scheduler&);

  // `sharded`: each worker has a poller of its own, if there are several.
  Scheduler(int threads, bool sharded, const std::string& backend,
            bool completions, CloseAll close_all, RuntimeObserver* observer);
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  // Nobody is left, or this stops the process; nothing is done in a child.
  ~Scheduler();

  // As Runtime's.
  const absl::Status& status() const { return status_; }
  absl::Status Run();
  absl::StatusOr<LoopRest> RunOnce(bool readable);
  void Stop();
  using Timetable::stopping;
  absl::Status StartAgain();
  // Its callbacks are called by Stop, last of all.
  std::stop_token stop_token() const { return stopped_.get_token(); }
  RuntimeStats stats();
  std::vector<WorkerStats> worker_stats();
  std::string DumpState();
  int threads() const { return threads_; }

  // The first one, which is like all. Of one worker, or not sharded, the one.
  Shard& poller() { return *shards_[0]; }
  // Where what this thread opens stays: the poller of the worker that it is,
  // or, of workers beyond those that can run at once, of one of the first.
  // `fd`: one that may be open already, so always the same, which notices.
  Shard& PollerFor(std::optional<int> fd);
  bool IsPollDescriptor(int fd) const;
  // The name that was asked for, or by default.
  const std::string& backend() const { return backend_; }
  // Whether its workers have rings, which carry calls out.
  bool has_rings() const { return has_rings_; }
  // Why they have none though completions were asked for; empty otherwise.
  const std::string& no_rings() const { return no_rings_; }
  RuntimeObserver* observer() const { return observer_; }
  // A task of it has, or had, a name.
  bool named() const { return named_.Load("named.load", Order::kRelaxed) != 0; }
  // A task with a name is about to begin: waits are noted with names from now
  // on, by other workers when they have read the clock next. Relaxed: for
  // dumps.
  void HasNames();
  // Of the worker that this thread is; -1: it is none.
  int WorkerNumber() {
    const Worker* const here = OnWorker();
    return here != nullptr ? here->id : -1;
  }
  // Whether this is a child of the process that made it.
  bool InChild() const { return shards_[0]->backend().InChild(); }

  // --- Tasks ----------------------------------------------------------------

  // A place for one more task: room for what it may need later. False: there is
  // no memory.
  bool TakePlace() { return places_.Take(times_); }
  void GivePlace() { places_.Give(); }
  // Begins a task that has a place, and counts it; on that worker, or on any.
  void Start(TaskWaiter* task, int worker, bool background);
  // It has ended, and gives its place back.
  void TaskEnded();
  // The same for one that doesn't keep Run at work. When none but such are left
  // all is stopped, also by Start.
  void BackgroundEnded();
  // An exception left a task that nobody awaits: stops all, and Run throws it.
  void Unhandled(std::exception_ptr exception);
  // Takes out a task that was started and never ran. Null: there is none.
  TaskWaiter* TakeUnstarted();

  // Each in its home. From any thread. The waiters may run, and be gone, before
  // this returns.
  static void MakeRunnable(Waiter* waiter);
  static void MakeRunnable(WaiterList& list);
  static void MakeRunnable(PollResult& result);

  // As Dispatch's, out of line: operations are compiled without a call.
  bool EnterGuest();
  void LeaveGuest();
  // Run does not return until LeaveGuest.
  void Hold();

  // --- Time -----------------------------------------------------------------

  // As Dispatch's and Timetable's.
  void DeadlineMoved(std::int64_t when, const Shard& poller);
  void StartSleep(Sleeper* sleep);
  void ArmSleep(Sleeper* sleep);
  void EndSleepsIfStopping();
  bool StartTimer(Timed* timer, std::int64_t when);
  bool StopTimer(Timed* timer);

  // Where waits and scopes sit that only Stop ends: the worker's that this
  // thread is, or the first one's.
  CancelNode<StdEnv>& waits() {
    Worker* const here = OnWorker();
    return (here != nullptr ? *here : *workers_[0]).waits;
  }

  // For who looks: what waits for a time, with that time; who sits in those
  // nodes. As TimerHeap and CancelNode have it.
  template <class F>
  void VisitTimes(F f) {
    times_.Visit(f);
  }
  template <class F>
  void VisitSeats(F f) {
    for (const auto& worker : workers_) worker->waits.Visit(f);
  }

  // Something has happened so often; from any thread.
  void Count(StdEnv::Counter WorkerCounts::*what, std::uint64_t more) {
    if (Worker* const here = OnWorker(); here != nullptr) {
      (here->counts.*what).Add(more);
    } else {
      (other_counts_.*what).AddShared(more);
    }
  }
  // The waits that `result` has ended, ended so.
  void CountWoken(StdEnv::Counter WorkerCounts::*why,
                  const PollResult& result) {
    if (result.waiters_delta != 0) {
      Count(why, static_cast<std::uint64_t>(-result.waiters_delta));
    }
  }

  // --- Descriptors ----------------------------------------------------------

  // Asks that worker for the end of a call that its ring carries out, with a
  // reference to the descriptor's memory.
  void RecallElsewhere(RingCall& call, std::uint32_t carrier);

  OpenList<StdEnv>& open_list() { return open_; }
  Closers& closers() { return closers_; }

 private:
  friend Dispatch;
  friend Dispatch::Side;
  friend Shards<Scheduler, Worker>;
  friend Timetable;

  void RefuseInChild() const;
  absl::Status RefuseRun(const char* caller);
  void OthersLeft(RunLeft left);
  class Threads;
  RunEnd RunOnThreads(absl::Status* status);
  void WorkHere(Worker& worker);
  void WorkInRing(Worker& worker);
  static void TakeRecalls(Worker& worker);
  void DropRecalls();
  // This thread is that one from now on; null: it is none.
  void BecomeWorker(Worker* worker);
  // It has read the clock.
  void Stamp(std::int64_t now) const;
  void Polled(Worker& worker, PollResult result);
  int InitPollers();

  // Dispatch's side.
  bool sharded() const { return shards_.size() > 1; }
  int worker_count() const { return threads(); }
  Worker& worker(int id) { return *workers_[static_cast<std::size_t>(id)]; }
  Worker* OnWorker() {
    Worker* const worker = this_worker;
    return worker != nullptr && worker->scheduler == this ? worker : nullptr;
  }
  void Break(Worker& of) {
    Count(&WorkerCounts::breaks, 1);
    of.shard.Break();
  }
  [[gnu::always_inline]] void RunTask(Worker& worker, Waiter* task) {
    worker.budget = Worker::kBudget;
    worker.counts.task_runs.Add(1);
    NETPOLL_PROBE2(run, worker.id, task);
    if (observer_ != nullptr) [[unlikely]]
      return RunTaskObserved(*observer_, task, worker.id);
    RunWaiter(static_cast<TaskWaiter*>(task));
  }
  void RunStaying(Worker& worker, Waiter* task);
  // What is this one's own home, no worker's.
  bool AnyMayRun(Waiter* task) const {
    return static_cast<TaskWaiter*>(task)->home == this;
  }
  static void SendHome(Waiter* task) { MakeRunnable(task); }
  std::int64_t Now() const;
  static std::int64_t NextDeadline(const Worker& of) {
    return of.shard.NextDeadline();
  }
  std::int64_t NextSleep() const { return times_.Next(); }
  void Poll(Worker& worker, Worker& of, Delta delta) {
    if (worker.sampler.Due()) [[unlikely]]
      return PollTimed(worker, of, delta);
    Polled(worker, PollIn(worker, of, delta));
  }
  // What another's ring has to tell is for him alone.
  static PollResult PollIn(Worker& worker, Worker& of, Delta delta) {
    if (worker.ring != nullptr && &worker == &of) [[unlikely]]
      return PollRing(worker, delta);
    return of.shard.Poll(delta);
  }
  static PollResult PollRing(Worker& worker, Delta delta) {
    TakeRecalls(worker);
    return worker.ring->Poll(delta);
  }
  static PollResult PollAllOfRing(Worker& worker) {
    TakeRecalls(worker);
    return worker.ring->PollAll();
  }
  [[gnu::noinline]] void PollTimed(Worker& worker, Worker& of, Delta delta);
  void PollAll(Worker& worker, Worker& of) {
    const bool own = worker.ring != nullptr && &worker == &of;
    Polled(worker, own ? PollAllOfRing(worker) : of.shard.PollAll());
  }
  void Expire(Worker& worker, Worker& of, std::int64_t now);

  // Timetable's side; and Now.
  void DeadlineMoved(std::int64_t when) {
    Dispatch::DeadlineMoved(when, nullptr);
  }
  void Shut() { open_.Shut(); }
  void OpenAgain() {
    open_.OpenAgain();
    for (const auto& worker : workers_) worker->waits.Renew();
  }
  void CloseAllOpen() {
    close_all_(*this);
    for (const auto& worker : workers_) {
      worker->waits.Cancel(CancelReason::kClosing);
    }
  }

  [[gnu::noinline]] static void RunTaskObserved(RuntimeObserver& observer,
                                                Waiter* task, int worker);

  absl::Status status_;
  const std::string backend_;
  const std::string no_rings_;
  const bool has_rings_;
  // One, or one a worker.
  std::vector<std::unique_ptr<Shard>> shards_;
  StdEnv::Atomic<std::uint32_t> next_shard_{0};  // Of threads; relaxed.
  RuntimeObserver* const observer_;
  const int threads_;
  // The first so many shards hear of what is opened. More threads than
  // processors take turns anyway: each with a part of the descriptors would
  // find fewer events in a poll, and sleep and wake for each. The others help.
  const unsigned hearing_;
  std::vector<std::unique_ptr<Worker>> workers_;
  // Of threads that are no workers: what Count counts.
  WorkerCounts other_counts_;

  const CloseAll close_all_;
  OpenList<StdEnv> open_;
  Closers closers_;

  StdEnv::Atomic<std::uint32_t> named_{0};  // 1: see HasNames.

  std::stop_source stopped_;

  StdEnv::Lock unhandled_lock_;
  std::exception_ptr unhandled_;  // Guarded by unhandled_lock_.
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_SCHEDULER_H_
