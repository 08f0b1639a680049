// SPDX-License-Identifier: Apache-2.0

#include "netpoll/examples/loops/glib_loop.h"

#include "gtest/gtest.h"
#include "netpoll/backends/epoll/epoll_backend.h"
#include "netpoll/backends/io_uring/io_uring_backend.h"
#include "netpoll/examples/loops/traffic.h"

namespace netpoll::examples {
namespace {

TEST(GlibLoopTest, EveryWakeHasItsCauseAndNoneIsLostOnEpoll) {
  TestTraffic<EpollBackend<>, GlibLoop>();
}

TEST(GlibLoopTest, EveryWakeHasItsCauseAndNoneIsLostOnIoUring) {
  TestTraffic<IoUringBackend<>, GlibLoop>();
}

}  // namespace
}  // namespace netpoll::examples
