// SPDX-License-Identifier: Apache-2.0
//
// Nothing ends up on a number of standard input, output or error, whichever of
// them are free; and nothing is left open when there is no other number.
#include "netpoll/backends/posix/above_stdio.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

#include "gtest/gtest.h"

namespace netpoll {
namespace {

bool IsOpen(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

// Runs `act` in a child in which the numbers of `closed` (bits 0 to 2) are
// free; true if it returned true.
bool WithClosed(unsigned closed, const std::function<bool()>& act) {
  const pid_t child = ::fork();
  if (child == 0) {
    for (int fd = 0; fd <= kLastStdioFd; ++fd) {
      if ((closed >> fd & 1) != 0) ::close(fd);
    }
    // As they were found, so they are left.
    bool right = act();
    for (int fd = 0; fd <= kLastStdioFd; ++fd) {
      right = right && IsOpen(fd) == ((closed >> fd & 1) == 0);
    }
    ::_exit(right ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// No descriptor has a number above 2.
void AllowNoMore() {
  rlimit few{.rlim_cur = 3, .rlim_max = 3};
  ::setrlimit(RLIMIT_NOFILE, &few);
}

int OpenNull() { return ::open("/dev/null", O_RDWR | O_CLOEXEC | O_NONBLOCK); }

TEST(AboveStdio, ADescriptorIsMovedOnce) {
  for (unsigned closed = 0; closed < 8; ++closed) {
    EXPECT_TRUE(WithClosed(closed, [] {
      const int fd = AboveStdio(OpenNull());
      return fd > 2 && (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 &&
             (::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0 && AboveStdio(fd) == fd;
    })) << closed;
  }
}

TEST(AboveStdio, SoAreBothEndsOfAPipe) {
  for (unsigned closed = 0; closed < 8; ++closed) {
    EXPECT_TRUE(WithClosed(closed, [] {
      int ends[2];
      char byte = 0;
      return BothAboveStdio(::pipe2(ends, O_CLOEXEC), ends) == 0 &&
             ends[0] > 2 && ends[1] > 2 && ::write(ends[1], "x", 1) == 1 &&
             ::read(ends[0], &byte, 1) == 1 && byte == 'x' &&
             (::fcntl(ends[0], F_GETFD) & FD_CLOEXEC) != 0 &&
             (::fcntl(ends[1], F_GETFD) & FD_CLOEXEC) != 0;
    })) << closed;
  }
}

TEST(AboveStdio, WhatMustNotBeDuplicatedIsMadeAgain) {
  for (unsigned closed = 0; closed < 8; ++closed) {
    EXPECT_TRUE(WithClosed(closed, [] { return MadeAboveStdio(OpenNull) > 2; }))
        << closed;
  }
}

TEST(AboveStdio, AFailureIsHandedOnWithItsErrno) {
  errno = ENOBUFS;
  EXPECT_EQ(AboveStdio(-1), -1);
  EXPECT_EQ(errno, ENOBUFS);
  int ends[2] = {0, 1};
  EXPECT_EQ(BothAboveStdio(-1, ends), -1);
  EXPECT_EQ(errno, ENOBUFS);
  EXPECT_EQ(MadeAboveStdio([] { return -EMFILE; }), -EMFILE);
}

TEST(AboveStdio, WithANumberForOneEndNeitherIsLeftOpen) {
  EXPECT_TRUE(WithClosed(3, [] {
    for (int fd = kLastStdioFd + 1; fd < 100; ++fd) ::close(fd);
    const rlimit one{.rlim_cur = 4, .rlim_max = 4};
    ::setrlimit(RLIMIT_NOFILE, &one);
    int ends[2];
    return BothAboveStdio(::pipe2(ends, O_CLOEXEC), ends) == -1 &&
           errno == EMFILE && !IsOpen(kLastStdioFd + 1);
  }));
}

TEST(AboveStdio, WithoutANumberAboveNothingIsLeftOpen) {
  for (unsigned closed = 1; closed < 8; ++closed) {
    EXPECT_TRUE(WithClosed(closed, [] {
      AllowNoMore();
      return AboveStdio(OpenNull()) == -1 && errno == EMFILE;
    })) << closed;
    EXPECT_TRUE(WithClosed(closed, [] {
      AllowNoMore();
      const auto make = [] {
        const int fd = OpenNull();
        return fd < 0 ? -errno : fd;
      };
      return MadeAboveStdio(make) == -EMFILE;
    })) << closed;
    EXPECT_TRUE(WithClosed(closed, [] {
      AllowNoMore();
      int ends[2];
      return BothAboveStdio(::pipe2(ends, O_CLOEXEC), ends) == -1 &&
             errno == EMFILE;
    })) << closed;
  }
}

}  // namespace
}  // namespace netpoll
