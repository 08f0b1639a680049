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
// The clock is CLOCK_MONOTONIC, in nanoseconds: it does not count while the
// system is suspended. Deadlines are never early, and events come before them:
// whoever spoke in time is served, also when the process was stopped
// meanwhile.
//
// Workers: a worker without work polls (one of them) or sleeps (the others);
// none spins. A busy worker polls without blocking every 61 task runs or 128
// units of work, unless another polls, and a task that is always ready yields
// after 64, so that one busy connection starves nobody. A unit, about a
// microsecond, is an operation, or 4 KiB that it moves.
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
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "netpoll/core/deadline.h"
#include "netpoll/runtime/join.h"
#include "netpoll/runtime/loop_rest.h"
#include "netpoll/runtime/runtime_options.h"
#include "netpoll/runtime/runtime_stats.h"
#include "netpoll/runtime/sleep.h"
#include "netpoll/runtime/suspend.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/wait_info.h"

namespace netpoll {

class Runtime;

namespace internal {
class Scheduler;
// What the runtime's other pieces work with.
Scheduler& SchedulerOf(Runtime& runtime);
}  // namespace internal

class Runtime {
 public:
  static constexpr int kMaxThreads = 64;

  explicit Runtime(RuntimeOptions options = {});
  // All tasks have ended, or this stops the process. In a child of fork it does
  // nothing to the parent's tasks and descriptors; nor does the end of a handle
  // there. A child may look (stats and the like); whatever else it does with a
  // runtime of its parent stops it with one sentence.
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // Why the poller could not be made (no descriptors left, no such backend
  // in this build, or not on this system). Run and whatever opens a descriptor
  // fail with the same; tasks that were spawned are dropped with the runtime.
  const absl::Status& status() const;

  // Starts a task. From any thread, also before Run. The handle may be awaited
  // for the result, or dropped. An exception that leaves a task whose handle
  // was dropped stops the runtime, and Run throws it: the first one, where
  // several do (a TaskGroup keeps all).
  //
  // Throws std::bad_alloc where there is no memory; the task was not started
  // then and is gone, with what was passed to it. A server that catches it has
  // refused one client. What a task does afterwards, sleeping (however often
  // at once) and deadlines included, needs no memory of the runtime.
  //
  // One that stays on a worker (SpawnOptions::worker) runs on that thread
  // alone, from its first to its last, with the tasks that it awaits: it may
  // use what belongs to the thread. Nobody steals it; so it waits for its
  // worker while others have nothing to do. A worker runs those that stay when
  // its queue is empty, and one each turn. Code of the program that resumes a
  // coroutine by hand on another thread takes it from there.
  template <class T>
  JoinHandle<T> Spawn(Task<T> task, SpawnOptions options = {}) {
    return Spawn(std::move(task), options, false);
  }
  // The same, of a task that does not keep Run at work, such as one that cleans
  // up now and then: when none but such tasks are left the runtime is stopped,
  // and so they end.
  template <class T>
  JoinHandle<T> SpawnBackground(Task<T> task, SpawnOptions options = {}) {
    return Spawn(std::move(task), options, true);
  }

  // Runs until every task has ended: those that were spawned before it returns
  // too. May be called again. To keep it at work while nothing is to do: a
  // RunGuard. kFailedPrecondition: from within a task, of this runtime or
  // another, or while it is at work in another thread. kResourceExhausted: a
  // thread could not be started; nothing was run, and the tasks are there for
  // the next call.
  absl::Status Run();

  // Run, a turn at a time, for a loop that sleeps in a call of its own: a
  // window system's, another library's, a program's own around poll(2).
  //
  //   for (;;) {
  //     absl::StatusOr<LoopRest> rest = runtime.RunOnce();
  //     if (!rest.ok() || rest->ended) break;
  //     pollfd watched[] = {{runtime.descriptor(), POLLIN, 0}, ...};
  //     poll(watched, ..., rest->Milliseconds());
  //   }
  //
  // Takes what came while the loop slept, runs tasks for about as long as 61 of
  // them take, and says how long to sleep. Whatever comes meanwhile (an event,
  // an earlier deadline, a Spawn, a Stop, from this thread or another) makes
  // the descriptor readable. `readable`: false if it was seen not to be, which
  // spares a system call; a deadline that is due is acted on all the same.
  //
  // By several threads in turn, if need be; one at a time. When it has `ended`,
  // it or Run may begin anew. kFailedPrecondition: from within a task; while
  // Run is at work, or another RunOnce; if there is more than one worker
  // thread. An exception that leaves a task is thrown as by Run.
  absl::StatusOr<LoopRest> RunOnce(bool readable = true);
  // Readable when RunOnce has something to do. Not to be read, nor closed. -1
  // where the backend has none (poll): such a loop calls RunOnce now and then.
  int descriptor() const;

  // Until StartAgain: what is awaited later answers closing too, and what Run
  // is called for later ends as soon. From any thread, before, during or after
  // Run, or from a task; not from a signal handler.
  void Stop();
  bool stopping() const;
  // The hook: std::stop_callback hook(runtime.stop_token(), [&] { ... });
  // calls it once, in the thread that calls Stop, when everything is closed, or
  // at once if that was before. It is for this run: ask again after StartAgain.
  std::stop_token stop_token() const;
  // As if Stop had never been called. When Run has returned, or was never
  // called, and all tasks have ended, else kFailedPrecondition; while no other
  // thread uses the runtime. What Stop closed stays closed.
  absl::Status StartAgain();

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
    return internal::SleepAwaiter(*scheduler_, deadline);
  }

  // co_await runtime.Yield(): lets the other runnable tasks go first.
  internal::YieldAwaiter Yield() { return internal::YieldAwaiter(anywhere_); }

  // What it has counted. From any thread at any time; takes the locks of the
  // run queues and of the timers for a moment each.
  RuntimeStats stats() const;
  // The same of each worker, and last of threads that are none.
  std::vector<WorkerStats> worker_stats() const;
  // What the runtime is doing, in lines for people: who polls or sleeps, what
  // is due, the queues; and the tasks that wait, as Waits has them. From any
  // thread at any time, of a runtime that hangs too; each figure is read on its
  // own. `name` says where they wait; null: as PlaceInFile. Not from a signal
  // handler.
  std::string DumpState(std::size_t most = 32, PlaceNamer name = &PlaceInFile);
  // What tasks wait for, in no order: `most` of the waits on descriptors, and
  // `most` of the others. The same holds; what is opened or closed, or begins
  // or ends to wait, meanwhile has to wait for a moment. Not among them: an
  // await of a spawned task or a group outside of all scopes, where no task has
  // a name; a Close that waits for operations; threads that block.
  std::vector<WaitInfo> Waits(std::size_t most) const;
  // The name of the backend.
  const char* backend() const;
  // Empty, or a sentence: completions were asked for, and why there are none.
  std::string backend_note() const;
  int threads() const;
  // The worker of this runtime that the caller runs on, 0 to threads - 1, or
  // SpawnOptions::kAnyWorker. Worker 0 is the thread that calls Run.
  int CurrentWorker() const;

 private:
  friend internal::Scheduler& internal::SchedulerOf(Runtime& runtime);

  template <class T>
  JoinHandle<T> Spawn(Task<T> task, SpawnOptions options, bool background) {
    internal::TaskPlace place(*scheduler_);
    auto* const state = new internal::JoinState<T>(
        *unheard_, internal::TaskAccess::Fresh(task));
    internal::TaskAccess::Release(task);  // It has it now.
    JoinHandle<T> handle{internal::JoinRef<T>(state)};
    state->Start(*scheduler_, options, background);
    place.Keep();
    return handle;
  }

  const std::unique_ptr<internal::Scheduler> scheduler_;
  const internal::Home& anywhere_;  // The scheduler's.
  internal::Unheard* const unheard_;
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_RUNTIME_H_
