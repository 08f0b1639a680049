// SPDX-License-Identifier: Apache-2.0
// The smallest scheduler: one task, parked until a pipe has something to read.
#include "netpoll/core/poller.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include "netpoll/backends/epoll/epoll_backend.h"

namespace {

using Poller = netpoll::Poller<netpoll::EpollBackend<>>;

int Fail(const char* what) {
  std::fprintf(stderr, "%s\n", what);
  return 1;
}

}  // namespace

int main() {
  int ends[2];
  if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return Fail("no pipe");
  Poller poller;
  if (poller.Init() != 0) return Fail("no poller");
  const Poller::OpenResult opened = poller.Open(ends[0]);
  if (opened.error != 0) return Fail("not opened");

  constexpr netpoll::Mode kRead = netpoll::Mode::kRead;
  netpoll::Waiter task;
  if (poller.Reset(opened.desc, kRead) != netpoll::PollError::kNone) {
    return Fail("not reset");
  }
  if (!poller.Park(opened.desc, kRead, &task).parked()) {
    return Fail("not parked");
  }
  if (write(ends[1], "x", 1) != 1) return Fail("not written");
  netpoll::PollResult result = poller.Poll(netpoll::Delta::Forever());
  if (result.ready.Pop() != &task) return Fail("not woken");
  poller.AdjustWaiters(result.waiters_delta);
  if (!poller.Resume(opened.desc, kRead, &task).ready()) {
    return Fail("not ready");
  }

  result = poller.Unblock(opened.desc);
  poller.AdjustWaiters(result.waiters_delta);
  if (poller.Close(opened.desc) != 0) return Fail("not closed");
  close(ends[0]);
  close(ends[1]);
  return 0;
}
