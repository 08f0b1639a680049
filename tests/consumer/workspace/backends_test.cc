// SPDX-License-Identifier: Apache-2.0
// A runtime author who chooses: one task over each backend of this system.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include "netpoll/backends/backend.h"
#include "netpoll/backends/epoll/epoll_backend.h"
#include "netpoll/backends/io_uring/io_uring_backend.h"
#include "netpoll/backends/poll/poll_backend.h"
#include "netpoll/core/poller.h"

namespace {

// The step that failed, or 0.
template <class Backend>
int WaitForOneByte(const int (&ends)[2]) {
  netpoll::Poller<Backend> poller;
  if (const int error = poller.Init(); error != 0) {
    // Seccomp, or an old kernel: no finding.
    return netpoll::IsUnavailable(error) ? 0 : 1;
  }
  const auto pipe = poller.Open(ends[0]);
  if (pipe.error != 0) return 2;
  netpoll::Waiter task;
  constexpr netpoll::Mode kRead = netpoll::Mode::kRead;
  if (!poller.Park(pipe.desc, kRead, &task).parked()) return 3;
  if (write(ends[1], "x", 1) != 1) return 4;
  netpoll::PollResult result = poller.Poll(netpoll::Delta::Forever());
  if (result.ready.Pop() != &task) return 5;
  poller.AdjustWaiters(result.waiters_delta);
  if (!poller.Resume(pipe.desc, kRead, &task).ready()) return 6;
  result = poller.Unblock(pipe.desc);
  poller.AdjustWaiters(result.waiters_delta);
  if (poller.Close(pipe.desc) != 0) return 7;
  char byte;
  return read(ends[0], &byte, 1) == 1 ? 0 : 8;
}

template <class... Backend>
int OnEach(const int (&ends)[2]) {
  int failed = 0;
  const auto run = [&]<class B>() {
    const int step = WaitForOneByte<B>(ends);
    std::printf("%s: %d\n", B::kName, step);
    failed += step != 0;
  };
  (run.template operator()<Backend>(), ...);
  return failed;
}

}  // namespace

int main() {
  int ends[2];
  if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return 100;
  return OnEach<netpoll::EpollBackend<>, netpoll::IoUringBackend<>,
                netpoll::PollBackend<>>(ends);
}
