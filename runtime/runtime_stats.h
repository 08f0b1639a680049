// SPDX-License-Identifier: Apache-2.0
//
// What a Runtime counts. Counts go up from the start and are never reset: who
// wants a rate takes two and divides. Each is read on its own, so two that
// belong together may be one apart. What each means, and what it costs:
// docs/observability.md.

#ifndef NETPOLL_RUNTIME_RUNTIME_STATS_H_
#define NETPOLL_RUNTIME_RUNTIME_STATS_H_

#include "netpoll/core/cpp20.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace netpoll {

// How many were of what size, by powers of two: bucket 0 those of 0, bucket i
// those from 2^(i-1) to 2^i - 1, the last whatever is more.
template <std::size_t kSize>
struct PowerHistogram {
  static constexpr std::size_t kBuckets = kSize;
  std::array<std::uint64_t, kSize> buckets = {};
  std::uint64_t sum = 0;

  // The most that is in a bucket. Of the last there is no such.
  static constexpr std::uint64_t Last(std::size_t bucket) {
    return (std::uint64_t{1} << bucket) - 1;
  }
  std::uint64_t count() const {
    std::uint64_t all = 0;
    for (const std::uint64_t each : buckets) all += each;
    return all;
  }
  void Add(const PowerHistogram& other) {
    for (std::size_t i = 0; i < kSize; ++i) buckets[i] += other.buckets[i];
    sum += other.sum;
  }
};

// Of tasks that one poll woke.
using BatchHistogram = PowerHistogram<12>;
// Of microseconds; `sum` is in nanoseconds. The last: from 4.2 seconds.
using TimeHistogram = PowerHistogram<24>;

// What one worker has done, or all threads together that are none.
struct WorkerStats {
  std::uint64_t task_runs = 0;
  std::uint64_t polls = 0;
  // Waits that ended, by what ended them.
  std::uint64_t wakeups = 0;   // An event.
  std::uint64_t timeouts = 0;  // A deadline.
  std::uint64_t closings = 0;  // The descriptor was closed, or Stop called.
  std::uint64_t nudges = 0;    // A scope was cancelled, or a rest was over.
  std::uint64_t opens = 0;     // Descriptors.
  std::uint64_t breaks = 0;    // Asked for; most are coalesced.
  // How often it took tasks from another worker's queue.
  std::uint64_t steals = 0;
  BatchHistogram batches;
  // Of some polls (all, while there are few; one in 32, where they are many):
  // how long each took, waiting included; and how long the worker ran tasks
  // from one to the next, for which an event has to wait.
  TimeHistogram poll_times;
  TimeHistogram turn_times;
  // What it has now.
  std::int32_t queued = 0;

  void Add(const WorkerStats& other);
};

// Sums over all workers, and what is there once.
struct RuntimeStats : WorkerStats {
  // Waits on descriptors that had to wait: those that have ended, by what ended
  // them, and those that have not.
  std::uint64_t parks() const {
    return wakeups + timeouts + closings + nudges +
           static_cast<std::uint64_t>(parked < 0 ? 0 : parked);
  }
  std::uint64_t stale_events = 0;
  std::uint64_t breaks_sent = 0;  // Those that cost a system call.
  // What there is now. `queued`: runnable, in all queues.
  std::int32_t parked = 0;  // Tasks that wait on descriptors.
  std::int64_t tasks = 0;   // Spawned, and not ended.
  std::int64_t open = 0;    // Descriptors.
  // Deadlines and sleeps, those included that were called off and are not
  // sorted out yet.
  std::int64_t timers = 0;
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_RUNTIME_STATS_H_
