// SPDX-License-Identifier: Apache-2.0
//
// What the loops beside it run: jobs, each of which is resumed when what it
// waited for has come; and for the loops that run on one thread a queue of
// them, with the scheduler's side of ForeignLoop over it.

#ifndef NETPOLL_EXAMPLES_LOOPS_JOB_H_
#define NETPOLL_EXAMPLES_LOOPS_JOB_H_

#include <time.h>

#include <atomic>
#include <cstdint>
#include <mutex>

#include "netpoll/core/foreign_loop.h"
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

// What a loop on one thread derives from; its own side calls Prepare and Return
// of loop_, and RunAll of jobs_.
template <class Poller>
class JobLoop {
 public:
  JobLoop(const JobLoop&) = delete;
  JobLoop& operator=(const JobLoop&) = delete;

  // From any thread.
  void Stop() {
    stopped_ = true;
    loop_.WorkCame();
  }
  void Post(Job* job) {
    jobs_.Push(job);
    loop_.WorkCame();
  }
  // What SetDeadline and Unblock answer.
  template <class Result>
  void Deliver(Result result) {
    loop_.Deliver(result);
  }

  // How often it was back.
  int wakes() const { return wakes_; }

  // --- For ForeignLoop ------------------------------------------------------

  std::int64_t Now() { return MonotonicNow(); }
  void Run(Waiter* job) { jobs_.Push(job); }
  bool WorkVisible() { return stopped_ || !jobs_.empty(); }

 protected:
  explicit JobLoop(Poller& poller) : loop_(poller, *this) {}
  ~JobLoop() = default;

  std::atomic<bool> stopped_ = false;
  JobQueue jobs_;
  std::atomic<int> wakes_ = 0;
  ForeignLoop<Poller, JobLoop> loop_;
};

}  // namespace netpoll::examples

#endif  // NETPOLL_EXAMPLES_LOOPS_JOB_H_
