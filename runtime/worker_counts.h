// SPDX-License-Identifier: Apache-2.0
//
// What one worker counts, with the names of WorkerStats. Nothing is written for
// each message but what its task run and its poll count anyway: how many waits
// there were follows from how many ended.

#ifndef NETPOLL_RUNTIME_WORKER_COUNTS_H_
#define NETPOLL_RUNTIME_WORKER_COUNTS_H_

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/runtime_stats.h"

namespace netpoll::internal {

// By one thread at a time.
template <class Of>
class PowerCounts {
 public:
  // `value` decides the bucket, `amount` goes into the sum.
  void Add(std::uint64_t value, std::uint64_t amount) {
    const auto bucket = static_cast<std::size_t>(std::bit_width(value));
    buckets_[std::min(bucket, Of::kBuckets - 1)].Add(1);
    sum_.Add(amount);
  }
  Of Get() const {
    Of all;
    for (std::size_t i = 0; i < Of::kBuckets; ++i) {
      all.buckets[i] = buckets_[i].Get();
    }
    all.sum = sum_.Get();
    return all;
  }

 private:
  StdEnv::Counter buckets_[Of::kBuckets];
  StdEnv::Counter sum_;
};

struct WorkerCounts {
  using Counter = StdEnv::Counter;

  // Each poll counts in a bucket, and whom it woke in the sum.
  PowerCounts<BatchHistogram> batches;
  Counter task_runs;
  Counter timeouts, closings, nudges, opens, breaks, steals;
  PowerCounts<TimeHistogram> poll_times, turn_times;

  // In nanoseconds.
  static void AddTime(PowerCounts<TimeHistogram>& times, std::int64_t took) {
    const auto nanos = static_cast<std::uint64_t>(took < 0 ? 0 : took);
    times.Add(nanos / 1000, nanos);
  }
  WorkerStats Get() const;
};

// Which polls of a worker are timed: two in a row, so that the turn between
// them is too. The next pair comes after about kPace, but after kRarest polls
// at the latest: so a worker that has little to do times each poll, and one
// that has much to do hardly ever reads the clock.
class PollSampler {
 public:
  static constexpr std::int64_t kPace = 100'000;
  static constexpr std::int64_t kRarest = 64;

  // All of them, for who is told of each.
  void TimeAll() { rarest_ = 1; }

  // One more poll. True: Begins comes before it, and Ended after it.
  bool Due() { return --until_ == 0; }
  void Begins(std::int64_t now, WorkerCounts& counts) {
    began_ = now;
    if (turn_began_ == 0) return;
    WorkerCounts::AddTime(counts.turn_times, now - turn_began_);
    const std::int64_t passed = std::max(now - paired_, std::int64_t{1});
    paired_ = now;
    period_ = std::clamp(period_ * kPace / passed, std::int64_t{1}, rarest_);
  }
  void Ended(std::int64_t now, WorkerCounts& counts) {
    WorkerCounts::AddTime(counts.poll_times, now - began_);
    const bool first = turn_began_ == 0;
    turn_began_ = first || period_ == 1 ? now : 0;
    until_ = first ? 1 : static_cast<std::uint32_t>(period_);
  }

 private:
  std::uint32_t until_ = 1;
  std::int64_t period_ = 1;  // In polls.
  std::int64_t rarest_ = kRarest;
  std::int64_t began_ = 0;
  std::int64_t paired_ = 0;      // When the last pair was complete.
  std::int64_t turn_began_ = 0;  // When the first of a pair ended; 0: none did.
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_WORKER_COUNTS_H_
