// SPDX-License-Identifier: Apache-2.0
//
// Scheduler::Run: its threads, from first to last.

#include <pthread.h>

#include <cstddef>
#include <exception>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/run_word.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/worker.h"

namespace netpoll::internal {

absl::Status Scheduler::Run() {
  if (!status_.ok()) return status_;
  RefuseInChild();
  if (this_worker != nullptr) {
    return absl::FailedPreconditionError("Run was called from within a task");
  }
  RunWord::Phase before;
  if (!life_.Begin(&before)) {
    return absl::FailedPreconditionError(
        "Run was called while it is at work in another thread");
  }
  for (bool first = true; !life_.End(); first = false) {
    const absl::Status status = RunWorkers(first);
    if (!status.ok()) {
      life_.Abort(before);
      return status;
    }
  }
  // Whoever made the last tasks runnable may still be about it.
  { const LockHolder pass(door_, "run.door"); }
  if (unhandled_) std::rethrow_exception(std::exchange(unhandled_, nullptr));
  return absl::OkStatus();
}

// Works until there is no task. If a thread can't be started: with `all`
// nothing is run, otherwise those that could be do the work.
absl::Status Scheduler::RunWorkers(bool all) {
  done_.Store("run.done", 0, Order::kSeqCst);
  // Somebody may have found no task, and said so, before that.
  if (life_.count() == 0) return absl::OkStatus();
  int error = 0;
  const std::size_t started = StartThreads(&error);
  const bool admitted = error == 0 || !all;
  for (std::size_t id = 1; id < started; ++id) {
    workers_[id]->admitted = admitted;
    workers_[id]->gate.Unpark("run.gate");
  }
  if (admitted) Work(*workers_[0]);
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
  if (worker.admitted) worker.scheduler->Work(worker);
  return nullptr;
}

}  // namespace netpoll::internal
