// SPDX-License-Identifier: Apache-2.0
//
// Scheduler::DumpState.

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/delta.h"
#include "netpoll/runtime/protocols/run_word.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/worker.h"

namespace netpoll::internal {
namespace {

const char* PhaseName(RunPhase phase) {
  switch (phase) {
    case RunPhase::kFresh:
      return "not run yet";
    case RunPhase::kRunning:
      return "running";
    case RunPhase::kEnded:
      return "Run has returned";
  }
  return "?";
}

std::string In(std::int64_t when, std::int64_t now) {
  if (when == kNever) return "never";
  return absl::StrCat("in ", (when - now) / 1000, " us");
}

}  // namespace

std::string Scheduler::DumpState() {
  const std::int64_t now = sys.now();
  std::string text = absl::StrCat(
      "netpoll runtime on ", backend_, ": ", PhaseName(life_.phase()),
      stopping() ? ", stopping" : "",
      done_.Load("dump.done", Order::kSeqCst) != 0 ? ", done" : "", "\n");
  std::int32_t parked = 0;
  std::int64_t next = kNever;
  for (const auto& shard : shards_) {
    parked += shard->waiters();
    next = std::min(next, shard->NextDeadline());
  }
  absl::StrAppend(&text, "  tasks ", life_.count(), ", parked ", parked,
                  ", injected ", injected_.Size(), "\n");
  if (!sharded()) {
    absl::StrAppend(
        &text,
        "  turn: ", protocol_.AnyPoller() ? "somebody polls" : "nobody polls",
        protocol_.AnySleeper() ? ", others sleep" : ", nobody sleeps", "\n");
  }
  absl::StrAppend(&text, "  next deadline ", In(next, now),
                  ", next sleep ends ", In(times_.Next(), now), "\n");
  for (const auto& worker : workers_) {
    const WorkerStats stats = worker->counts.Get();
    absl::StrAppend(&text, "  worker ", worker->id, ": queue ",
                    worker->queue.Size(), ", ", stats.task_runs, " runs, ",
                    stats.polls, " polls, ", stats.wakeups, " wakeups, ",
                    stats.timeouts, " timeouts");
    if (sharded()) {
      absl::StrAppend(&text, "; open ", worker->shard.open(), ", parked ",
                      worker->shard.waiters(),
                      worker->protocol.AnyPoller() ? ", polls" : ", busy");
    }
    text += '\n';
  }
  return text;
}

}  // namespace netpoll::internal
