// SPDX-License-Identifier: Apache-2.0
//
// The descriptor that is lent to the fake is readable when its kernel says so.

#include "netpoll/backends/fake/fake_poll_fd.h"

#include <poll.h>

#include "gtest/gtest.h"
#include "netpoll/backends/fake/fake_backend.h"
#include "netpoll/backends/fake/fake_kernel.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"

namespace netpoll {
namespace {

struct Nobody {
  void Ready(EventKey, Mode, EventFlags) {}
};

bool Readable(Fd fd) {
  pollfd watched{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&watched, 1, 0) == 1;
}

TEST(FakePollFdTest, IsReadableFromABreakUntilItIsTaken) {
  FakeKernel<> kernel;
  FakePollFd lent(kernel);
  FakeBackend<> backend(kernel);
  ASSERT_EQ(backend.Init(), 0);
  Nobody nobody;
  ASSERT_GE(backend.PollFd(), 0);
  EXPECT_FALSE(Readable(backend.PollFd()));
  backend.Break();
  EXPECT_TRUE(Readable(backend.PollFd()));
  backend.Poll(Delta::NonBlocking(), nobody);
  EXPECT_TRUE(Readable(backend.PollFd())) << "it is a blocking poll's to take";
  backend.Poll(Delta::Waited(), nobody);
  EXPECT_FALSE(Readable(backend.PollFd()));
}

TEST(FakePollFdTest, IsNobodysWhenItHasGone) {
  FakeKernel<> kernel;
  FakeBackend<> backend(kernel);
  ASSERT_EQ(backend.Init(), 0);
  { FakePollFd lent(kernel); }
  EXPECT_EQ(backend.PollFd(), -1);
  backend.Break();  // Tells nobody.
  EXPECT_TRUE(kernel.readable());
}

}  // namespace
}  // namespace netpoll
