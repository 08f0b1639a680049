// SPDX-License-Identifier: Apache-2.0
//
// Init comes first, and once: on every backend whoever forgets that is told so
// in one sentence.

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "gtest/gtest.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/host_poller.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

constexpr char kUnused[] =
    "^netpoll: a Poller was used before its Init had succeeded\n$";

class PollerUseDeathTest : public BackendsTest {};
NETPOLL_INSTANTIATE_BACKENDS(PollerUseDeathTest);

TEST_P(PollerUseDeathTest, NothingIsOpenedBeforeInit) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                         ends),
            0);
  EXPECT_DEATH(
      {
        HostPoller poller(backend());
        static_cast<void>(poller.Open(ends[0]));
      },
      kUnused);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_P(PollerUseDeathTest, NobodyPollsBeforeInit) {
  EXPECT_DEATH(
      {
        HostPoller poller(backend());
        static_cast<void>(poller.Poll(Delta::NonBlocking()));
      },
      kUnused);
  EXPECT_DEATH(
      {
        HostPoller poller(backend());
        static_cast<void>(poller.Poll(Delta::Forever()));
      },
      kUnused);
}

TEST_P(PollerUseDeathTest, NobodyBreaksBeforeInit) {
  EXPECT_DEATH(HostPoller(backend()).Break(), kUnused);
}

TEST_P(PollerUseDeathTest, AnInitThatFailedIsNone) {
  EXPECT_DEATH(
      {
        HostPoller poller(backend());
        rlimit none{};
        ::getrlimit(RLIMIT_NOFILE, &none);
        none.rlim_cur = 0;
        ::setrlimit(RLIMIT_NOFILE, &none);
        if (poller.Init() == EMFILE) poller.Break();
      },
      kUnused);
}

// The second would make everything anew, and what there was would leak.
TEST_P(PollerUseDeathTest, InitIsCalledOnce) {
  EXPECT_DEATH(
      {
        HostPoller poller(backend());
        if (poller.Init() == 0) static_cast<void>(poller.Init());
      },
      "^netpoll: Init was called twice on a Poller\n$");
}

TEST_P(PollerUseDeathTest, OneThatWasNeverUsedMayGo) {
  const DescriptorGuard guard;
  { const HostPoller poller(backend()); }
  {
    HostPoller poller(backend());
    EXPECT_EQ(poller.Init(), 0);
  }
}

}  // namespace
}  // namespace netpoll
