// SPDX-License-Identifier: Apache-2.0
//
// The poller inside a bare loop around poll(2), on one thread.

#ifndef NETPOLL_EXAMPLES_LOOPS_POLL_LOOP_H_
#define NETPOLL_EXAMPLES_LOOPS_POLL_LOOP_H_

#include <poll.h>

#include <cstdint>

#include "netpoll/core/types.h"
#include "netpoll/examples/loops/job.h"

namespace netpoll::examples {

template <class Poller>
class PollLoop : public JobLoop<Poller> {
 public:
  explicit PollLoop(Poller& poller) : JobLoop<Poller>(poller) {}

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

 private:
  using JobLoop<Poller>::jobs_;
  using JobLoop<Poller>::loop_;
  using JobLoop<Poller>::stopped_;
  using JobLoop<Poller>::wakes_;
};

}  // namespace netpoll::examples

#endif  // NETPOLL_EXAMPLES_LOOPS_POLL_LOOP_H_
