// SPDX-License-Identifier: Apache-2.0
//
// What the runtime refuses, and that it says why.

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/host/host_backends.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

class RefusalTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(RefusalTest);

// Rows S11 and S13: nothing is taken for pollable that is not.
TEST_P(RefusalTest, WhatCannotBePolledIsRefusedWithAClearError) {
  Runtime runtime({.threads = threads()});
  auto refused = [&runtime](int fd) {
    auto adopted = Descriptor::Adopt(runtime, fd);
    EXPECT_FALSE(adopted.ok());
    return std::string(adopted.status().message());
  };
  int fds[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  EXPECT_NE(refused(fds[0]).find("blocking mode"), std::string::npos);
  ::close(fds[0]);
  EXPECT_NE(refused(fds[0]).find("not an open descriptor"), std::string::npos);
  ::close(fds[1]);
  const int file = ::open("/proc/self/exe", O_RDONLY | O_NONBLOCK);
  EXPECT_NE(refused(file).find("regular file"), std::string::npos);
  ::close(file);
  EXPECT_NE(refused(-1).find("not an open descriptor"), std::string::npos);
}

// What the descriptor is explains no other error.
TEST_P(RefusalTest, AnErrorThatIsNotTheDescriptorsIsToldAlone) {
  Runtime runtime({.threads = threads()});
  const int file = ::open("/proc/self/exe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  const std::string told(OpenError(runtime, file, ENOMEM).message());
  EXPECT_NE(told.find("ENOMEM"), std::string::npos) << told;
  EXPECT_EQ(told.find("regular file"), std::string::npos) << told;
  ::close(file);
}

TEST_P(RefusalTest, ARuntimeWithoutAPollerSaysWhy) {
  auto argument = std::make_shared<int>(0);
  {
    Runtime runtime({.threads = threads(), .backend = "nonsense"});
    EXPECT_EQ(runtime.status().message().find(
                  "there is no backend \"nonsense\", but epoll, "),
              0u)
        << runtime.status();
    auto never = [](std::shared_ptr<int>) -> Task<> {
      ADD_FAILURE() << "it ran";
      co_return;
    };
    JoinHandle<void> handle = runtime.Spawn(never(argument));
    runtime.Spawn(never(argument));
    EXPECT_EQ(runtime.Run(), runtime.status());
    EXPECT_EQ(Listener::Listen(runtime, *SocketAddress::Parse("127.0.0.1:0"))
                  .status(),
              runtime.status());
    EXPECT_EQ(Descriptor::Pipe(runtime).status(), runtime.status());
    runtime.Stop();
  }
  EXPECT_EQ(argument.use_count(), 1);
}

TEST_P(RefusalTest, ThePollersOwnDescriptorsAreRefused) {
  Runtime runtime({.threads = threads()});
  constexpr int kMost = 1024;
  std::vector<int> own;
  for (int fd = 0; fd < kMost; ++fd) {
    if (internal::SchedulerOf(runtime).poller().IsPollDescriptor(fd))
      own.push_back(fd);
  }
  EXPECT_FALSE(own.empty());
  for (const int fd : own) {
    const std::string why(Descriptor::Adopt(runtime, fd).status().message());
    EXPECT_NE(why.find("the poller's own"), std::string::npos) << why;
  }
  const int poll_fd = internal::SchedulerOf(runtime).poller().PollFd();
  HostBackends::Visit(runtime.backend(), [&]<class Backend>() {
    const auto found = std::find(own.begin(), own.end(), poll_fd);
    EXPECT_EQ(found != own.end(), Backend::kTraits.has_poll_fd) << poll_fd;
  });
}

}  // namespace
}  // namespace netpoll
