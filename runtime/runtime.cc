// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/runtime.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "netpoll/backends/host/host_backends.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/io_op.h"
#include "netpoll/runtime/join.h"
#include "netpoll/runtime/loop_rest.h"
#include "netpoll/runtime/runtime_options.h"
#include "netpoll/runtime/runtime_stats.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task_waiter.h"
#include "netpoll/runtime/wait_info.h"

namespace netpoll {

using internal::FdState, internal::IoOp, internal::Scheduler,
    internal::SpawnedTask, internal::TaskWaiter, internal::Unheard;

static_assert(Runtime::kMaxThreads == Scheduler::kMaxThreads);

Scheduler& internal::SchedulerOf(Runtime& runtime) {
  return *runtime.scheduler_;
}

namespace {
// For programs that have no option for it, tests among them.
bool AskedForCompletions() {
  const char* const asked = std::getenv("NETPOLL_COMPLETIONS");
  return asked != nullptr && *asked != '\0';
}
}  // namespace

Runtime::Runtime(RuntimeOptions options)
    : scheduler_(std::make_unique<Scheduler>(
          options.threads, options.sharded,
          options.backend.empty() ? DefaultHostBackend() : options.backend,
          options.completions || AskedForCompletions(), &FdState::CloseAll,
          options.observer)),
      anywhere_(*scheduler_),
      unheard_(new Unheard(*scheduler_)) {}

Runtime::~Runtime() {
  if (scheduler_->InChild()) return;  // The tasks are the parent's.
  unheard_->Forget();
  if (status().ok()) return;
  // Nothing ever ran here.
  while (TaskWaiter* const task = scheduler_->TakeUnstarted()) {
    static_cast<SpawnedTask*>(task)->Abandon();
  }
}

const absl::Status& Runtime::status() const { return scheduler_->status(); }

absl::Status Runtime::Run() { return scheduler_->Run(); }

absl::StatusOr<LoopRest> Runtime::RunOnce(bool readable) {
  return scheduler_->RunOnce(readable);
}

int Runtime::descriptor() const {
  return status().ok() ? scheduler_->poller().PollFd() : -1;
}

void Runtime::Stop() { scheduler_->Stop(); }

std::stop_token Runtime::stop_token() const { return scheduler_->stop_token(); }

absl::Status Runtime::StartAgain() { return scheduler_->StartAgain(); }

bool Runtime::stopping() const { return scheduler_->stopping(); }

std::int64_t Runtime::Now() { return internal::sys.now(); }

RuntimeStats Runtime::stats() const { return scheduler_->stats(); }

std::vector<WorkerStats> Runtime::worker_stats() const {
  return scheduler_->worker_stats();
}

std::string Runtime::DumpState(std::size_t most, PlaceNamer name) {
  return scheduler_->DumpState() +
         internal::DumpWaits(internal::WaitsOf(*scheduler_, most), name);
}

std::vector<WaitInfo> Runtime::Waits(std::size_t most) const {
  return internal::WaitsOf(*scheduler_, most);
}

const char* Runtime::backend() const { return scheduler_->backend().c_str(); }

std::string Runtime::backend_note() const {
  const std::string& why = scheduler_->no_rings();
  if (why.empty()) return "";
  return "readiness mode, not completions: " + why;
}

int Runtime::threads() const { return scheduler_->threads(); }

int Runtime::CurrentWorker() const {
  const internal::Worker* const worker = internal::this_worker;
  return worker != nullptr && worker->scheduler == scheduler_.get()
             ? worker->id
             : SpawnOptions::kAnyWorker;
}

}  // namespace netpoll
