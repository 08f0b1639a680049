// SPDX-License-Identifier: Apache-2.0
//
// What a runtime has counted, read while it counts.

#include <cstdint>
#include <vector>

#include "netpoll/runtime/runtime_stats.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/worker.h"
#include "netpoll/runtime/worker_counts.h"

namespace netpoll {

void WorkerStats::Add(const WorkerStats& other) {
  task_runs += other.task_runs;
  polls += other.polls;
  wakeups += other.wakeups;
  timeouts += other.timeouts;
  closings += other.closings;
  nudges += other.nudges;
  opens += other.opens;
  breaks += other.breaks;
  steals += other.steals;
  batches.Add(other.batches);
  poll_times.Add(other.poll_times);
  turn_times.Add(other.turn_times);
  queued += other.queued;
}

namespace internal {

WorkerStats WorkerCounts::Get() const {
  WorkerStats stats;
  stats.task_runs = task_runs.Get();
  stats.batches = batches.Get();
  stats.polls = stats.batches.count();
  stats.wakeups = stats.batches.sum;
  stats.timeouts = timeouts.Get();
  stats.closings = closings.Get();
  stats.nudges = nudges.Get();
  stats.opens = opens.Get();
  stats.breaks = breaks.Get();
  stats.steals = steals.Get();
  stats.poll_times = poll_times.Get();
  stats.turn_times = turn_times.Get();
  return stats;
}

std::vector<WorkerStats> Scheduler::worker_stats() {
  std::vector<WorkerStats> all;
  all.reserve(workers_.size() + 1);
  for (const auto& worker : workers_) {
    all.push_back(worker->counts.Get());
    all.back().queued = worker->queue.Size() + worker->staying.Size();
  }
  all.push_back(other_counts_.Get());
  all.back().queued = injected_.Size();
  return all;
}

RuntimeStats Scheduler::stats() {
  RuntimeStats stats;
  for (const WorkerStats& each : worker_stats()) stats.Add(each);
  for (const auto& shard : shards_) {
    stats.stale_events += shard->stale_events();
    stats.breaks_sent += shard->backend().breaks_taken();
    stats.parked += shard->waiters();
    stats.open += shard->open();
    stats.timers += static_cast<std::int64_t>(shard->timers().Size());
  }
  stats.tasks = static_cast<std::int64_t>(life_.count());
  stats.timers += static_cast<std::int64_t>(times_.Size());
  return stats;
}

}  // namespace internal
}  // namespace netpoll
