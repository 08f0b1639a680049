// SPDX-License-Identifier: Apache-2.0
//
// What all the programs do: one task sends numbers through a socket pair whose
// buffer is soon full, another reads them, and then waits for more until its
// deadline. So both wait, often, in both directions.

#ifndef NETPOLL_TESTS_CONSUMER_WORKSPACE_ACCEPTANCE_TALK_H_
#define NETPOLL_TESTS_CONSUMER_WORKSPACE_ACCEPTANCE_TALK_H_

#include <fcntl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "netpoll/backends/epoll/epoll_backend.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/poller.h"

using Poller = netpoll::Poller<netpoll::EpollBackend<>>;
using netpoll::Mode, netpoll::PollError, netpoll::Waiter;

inline void Check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "failed: %s\n", what);
  std::abort();
}

inline std::int64_t Now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
}

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::uint32_t kNumbers = 50'000;

// The two ends of a socket pair, open in a poller.
struct Ends {
  explicit Ends(Poller& in) : poller(in) {
    const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    Check(::socketpair(AF_UNIX, type, 0, fds) == 0, "socketpair");
    const int small = 4096;
    ::setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    for (int i = 0; i < 2; ++i) {
      const Poller::OpenResult opened = poller.Open(fds[i]);
      Check(opened.error == 0, "Open");
      descs[i] = opened.desc;
    }
  }
  // Nobody uses them any more.
  ~Ends() {
    for (int i = 0; i < 2; ++i) {
      const netpoll::PollResult left = poller.Unblock(descs[i]);
      Check(left.ready.empty(), "nobody waits at the end");
      Check(poller.Close(descs[i]) == 0, "Close");
      ::close(fds[i]);
    }
  }

  Poller& poller;
  int fds[2];
  Poller::Desc* descs[2];
};

// One side of it: a task of any kind calls Try until it has ended, and waits
// where that says that it would block.
struct Side {
  Side(Ends& ends, bool sends)
      : fd(ends.fds[sends ? 0 : 1]),
        desc(ends.descs[sends ? 0 : 1]),
        mode(sends ? Mode::kWrite : Mode::kRead) {}

  // False: it would block.
  bool Try() {
    for (;;) {
      if (mode == Mode::kWrite && next == kNumbers) return ended = true;
      const ssize_t moved = mode == Mode::kWrite
                                ? ::send(fd, &next, sizeof(next), MSG_NOSIGNAL)
                                : ::recv(fd, &got, sizeof(got), 0);
      if (moved < 0 && errno == EAGAIN) return false;
      Check(moved == sizeof(next), "a number in one piece");
      if (mode == Mode::kRead) Check(got == next, "the numbers in order");
      ++next;
    }
  }
  // Of a wait that ended. True: try again.
  bool Again(PollError error) {
    if (error == PollError::kNone) return true;
    Check(error == PollError::kTimeout, "only the deadline ends the reader");
    Check(mode == Mode::kRead && next == kNumbers, "it has read all of them");
    ended = true;
    return false;
  }

  const int fd;
  Poller::Desc* const desc;
  const Mode mode;
  std::uint32_t next = 0;
  std::uint32_t got = 0;
  bool ended = false;
};

#endif  // NETPOLL_TESTS_CONSUMER_WORKSPACE_ACCEPTANCE_TALK_H_
