// SPDX-License-Identifier: Apache-2.0
//
// io_uring in completion mode: who connects, and who is connected to, waits in
// the ring, and what ends such a wait ends it once.

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "netpoll/core/deadline.h"
#include "netpoll/runtime/connect.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/ring_test_support.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

Listener ListenOn(Runtime& runtime, const std::string& address,
                  const ListenOptions& options = {}) {
  auto listener =
      Listener::Listen(runtime, *SocketAddress::Parse(address), options);
  EXPECT_TRUE(listener.ok()) << listener.status();
  return *std::move(listener);
}

Task<AcceptResult> AcceptOne(Listener& listener) {
  co_return co_await listener.Accept();
}

TEST_F(RingTest, BothEndsOfAConnectionAreMovedByTheRingAlone) {
  RunInRing([](Runtime& runtime) -> Task<> {
    Listener listener = ListenOn(runtime, "127.0.0.1:0");
    JoinHandle<AcceptResult> accept = runtime.Spawn(AcceptOne(listener));
    co_await Settle(runtime, 1);
    auto client = co_await Socket::Connect(runtime, listener.address());
    EXPECT_TRUE(client.ok()) << client.status();
    AcceptResult accepted = co_await std::move(accept);
    EXPECT_TRUE(accepted.ok()) << accepted.status.ToString();
    EXPECT_EQ(accepted.peer, *client->LocalAddress());
    std::string buffer(8, ' ');
    JoinHandle<IoResult> reader = runtime.Spawn(ReadInto(*client, buffer));
    co_await Settle(runtime, 1);
    EXPECT_TRUE((co_await accepted.socket.Write("abc")).ok());
    EXPECT_EQ((co_await std::move(reader)).bytes, 3u);
    EXPECT_TRUE(OnlyByRing(listener));
    EXPECT_TRUE(OnlyByRing(*client));
    EXPECT_TRUE(OnlyByRing(accepted.socket));
  });
}

TEST_F(RingTest, ManyThatConnectAtOnceAreAllAccepted) {
  RunInRing([](Runtime& runtime) -> Task<> {
    constexpr int kMany = 300;
    Listener listener = ListenOn(runtime, "127.0.0.1:0", {.backlog = kMany});
    std::vector<JoinHandle<absl::StatusOr<Socket>>> clients;
    for (int i = 0; i < kMany; ++i) {
      clients.push_back(
          runtime.Spawn(Socket::Connect(runtime, listener.address())));
    }
    for (int i = 0; i < kMany; ++i) {
      const AcceptResult accepted = co_await listener.Accept();
      EXPECT_TRUE(accepted.ok()) << accepted.status.ToString();
    }
    for (auto& client : clients) {
      const auto connected = co_await std::move(client);
      EXPECT_TRUE(connected.ok()) << connected.status();
    }
    EXPECT_TRUE(OnlyByRing(listener));
  });
}

TEST_F(RingTest, AnAcceptIsEndedByADeadlineAndByAClose) {
  RunInRing([](Runtime& runtime) -> Task<> {
    Listener listener = ListenOn(runtime, "127.0.0.1:0");
    listener.SetReadDeadline(runtime.After(1ms));
    const AcceptResult none = co_await listener.Accept();
    EXPECT_TRUE(none.status.timeout()) << none.status.ToString();
    listener.SetReadDeadline(Deadline::None());
    JoinHandle<AcceptResult> accept = runtime.Spawn(AcceptOne(listener));
    co_await Settle(runtime, 1);
    EXPECT_TRUE((co_await listener.Close()).ok());
    EXPECT_TRUE(accept.ended());
    EXPECT_TRUE((co_await std::move(accept)).status.closing());
  });
}

// The guard of the fixture counts descriptors: none is left behind.
TEST_F(RingTest, AConnectionThatCameBeforeTheDeadlineWins) {
  RunInRing([](Runtime& runtime) -> Task<> {
    Listener listener = ListenOn(runtime, "127.0.0.1:0");
    const SocketAddress address = listener.address();
    for (int i = 0; i < 50; ++i) {
      JoinHandle<AcceptResult> accept = runtime.Spawn(AcceptOne(listener));
      co_await Settle(runtime, 1);
      const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      EXPECT_EQ(::connect(fd, address.data(), address.size()), 0);
      listener.SetReadDeadline(Deadline::Past());
      const AcceptResult accepted = co_await std::move(accept);
      EXPECT_TRUE(accepted.ok()) << accepted.status.ToString();
      listener.SetReadDeadline(Deadline::None());
      ::close(fd);
    }
  });
}

// To a listener that accepts nobody, and has no room.
TEST_F(RingTest, AConnectIsEndedByItsDeadlineAndByItsCanceller) {
  RunInRing([](Runtime& runtime) -> Task<> {
    Listener listener = ListenOn(runtime, "127.0.0.1:0", {.backlog = 0});
    std::vector<Socket> there;
    absl::StatusOr<Socket> last;
    do {
      last = co_await Socket::Connect(runtime, listener.address(),
                                      {.deadline = runtime.After(20ms)});
      if (last.ok()) there.push_back(*std::move(last));
    } while (there.size() < 8 && last.ok());
    EXPECT_TRUE(absl::IsDeadlineExceeded(last.status())) << last.status();
    ConnectCanceller canceller;
    auto connect = runtime.Spawn(
        Socket::Connect(runtime, listener.address(), {.cancel = &canceller}));
    co_await Settle(runtime, 1);
    canceller.Cancel();
    const auto cancelled = co_await std::move(connect);
    EXPECT_TRUE(absl::IsCancelled(cancelled.status())) << cancelled.status();
  });
}

TEST_F(RingTest, AConnectTellsWhyItWasRefused) {
  RunInRing([](Runtime& runtime) -> Task<> {
    Listener listener = ListenOn(runtime, "127.0.0.1:0");
    const SocketAddress address = listener.address();
    EXPECT_TRUE((co_await listener.Close()).ok());
    const auto refused = co_await Socket::Connect(runtime, address);
    EXPECT_NE(refused.status().ToString().find("ECONNREFUSED"),
              std::string::npos)
        << refused.status();
  });
}

}  // namespace
}  // namespace netpoll
