// SPDX-License-Identifier: Apache-2.0
//
// The poller inside a bare loop around poll(2), on one thread.

#ifndef NETPOLL_EXAMPLES_LOOPS_POLL_LOOP_H_
#define NETPOLL_EXAMPLES_LOOPS_POLL_LOOP_H_

#include <poll.h>

#include <atomic>
#include <cstdint>

#include "netpoll/core/foreign_loop.h"
#include "netpoll/core/types.h"
#include "netpoll/examples/loops/job.h"

namespace netpoll::examples {

template <class Poller>
class PollLoop {
 public:
  explicit PollLoop(Poller& poller) : loop_(poller, *this) {}

  // Runs until Stop; by one thread.
  void Run() {
    while (!stopped_) {
      jobs_.RunAll();
      const auto rest = loop_.Prepare();
      if (rest.work) continue;
      // A loop has descriptors of its own beside this one.
      pollfd watched{.fd = loop_.descriptor(), .events = POLLIN, .revents = 0};
      ::poll(&watched, 1, loop_.MillisecondsUntil(rest.until));
      loop_.Return(watched.revents != 0);
      ++wakes_;
    }
  }

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

 private:
  std::atomic<bool> stopped_ = false;
  JobQueue jobs_;
  std::atomic<int> wakes_ = 0;
  ForeignLoop<Poller, PollLoop> loop_;
};

}  // namespace netpoll::examples

#endif  // NETPOLL_EXAMPLES_LOOPS_POLL_LOOP_H_
