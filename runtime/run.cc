// SPDX-License-Identifier: Apache-2.0
//
// Scheduler::Run: its threads, from first to last. RunOnce, which has none.

#include <pthread.h>

#include <array>
#include <cstddef>
#include <exception>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/delta.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/loop_rest.h"
#include "netpoll/runtime/protocols/dispatch.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/worker.h"

namespace netpoll {

int LoopRest::Milliseconds() const {
  if (work || ended) return 0;
  if (until == kNever) return -1;
  return Delta::Until(internal::sys.now(), until).ToMillisecondsCeil();
}

namespace internal {

// The threads of one call of Run, all workers but the first: started before
// anything is run, and kept until it ends, so that no worker is ever without
// one. Between two rounds each waits at its gate.
class Scheduler::Threads {
 public:
  explicit Threads(Scheduler& scheduler) : scheduler_(scheduler) {}
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  ~Threads() {
    for (std::size_t id = 1; id < started_; ++id) Open(threads_[id], false);
    for (std::size_t id = 1; id < started_; ++id) {
      sys.thread_join(threads_[id].thread, nullptr);
    }
  }

  absl::Status Start() {
    auto& workers = scheduler_.workers_;
    for (; started_ < workers.size(); ++started_) {
      Thread& made = threads_[started_];
      made.worker = workers[started_].get();
      const int error =
          sys.thread_create(&made.thread, nullptr, &Threads::Main, &made);
      if (error == 0) continue;
      return absl::ResourceExhaustedError(
          absl::StrCat("of ", workers.size(), " worker threads only ", started_,
                       " could be started: ", ErrnoName(error)));
    }
    return absl::OkStatus();
  }

  // Each works, the caller as the first, until there is no task.
  void Work() {
    for (std::size_t id = 1; id < started_; ++id) Open(threads_[id], true);
    if (scheduler_.BackgroundAlone()) scheduler_.Stop();
    scheduler_.WorkHere(*scheduler_.workers_[0]);
    for (std::size_t id = 1; id < started_; ++id) {
      threads_[id].left.Park("run.left");
    }
  }

 private:
  struct Thread {
    Worker* worker;
    pthread_t thread;
    StdEnv::Parker gate;
    StdEnv::Parker left;
    bool works;  // Or ends. Written before the gate opens.
  };

  static void Open(Thread& thread, bool works) {
    thread.works = works;
    thread.gate.Unpark("run.gate");
  }
  static void* Main(void* argument) {
    Thread& self = *static_cast<Thread*>(argument);
    for (;;) {
      self.gate.Park("worker.gate");
      if (!self.works) return nullptr;
      self.worker->scheduler->WorkHere(*self.worker);
      self.left.Unpark("worker.left");
    }
  }

  Scheduler& scheduler_;
  std::size_t started_ = 1;  // The caller's is.
  std::array<Thread, kMaxThreads> threads_;
};

absl::Status Scheduler::Run() {
  absl::Status status = RefuseRun("Run");
  if (!status.ok()) return status;
  RunEnd end = RunOnThreads(&status);
  if (end == RunEnd::kAtWork) {
    return absl::FailedPreconditionError(
        BetweenTurns() ? "Run was called while a loop of RunOnce is at work"
                       : "Run was called while it is at work in another "
                         "thread");
  }
  // What threads have spawned as they ended, unless another Run sees to it.
  while (end == RunEnd::kNobodyLeft && life_.count() != 0) {
    end = RunOnThreads(&status);
  }
  if (end == RunEnd::kNoWorkers) return status;
  if (unhandled_) std::rethrow_exception(std::exchange(unhandled_, nullptr));
  return absl::OkStatus();
}

// Rounds, until there is no task. kNoWorkers, and why, if one has no thread.
RunEnd Scheduler::RunOnThreads(absl::Status* status) {
  Threads threads(*this);
  return RunAll([&](bool first) {
    if (first) *status = threads.Start();
    if (!status->ok()) return false;
    threads.Work();
    DropRecalls();
    return true;
  });
}

// Why `caller` may not do anything here.
absl::Status Scheduler::RefuseRun(const char* caller) {
  if (!status_.ok()) return status_;
  RefuseInChild();
  if (this_worker == nullptr) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(caller, " was called from within a task"));
}

absl::StatusOr<LoopRest> Scheduler::RunOnce(bool readable) {
  const absl::Status status = RefuseRun("RunOnce");
  if (!status.ok()) return status;
  if (threads() != 1) {
    return absl::FailedPreconditionError(absl::StrCat(
        "RunOnce runs tasks on the thread that calls it, and this Runtime was "
        "made with threads = ",
        threads()));
  }
  bool first = false;
  if (!BeginTurn(&first)) {
    return absl::FailedPreconditionError(
        "RunOnce was called while Run, or another RunOnce, is at work");
  }
  if (first && BackgroundAlone()) Stop();
  BecomeWorker(workers_[0].get());
  const AfterTurn after = WorkATurn(*workers_[0], readable);
  BecomeWorker(nullptr);
  const bool ended = after.next == AfterTurn::Next::kEnded;
  if (ended && unhandled_) {
    std::rethrow_exception(std::exchange(unhandled_, nullptr));
  }
  return LoopRest{.ended = ended,
                  .work = after.next == AfterTurn::Next::kAgain,
                  .until = after.until};
}

}  // namespace internal
}  // namespace netpoll
