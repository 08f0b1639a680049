// SPDX-License-Identifier: Apache-2.0
//
// The floor of what involves the system: the calls that the others are made of,
// and a ping-pong over a Unix socket pair by a raw epoll loop.

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>

#include "benchmark/benchmark.h"
#include "netpoll/backends/epoll/epoll_backend.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/poller.h"

namespace netpoll::bench {
namespace {

using EpollPoller = Poller<EpollBackend<>>;

void PollNothing(benchmark::State& state) {
  EpollPoller poller;
  if (poller.Init() != 0) return state.SkipWithError("no epoll here");
  for (auto _ : state) {
    benchmark::DoNotOptimize(poller.Poll(Delta::NonBlocking()));
  }
}
BENCHMARK(PollNothing);

// A break, and the blocking poll that it ends.
void BreakAndPoll(benchmark::State& state) {
  EpollPoller poller;
  if (poller.Init() != 0) return state.SkipWithError("no epoll here");
  for (auto _ : state) {
    poller.Break();
    benchmark::DoNotOptimize(poller.Poll(Delta::Forever()));
  }
}
BENCHMARK(BreakAndPoll);

void BreakCoalesced(benchmark::State& state) {
  EpollPoller poller;
  if (poller.Init() != 0) return state.SkipWithError("no epoll here");
  poller.Break();
  for (auto _ : state) poller.Break();
}
BENCHMARK(BreakCoalesced);

// One hop: write at one end, wait, read at the other, once or until EAGAIN.
void RawHop(benchmark::State& state, bool until_eagain) {
  int ends[2];
  ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends);
  const int epoll = ::epoll_create1(0);
  for (const int fd : ends) {
    epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.fd = fd}};
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  }
  char message[64] = "";
  int from = 0;
  for (auto _ : state) {
    bool failed = ::write(ends[from], message, sizeof(message)) < 0;
    epoll_event event{};
    failed |= ::epoll_wait(epoll, &event, 1, -1) != 1;
    failed |= ::read(event.data.fd, message, sizeof(message)) < 0;
    while (until_eagain &&
           ::read(event.data.fd, message, sizeof(message)) > 0) {
    }
    if (failed) {
      state.SkipWithError("a system call failed");
      break;
    }
    from ^= 1;
  }
  ::close(epoll);
  for (const int fd : ends) ::close(fd);
}
BENCHMARK_CAPTURE(RawHop, once, false);
BENCHMARK_CAPTURE(RawHop, eagain, true);

}  // namespace
}  // namespace netpoll::bench
