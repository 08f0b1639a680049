// SPDX-License-Identifier: Apache-2.0
//
// What an idle connection of the echo server costs: every byte that is
// allocated for it, apart from its buffer.

#include <malloc.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/test_support.h"
#include "netpoll/tests/integration/echo_client.h"
#include "netpoll/tools/server/echo_session.h"
#include "netpoll/tools/server/server.h"

namespace netpoll::server {
namespace {

std::size_t Allocated() {
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

TEST(EchoMemory, AnIdleConnectionCostsLittleBesidesItsBuffer) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the allocator is the sanitizer's";
#endif
  // The poller makes room for 64 descriptors, 192, 448 and so on. With the
  // listener each count is just below such a step: else what is measured would
  // be the room for others.
  constexpr int kWarmUp = 62;
  constexpr int kConnections = 384;
  // Taken apart in connection_bytes_test.cc.
  constexpr std::size_t kMost = 784;
  // What a backend may keep of a descriptor; epoll's kernel keeps it all.
  constexpr std::size_t kRegistration = 96;
  Runtime runtime;
  ASSERT_TRUE(runtime.status().ok()) << runtime.status();
  if (OverShim(runtime)) {
    GTEST_SKIP() << "the shim of " << runtime.backend() << " keeps more";
  }
  const bool keeps = std::string_view(runtime.backend()) != "epoll";
  absl::StatusOr<SocketAddress> address = SocketAddress::Parse("127.0.0.1:0");
  ASSERT_TRUE(address.ok());
  absl::StatusOr<Listener> listener = Listener::Listen(runtime, *address);
  ASSERT_TRUE(listener.ok());
  Server server(runtime, *std::move(listener), EchoSession, {});
  server.Start();
  std::size_t before = 0;
  std::size_t after = 0;
  std::thread clients([&] {
    std::vector<int> fds;
    fds.reserve(kWarmUp + kConnections);
    for (int i = 0; i < kWarmUp; ++i)
      fds.push_back(EchoClient(server.address()));
    before = Allocated();
    for (int i = 0; i < kConnections; ++i) {
      fds.push_back(EchoClient(server.address()));
    }
    after = Allocated();
    for (const int fd : fds) ::close(fd);
    server.Drain();
  });
  EXPECT_TRUE(runtime.Run().ok());
  clients.join();
  const std::size_t each = (after - before) / kConnections;
  RecordProperty("bytes", static_cast<int>(each - kEchoBuffer));
  EXPECT_GT(each, kEchoBuffer);
  EXPECT_LE(each, kEchoBuffer + kMost + (keeps ? kRegistration : 0));
  std::printf("%zu bytes for each connection besides its buffer\n",
              each - kEchoBuffer);
}

}  // namespace
}  // namespace netpoll::server
