// SPDX-License-Identifier: Apache-2.0
//
// What can be adopted and what not: one answer on every backend, with the true
// cause in its sentence.

#include <fcntl.h>
#include <linux/io_uring.h>
#include <pty.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <string>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

class PollableTest : public BackendsTest {
 protected:
  PollableTest() : runtime_({.threads = 1, .backend = backend()}) {}
  void SetUp() override {
    if (!runtime_.status().ok()) GTEST_SKIP() << runtime_.status();
  }

  // Adopts `fd` and closes it. "" or the sentence.
  std::string Adopted(int fd) {
    EXPECT_GE(fd, 0) << errno;
    const auto got = Descriptor::Adopt(runtime_, fd);
    if (got.ok()) return "";
    ::close(fd);
    return std::string(got.status().message());
  }
  void ExpectRefused(int fd, const char* why, const char* name) {
    const std::string sentence = Adopted(fd);
    EXPECT_NE(sentence.find(why), std::string::npos) << sentence;
    EXPECT_NE(sentence.find(name), std::string::npos) << sentence;
  }

  Runtime runtime_;
};
NETPOLL_INSTANTIATE_BACKENDS(PollableTest);

constexpr int kOpen = O_RDWR | O_NONBLOCK | O_CLOEXEC;

TEST_P(PollableTest, WhatHasNoEventsIsRefusedForWhatItIs) {
  ExpectRefused(::open("/dev/null", kOpen), "has no events", "EPERM");
  ExpectRefused(::open("/dev/zero", kOpen), "has no events", "EPERM");
  ExpectRefused(::open("/dev/full", kOpen), "has no events", "EPERM");
  ExpectRefused(::open("/", O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC),
                "a directory", "EPERM");
  ExpectRefused(::open("/proc/self/maps", O_RDONLY | O_NONBLOCK | O_CLOEXEC),
                "a regular file", "EPERM");
  const int memory = ::memfd_create("memory", MFD_CLOEXEC);
  ::fcntl(memory, F_SETFL, O_NONBLOCK);
  ExpectRefused(memory, "a regular file", "EPERM");
  const int tun = ::open("/dev/net/tun", kOpen);
  if (tun >= 0) ExpectRefused(tun, "not set up", "EPERM");
}

TEST_P(PollableTest, WhatIsNoOpenDescriptorIsRefused) {
  for (const int fd : {-1, INT_MIN, INT_MAX, 1 << 20}) {
    const auto got = Descriptor::Adopt(runtime_, fd);
    EXPECT_NE(got.status().message().find("not an open descriptor (EBADF)"),
              std::string::npos)
        << got.status();
  }
  ExpectRefused(::open("/dev/null", O_PATH | O_CLOEXEC), "O_PATH", "EBADF");
}

TEST_P(PollableTest, WhatBlocksIsRefused) {
  ExpectRefused(::eventfd(0, EFD_CLOEXEC), "blocking mode", "EINVAL");
  ExpectRefused(::epoll_create1(EPOLL_CLOEXEC), "blocking mode", "EINVAL");
  ExpectRefused(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
                "blocking mode", "EINVAL");
}

TEST_P(PollableTest, WhateverHasEventsIsTaken) {
  EXPECT_EQ(Adopted(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), "");
  EXPECT_EQ(
      Adopted(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)),
      "");
  sigset_t signals;
  sigemptyset(&signals);
  EXPECT_EQ(Adopted(::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC)), "");
  EXPECT_EQ(Adopted(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)), "");
  const int process =
      static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), O_NONBLOCK));
  if (process >= 0) {
    EXPECT_EQ(Adopted(process), "");
  }
  const int poller = ::epoll_create1(EPOLL_CLOEXEC);
  ::fcntl(poller, F_SETFL, O_NONBLOCK);
  EXPECT_EQ(Adopted(poller), "");
  io_uring_params params{};
  const int ring = static_cast<int>(::syscall(SYS_io_uring_setup, 4, &params));
  if (ring >= 0) {
    ::fcntl(ring, F_SETFL, O_NONBLOCK);
    EXPECT_EQ(Adopted(ring), "");
  }
  int master = -1;
  int slave = -1;
  ASSERT_EQ(::openpty(&master, &slave, nullptr, nullptr, nullptr), 0);
  ::fcntl(slave, F_SETFL, O_NONBLOCK);
  const int again = ::dup(slave);
  EXPECT_EQ(Adopted(slave), "");
  ::close(master);
  ExpectRefused(again, "has hung up", "EPERM");
  EXPECT_EQ(Adopted(::open("/dev/random", O_RDONLY | O_NONBLOCK | O_CLOEXEC)),
            "");
}

TEST_P(PollableTest, AFailureOfTheProbeLeavesNothingBehind) {
  const DescriptorGuard guard;
  ExpectRefused(::open("/dev/null", kOpen), "has no events", "EPERM");
  EXPECT_EQ(Adopted(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), "");
}

TEST_P(PollableTest, WhatIsOpenHereAlreadyIsRefused) {
  const int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  auto first = Descriptor::Adopt(runtime_, fd);
  ASSERT_TRUE(first.ok());
  const auto second = Descriptor::Adopt(runtime_, fd);
  EXPECT_NE(second.status().message().find("open in this runtime already"),
            std::string::npos)
      << second.status();
}

}  // namespace
}  // namespace netpoll
