// SPDX-License-Identifier: Apache-2.0
//
// Runtime: coroutines that read, write, accept and connect in blocking style,
// on N worker threads over one poller.
//
//   netpoll::Runtime runtime({.threads = 4});
//   runtime.Spawn(Serve(runtime));
//   runtime.Run();
//
// Run works on the calling thread and threads - 1 more, and returns when every
// spawned task has ended. Stop makes that happen soon: it closes every
// descriptor of the runtime and ends every sleep, so that all waits, present
// and future, answer "closing", and so do calls that would open a descriptor
// and those that fail because Stop closed the peer. Nothing is destroyed while
// it is suspended.
//
// A Runtime is no local variable of a coroutine: gcc 12 does not align frames
// to cache lines.
//
// The clock is CLOCK_MONOTONIC, in nanoseconds: it does not count while the
// system is suspended. Deadlines are never early, and events come before them:
// whoever spoke in time is served, also when the process was stopped
// meanwhile.
//
// Workers: a worker without work polls (one of them) or sleeps (the others);
// none spins. A busy worker polls without blocking every 61 task runs or 128
// units of work, unless another polls, and a task that is always ready yields
// after 64, so that one busy connection starves nobody. A unit, about a
// microsecond, is an operation, or a KiB that it moves.
//
// Several runtimes: a task may await tasks and descriptors of another one, and
// goes on in its own. Run serves such guests too, and does not return before
// they have what they wait for; once it has returned, a wait answers closing.
// Sleep and Yield are done by the runtime that runs the task.
//
// Signals: no mask and no handler is changed. Writing to a closed pipe or
// socket is EPIPE, and raises no SIGPIPE.

#ifndef NETPOLL_RUNTIME_RUNTIME_H_
#define NETPOLL_RUNTIME_RUNTIME_H_

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/sleep_protocol.h"
#include "netpoll/core/timer_heap.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/host_poller.h"
#include "netpoll/runtime/join.h"
#include "netpoll/runtime/run_queue.h"
#include "netpoll/runtime/run_word.h"
#include "netpoll/runtime/sleep.h"
#include "netpoll/runtime/suspend.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/task_place.h"
#include "netpoll/runtime/task_waiter.h"

namespace netpoll {

namespace internal {
struct FdState;
struct Worker;
}  // namespace internal

struct RuntimeOptions {
  // Worker threads, the one that calls Run included; 1 to 64, or status() says
  // so.
  int threads = 1;
  // The system interface: "epoll", "io_uring", "poll"; empty: the default. If
  // there is no such one, or not here, status() says so.
  std::string backend;
};

// Counts since the start; each is read on its own.
struct RuntimeStats {
  std::uint64_t task_runs = 0;
  std::uint64_t polls = 0;
  std::uint64_t wakeups = 0;   // Tasks made ready by events.
  std::uint64_t timeouts = 0;  // Tasks woken by deadlines.
  std::uint64_t stale_events = 0;
  std::int32_t parked = 0;
};

class Runtime {
 public:
  static constexpr int kMaxThreads = SleepProtocol<StdEnv>::kMaxWorkers;

  explicit Runtime(RuntimeOptions options = {});
  // All tasks have ended, or this stops the process. In a child of fork it does
  // nothing to the parent's tasks and descriptors; nor does the end of a handle
  // there. Whatever else a child does with a runtime of its parent stops it
  // with one sentence.
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // Why the poller could not be made (no descriptors left, no such backend
  // in this build, or not on this system). Run and whatever opens a descriptor
  // fail with the same; tasks that were spawned are dropped with the runtime.
  const absl::Status& status() const { return status_; }

  // Starts a task. From any thread, also before Run. The handle may be awaited
  // for the result, or dropped. An exception that leaves a task whose handle
  // was dropped stops the runtime, and Run throws it.
  //
  // Throws std::bad_alloc where there is no memory; the task was not started
  // then and is gone, with what was passed to it. A server that catches it has
  // refused one client. What a task does afterwards, sleeping (however often
  // at once) and deadlines included, needs no memory of the runtime.
  template <class T>
  JoinHandle<T> Spawn(Task<T> task) {
    internal::TaskPlace<Runtime> place(*this);
    auto state = std::make_shared<internal::JoinState<T>>(*unheard_);
    Start(internal::RunSpawned(std::move(task), internal::Spawner(state)));
    place.Keep();
    return JoinHandle<T>(std::move(state));
  }

  // Runs until every task has ended: those that were spawned before it returns
  // too. May be called again. To keep it at work while nothing is to do, spawn
  // a task that waits, say for the end of a Descriptor::Pipe: Run returns when
  // the other end was closed, by any thread. kFailedPrecondition: from within a
  // task, of this runtime or another, or while it is at work in another thread.
  // kResourceExhausted: a thread could not be started; nothing was run, and the
  // tasks are there for the next call.
  absl::Status Run();

  // For good: what is awaited later answers closing too, and what Run is called
  // for later ends as soon. From any thread, before, during or after Run, or
  // from a task; not from a signal handler.
  void Stop();
  bool stopping() const {
    return stopping_.Load("runtime.stopping", Order::kSeqCst) != 0;
  }

  // --- Time -----------------------------------------------------------------

  // CLOCK_MONOTONIC in nanoseconds.
  static std::int64_t Now();
  // The deadline `delay` from now; see Deadline::After. However long the delay
  // is, the deadline is not early: hours::max() is as good as none.
  template <class Rep, class Period>
  static Deadline After(std::chrono::duration<Rep, Period> delay) {
    return Deadline::After(Now(), delay);
  }

  // co_await runtime.Sleep(50ms): true when the time has passed, false if the
  // runtime stopped.
  template <class Rep, class Period>
  internal::SleepAwaiter Sleep(std::chrono::duration<Rep, Period> delay) {
    return SleepUntil(After(delay));
  }
  internal::SleepAwaiter SleepUntil(Deadline deadline) {
    return internal::SleepAwaiter(*this, deadline);
  }

  // co_await runtime.Yield(): lets the other runnable tasks go first.
  internal::YieldAwaiter Yield() { return internal::YieldAwaiter(*this); }

  RuntimeStats stats() const;
  // What the runtime is doing, in a few lines for people: who polls or sleeps,
  // what is due, the queues, the tasks. From any thread at any time, of a
  // runtime that hangs too; each figure is read on its own.
  std::string DumpState();
  // The name of the backend.
  const char* backend() { return poller_.backend().name(); }
  int threads() const { return static_cast<int>(workers_.size()); }

  // --- For the pieces of the runtime ----------------------------------------

  HostPoller& poller() { return poller_; }

  // Whether this is a child of fork of the process that made the runtime.
  bool InChild() const { return poller_.backend().InChild(); }

  // Makes waiters runnable, each at home; from any thread. The delta comes
  // afterwards.
  static void MakeRunnable(Waiter* waiter);
  static void MakeRunnable(WaiterList& list);
  void MakeRunnable(PollResult& result);

  // A task of another runtime is about to wait here. Run does not return
  // before it has left. False: Run has returned, nobody polls any more.
  bool EnterGuest();
  void LeaveGuest();

  // A deadline was set: whoever must know of an earlier one is told.
  void DeadlineMoved(std::int64_t when);

  // `timer` is due at `when`, once. False: there is no memory, and it is not.
  // Stopping it says whether it will not be; otherwise it was, or is right now.
  bool StartTimer(internal::Timed* timer, std::int64_t when);
  bool StopTimer(internal::Timed* timer);
  // The same for a sleep, which is due whatever memory there is.
  void StartSleep(internal::SleepAwaiter* sleep, std::int64_t when);
  bool ArmRoomless(std::int64_t when);

  // Closes a descriptor whose close may block, on a thread of its own. False:
  // no thread can be had. The destructor waits for those threads.
  bool CloseElsewhere(internal::FdState* fd);

  bool Register(internal::FdState* fd);
  void Unregister(internal::FdState* fd);

  bool TakePlace() { return places_.Take(sleeps_); }
  void GivePlace() { places_.Give(); }
  void TaskEnded();
  void Unhandled(std::exception_ptr exception);

 private:
  friend internal::SleepAwaiter;
  using Worker = internal::Worker;
  struct Host;

  void RefuseInChild() const;
  void Start(internal::SpawnedTask spawned);
  void Push(internal::TaskWaiter* task);
  bool BeginRun();
  bool EndRun();
  absl::Status RunWorkers(bool all);
  std::size_t StartThreads(int* error);
  static void* ThreadMain(void* worker);
  void Work(Worker& worker);
  internal::TaskWaiter* Next(Worker& worker);
  internal::TaskWaiter* Steal(Worker& worker);
  void Idle(Worker& worker);
  void Look(Worker& worker);
  bool WorkVisible();
  bool OnWorker() const;
  void Polled(Worker& worker, PollResult result);
  void Expire(Worker& worker, std::int64_t now);
  void WakeSleeps(std::int64_t now);
  void DrainSleeps();
  std::int64_t NextTime() const;
  void NotifyWork();
  void WakeEverybody();
  void Finish();

  absl::Status status_;
  HostPoller poller_;
  TimerHeap<StdEnv, internal::Timed> sleeps_;
  internal::TaskPlaces places_;
  internal::RoomlessSleeps roomless_{*this};
  SleepProtocol<StdEnv> protocol_;
  internal::RunQueue<StdEnv> injected_;
  std::vector<std::unique_ptr<Worker>> workers_;
  internal::RunWord life_;
  StdEnv::Atomic<std::uint32_t> done_{0};
  StdEnv::Atomic<std::uint32_t> stopping_{0};
  StdEnv::Atomic<std::int32_t> closers_{0};  // Threads of CloseElsewhere.

  // Held by threads that are not workers while they make a task runnable. The
  // task may end the runtime at once: Run passes here before it returns.
  StdEnv::Lock door_;
  // Whether waiters of other runtimes have parked here. Written before they do.
  StdEnv::Atomic<std::uint32_t> had_guests_{0};
  internal::Unheard* const unheard_;

  StdEnv::Lock registry_lock_;
  internal::FdState* registry_ = nullptr;  // Guarded by registry_lock_.
  std::exception_ptr unhandled_;           // Guarded by registry_lock_.
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_RUNTIME_H_
