// SPDX-License-Identifier: Apache-2.0
//
// The lower storey of the runtime: worker threads over one poller, their run
// queues, what wakes them, and what waits for a time. It knows tasks only as
// waiters that run, and of descriptors only that Stop closes what is open;
// FdState, the operations, Task and Runtime are above it.
//
// What each word is (memory orders at its uses):
//   life_       run_word.h: whether Run is at work, and for how many tasks
//   done_       1: nobody is left, workers return. 0 when Run begins; 1 by
//               whoever counts the last one out
//   stopping_   1 for good: Stop was called
//   protocol_   core/sleep_protocol.h: who polls, who sleeps
//   guests_     1 for good: waiters of other runtimes have parked here. Written
//               before they do

#ifndef NETPOLL_RUNTIME_SCHEDULER_H_
#define NETPOLL_RUNTIME_SCHEDULER_H_

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/sleep_protocol.h"
#include "netpoll/core/timer_heap.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/closers.h"
#include "netpoll/runtime/host_poller.h"
#include "netpoll/runtime/open_list.h"
#include "netpoll/runtime/roomless_sleeps.h"
#include "netpoll/runtime/run_queue.h"
#include "netpoll/runtime/run_word.h"
#include "netpoll/runtime/runtime_options.h"
#include "netpoll/runtime/task_place.h"
#include "netpoll/runtime/task_waiter.h"
#include "netpoll/runtime/timed.h"
#include "netpoll/runtime/worker.h"

namespace netpoll::internal {

class Scheduler {
 public:
  static constexpr int kMaxThreads = SleepProtocol<StdEnv>::kMaxWorkers;

  // Closes all that is in open_list(), which has been shut.
  using CloseAll = void (*)(Scheduler&);

  Scheduler(int threads, const std::string& backend, CloseAll close_all);
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  // Nobody is left, or this stops the process; nothing is done in a child.
  ~Scheduler();

  // As Runtime's.
  const absl::Status& status() const { return status_; }
  absl::Status Run();
  void Stop();
  bool stopping() const {
    return stopping_.Load("scheduler.stopping", Order::kSeqCst) != 0;
  }
  RuntimeStats stats() const;
  std::string DumpState();
  int threads() const { return static_cast<int>(workers_.size()); }

  HostPoller& poller() { return poller_; }
  // Whether this is a child of the process that made it.
  bool InChild() const { return poller_.backend().InChild(); }

  // --- Tasks ----------------------------------------------------------------

  // A place for one more task: room for what it may need later. False: there is
  // no memory.
  bool TakePlace() { return places_.Take(sleeps_); }
  void GivePlace() { places_.Give(); }
  // Begins a task that has a place, and counts it.
  void Start(TaskWaiter* task);
  // It has ended, and gives its place back.
  void TaskEnded();
  // An exception left a task that nobody awaits: stops all, and Run throws it.
  void Unhandled(std::exception_ptr exception);
  // Takes out a task that was started and never ran. Null: there is none.
  TaskWaiter* TakeUnstarted() { return injected_.Pop(); }

  // Each in its home. From any thread. The waiters may run, and be gone, before
  // this returns. Of a result the waiter count is lowered afterwards.
  static void MakeRunnable(Waiter* waiter);
  static void MakeRunnable(WaiterList& list);
  void MakeRunnable(PollResult& result);

  // A task of another runtime is about to wait here. Run does not return
  // before it has left. False: Run has returned, nobody polls any more.
  bool EnterGuest();
  void LeaveGuest();

  // --- Time -----------------------------------------------------------------

  // A deadline was set: whoever must know of an earlier one is told.
  void DeadlineMoved(std::int64_t when);

  // `timer` is due at `when`, once. False: there is no memory, and it is not.
  // Stopping it says whether it will not be; otherwise it was, or is right now.
  bool StartTimer(Timed* timer, std::int64_t when);
  bool StopTimer(Timed* timer);
  // The same for a sleep, which is due whatever memory there is; when all stops
  // it is due at once. Another worker may wake the task and destroy `sleep`
  // before this returns.
  void StartSleep(Sleeper* sleep);

  // --- Descriptors ----------------------------------------------------------

  OpenList& open_list() { return open_; }
  Closers& closers() { return closers_; }

 private:
  friend RoomlessSleeps<Scheduler>;
  struct Host;

  void RefuseInChild() const;
  void Push(TaskWaiter* task);
  absl::Status RunWorkers(bool all);
  std::size_t StartThreads(int* error);
  static void* ThreadMain(void* worker);
  void Work(Worker& worker);
  TaskWaiter* Next(Worker& worker);
  TaskWaiter* Steal(Worker& worker);
  void Idle(Worker& worker);
  void Look(Worker& worker);
  bool WorkVisible();
  bool OnWorker() const {
    return this_worker != nullptr && this_worker->scheduler == this;
  }
  void Polled(Worker& worker, PollResult result);
  void Expire(Worker& worker, std::int64_t now);
  bool ArmRoomless(std::int64_t when);
  void WakeSleeps(std::int64_t now);
  void WakeAllSleeps();
  std::int64_t NextTime() const;
  void NotifyWork();
  void WakeEverybody();
  void Finish();

  absl::Status status_;
  HostPoller poller_;
  TimerHeap<StdEnv, Timed> sleeps_;
  TaskPlaces places_;
  RoomlessSleeps<Scheduler> roomless_{*this};
  SleepProtocol<StdEnv> protocol_;
  RunQueue<StdEnv> injected_;  // From threads that are no workers of this.
  std::vector<std::unique_ptr<Worker>> workers_;
  RunWord life_;
  StdEnv::Atomic<std::uint32_t> done_{0};
  StdEnv::Atomic<std::uint32_t> stopping_{0};
  StdEnv::Atomic<std::uint32_t> guests_{0};

  // Held by threads that are not workers while they make a task runnable. The
  // task may end the runtime at once: Run passes here before it returns.
  StdEnv::Lock door_;

  const CloseAll close_all_;
  OpenList open_;
  Closers closers_;

  StdEnv::Lock unhandled_lock_;
  std::exception_ptr unhandled_;  // Guarded by unhandled_lock_.
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_SCHEDULER_H_
