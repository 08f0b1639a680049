// SPDX-License-Identifier: Apache-2.0
#include "gtest/gtest.h"
#include "netpoll/backends/iocp/iocp_backend.h"
#include "netpoll/backends/iocp/iocp_calls.h"
#include "netpoll/core/poller.h"
namespace netpoll {
struct R {
  int n = 0;
  void Ready(EventKey, Mode, EventFlags) { ++n; }
};
TEST(A, B) {
  IocpBackend<> b;
  ASSERT_EQ(b.Init(), 0);
  b.Break();
  R r;
  b.Poll(Delta::NonBlocking(), r);
  b.Poll(Delta::Forever(), r);
  Poller<IocpBackend<>> p;
}
TEST(ADeathTest, C) { EXPECT_DEATH(StdEnv::Misuse("boo"), "netpoll: boo"); }
}  // namespace netpoll
