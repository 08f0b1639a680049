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
// and future, answer "closing". Nothing is destroyed while it is suspended.
//
// A Runtime is no local variable of a coroutine: gcc 12 does not align frames
// to cache lines.
//
// The clock is CLOCK_MONOTONIC, in nanoseconds: it does not count while the
// system is suspended. Deadlines are never early.
//
// Workers: a worker without work polls (one of them) or sleeps (the others);
// none spins. A busy worker polls without blocking every 61 task runs or 128
// operations, and a task that is always ready yields after 64 operations, so
// that one busy connection starves nobody. SIGPIPE is blocked in worker threads
// while Run works and is never left pending: writing to a closed pipe is EPIPE.

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
#include "netpoll/runtime/sleep.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/task_waiter.h"

namespace netpoll {

namespace internal {
struct FdState;
struct Worker;
}  // namespace internal

struct RuntimeOptions {
  // Worker threads, the one that calls Run included; 1 to 64.
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
  explicit Runtime(RuntimeOptions options = {});
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
  template <class T>
  JoinHandle<T> Spawn(Task<T> task) {
    auto state = std::make_shared<internal::JoinState<T>>(*this);
    Start(internal::RunSpawned(std::move(task), state));
    return JoinHandle<T>(std::move(state));
  }

  // Runs until every task has ended. Not from within a task.
  absl::Status Run();

  // From any thread, also from a signal-free handler thread; not from a signal
  // handler.
  void Stop();
  bool stopping() const {
    return stopping_.Load("runtime.stopping", Order::kSeqCst) != 0;
  }

  // --- Time -----------------------------------------------------------------

  // CLOCK_MONOTONIC in nanoseconds.
  static std::int64_t Now();
  // The deadline `delay` from now; see Deadline::After.
  static Deadline After(std::chrono::nanoseconds delay) {
    return Deadline::After(Now(), delay);
  }

  // co_await runtime.Sleep(50ms): true when the time has passed, false if the
  // runtime stopped.
  internal::SleepAwaiter Sleep(std::chrono::nanoseconds delay) {
    return SleepUntil(After(delay));
  }
  internal::SleepAwaiter SleepUntil(Deadline deadline) {
    return internal::SleepAwaiter(*this, deadline);
  }

  // co_await runtime.Yield(): lets the other runnable tasks go first.
  struct YieldAwaiter : internal::ResumeWaiter {
    explicit YieldAwaiter(Runtime& owner) : runtime(owner) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> task) {
      handle = task;
      runtime.MakeRunnable(this);
    }
    void await_resume() const noexcept {}
    Runtime& runtime;
  };
  YieldAwaiter Yield() { return YieldAwaiter(*this); }

  RuntimeStats stats() const;
  // The name of the backend.
  const char* backend() { return poller_.backend().name(); }
  int threads() const { return static_cast<int>(workers_.size()); }

  // --- For the pieces of the runtime ----------------------------------------

  HostPoller& poller() { return poller_; }

  // Makes waiters runnable; from any thread. The delta comes afterwards.
  void MakeRunnable(Waiter* waiter);
  void MakeRunnable(WaiterList& list);
  void MakeRunnable(PollResult& result);

  // A deadline was set: whoever must know of an earlier one is told.
  void DeadlineMoved(std::int64_t when);

  bool Register(internal::FdState* fd);
  void Unregister(internal::FdState* fd);

  void TaskEnded();
  void Unhandled(std::exception_ptr exception);

 private:
  friend internal::SleepAwaiter;
  using Worker = internal::Worker;

  void Start(internal::SpawnedTask spawned);
  void Work(Worker& worker);
  internal::TaskWaiter* Next(Worker& worker);
  internal::TaskWaiter* Steal(Worker& worker);
  void Idle(Worker& worker);
  bool WorkVisible();
  bool OnWorker() const;
  void Deliver(Worker& worker, PollResult& result);
  void Polled(Worker& worker, PollResult& result);
  void Expire(Worker& worker);
  void WakeSleeps(std::int64_t now);
  void DrainSleeps();
  std::int64_t NextTime() const;
  void NotifyWork();
  void WakeEverybody();
  void Finish();

  absl::Status status_;
  HostPoller poller_;
  TimerHeap<StdEnv, internal::SleepAwaiter> sleeps_;
  SleepProtocol<StdEnv> protocol_;
  internal::RunQueue<StdEnv> injected_;
  std::vector<std::unique_ptr<Worker>> workers_;
  StdEnv::Atomic<std::int64_t> live_tasks_{0};
  StdEnv::Atomic<std::uint32_t> done_{0};
  StdEnv::Atomic<std::uint32_t> stopping_{0};

  StdEnv::Lock registry_lock_;
  internal::FdState* registry_ = nullptr;  // Guarded by registry_lock_.
  std::exception_ptr unhandled_;           // Guarded by registry_lock_.
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_RUNTIME_H_
