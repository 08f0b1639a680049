// SPDX-License-Identifier: Apache-2.0
//
// What the loops beside it run: jobs, each of which is resumed when what it
// waited for has come, and a queue of them for the loops that run on one
// thread.

#ifndef NETPOLL_EXAMPLES_LOOPS_JOB_H_
#define NETPOLL_EXAMPLES_LOOPS_JOB_H_

#include <time.h>

#include <cstdint>
#include <mutex>

#include "netpoll/core/types.h"

namespace netpoll::examples {

// The clock of the deadlines.
inline std::int64_t MonotonicNow() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

struct Job : Waiter {
  virtual void Resume() = 0;

 protected:
  ~Job() = default;
};

// Jobs that are to run. Pushed by any thread, run by the loop's.
class JobQueue {
 public:
  void Push(Waiter* job) {
    const std::lock_guard<std::mutex> hold(mutex_);
    jobs_.Push(job);
  }
  bool empty() {
    const std::lock_guard<std::mutex> hold(mutex_);
    return jobs_.empty();
  }
  // Runs those that are there now. What these push waits for the next time, so
  // that the loop comes to its other matters.
  void RunAll() {
    WaiterList now;
    {
      const std::lock_guard<std::mutex> hold(mutex_);
      now.Append(jobs_);
    }
    while (Waiter* const job = now.Pop()) static_cast<Job*>(job)->Resume();
  }

 private:
  std::mutex mutex_;
  WaiterList jobs_;
};

}  // namespace netpoll::examples

#endif  // NETPOLL_EXAMPLES_LOOPS_JOB_H_
