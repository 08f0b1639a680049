// SPDX-License-Identifier: Apache-2.0
//
// Scheduler::Run: its threads, from first to last. RunOnce, which has none.

#include <pthread.h>

#include <cstddef>
#include <exception>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
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

absl::Status Scheduler::Run() {
  absl::Status status = RefuseRun("Run");
  if (!status.ok()) return status;
  const RunEnd end = RunAll([this, &status](bool first) {
    status = RunWorkers(first);
    return status.ok();
  });
  if (end == RunEnd::kAtWork) {
    return absl::FailedPreconditionError(
        BetweenTurns() ? "Run was called while a loop of RunOnce is at work"
                       : "Run was called while it is at work in another "
                         "thread");
  }
  if (end == RunEnd::kNoWorkers) return status;
  if (unhandled_) std::rethrow_exception(std::exchange(unhandled_, nullptr));
  return absl::OkStatus();
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

// Works until there is no task. If a thread can't be started: with `all`, or if
// a task may stay on its worker, nothing is run, otherwise those that could be
// do the work.
absl::Status Scheduler::RunWorkers(bool all) {
  int error = 0;
  const std::size_t started = StartThreads(&error);
  const bool admitted = error == 0 || !(all || AnyStays());
  for (std::size_t id = 1; id < started; ++id) {
    workers_[id]->admitted = admitted;
    workers_[id]->gate.Unpark("run.gate");
  }
  if (admitted) {
    if (BackgroundAlone()) Stop();
    WorkHere(*workers_[0]);
  }
  for (std::size_t id = 1; id < started; ++id) {
    sys.thread_join(workers_[id]->thread, nullptr);
  }
  if (admitted) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("of ", workers_.size(), " worker threads only ", started,
                   " could be started: ", ErrnoName(error)));
}

// The number of workers that have a thread, the caller's included.
std::size_t Scheduler::StartThreads(int* error) {
  std::size_t started = 1;
  for (; started < workers_.size(); ++started) {
    Worker& worker = *workers_[started];
    *error = sys.thread_create(&worker.thread, nullptr, &Scheduler::ThreadMain,
                               &worker);
    if (*error != 0) break;
  }
  return started;
}

void* Scheduler::ThreadMain(void* argument) {
  Worker& worker = *static_cast<Worker*>(argument);
  worker.gate.Park("worker.gate");
  if (worker.admitted) worker.scheduler->WorkHere(worker);
  return nullptr;
}

}  // namespace internal
}  // namespace netpoll
