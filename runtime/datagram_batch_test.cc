// SPDX-License-Identifier: Apache-2.0
//
// Batches of datagrams, and multicast.

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/socket_test_support.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

class DatagramBatchTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(DatagramBatchTest);

// Places with a buffer each.
struct Places {
  explicit Places(std::size_t count, std::size_t size = 16)
      : bytes(count * size), batch(count) {
    for (std::size_t i = 0; i < count; ++i) {
      batch[i].buffer = {&bytes[i * size], size};
    }
  }
  std::string_view Text(std::size_t i) const {
    return {batch[i].buffer.data(), batch[i].bytes};
  }
  std::vector<char> bytes;
  std::vector<IncomingDatagram> batch;
};

TEST_P(DatagramBatchTest, ManyAreMovedInOrderByFewCalls) {
  static int calls;
  calls = 0;
  const internal::SysOverride restore;
  internal::sys.recvmmsg = [](int fd, mmsghdr* messages, unsigned count,
                              int flags) {
    ++calls;
    return ::recvmmsg(fd, messages, count, flags, nullptr);
  };
  for (const char* any : {"127.0.0.1:0", "[::1]:0", "unix:(unnamed)"}) {
    SCOPED_TRACE(any);
    RunTest(threads(), [any](Runtime& runtime) -> Task<> {
      constexpr std::size_t kCount = 100;
      auto server = DatagramSocket::Bind(runtime, Parse(any));
      auto client = DatagramSocket::Bind(runtime, Parse(any));
      std::vector<std::string> texts;
      for (std::size_t i = 0; i < kCount; ++i) {
        texts.push_back(std::to_string(i));
      }
      std::vector<OutgoingDatagram> all;
      for (const std::string& text : texts) {
        all.push_back({text, server->address()});
      }
      // A Unix socket's queue is short: the sender waits.
      auto send = [&]() -> Task<> {
        const BatchResult sent = co_await client->SendBatch(all);
        EXPECT_EQ(sent.count, kCount) << sent.status.ToString();
      };
      JoinHandle<void> sender = runtime.Spawn(send());
      // Others' hold all: they are there when somebody looks, however fast.
      const bool holds_all = !server->address().is_unix();
      if (holds_all) co_await std::move(sender);
      Places places(kCount);
      calls = 0;
      std::size_t got = 0;
      while (got < kCount) {
        const BatchResult some = co_await server->ReceiveBatch(places.batch);
        EXPECT_TRUE(some.ok()) << some.status.ToString();
        EXPECT_GE(some.count, 1u);
        for (std::size_t i = 0; i < some.count; ++i) {
          EXPECT_EQ(places.Text(i), texts[got++]);
          EXPECT_EQ(places.batch[i].from, client->address());
          EXPECT_FALSE(places.batch[i].truncated);
        }
      }
      if (holds_all) {
        EXPECT_LE(calls, 5);
      } else {
        co_await std::move(sender);
      }
    });
  }
}

TEST_P(DatagramBatchTest, WhatFailsSaysHowManyWereSent) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto server = DatagramSocket::Bind(runtime, Loopback());
    auto client = DatagramSocket::Bind(runtime, Loopback());
    const std::string big(70'000, 'x');
    const SocketAddress& to = server->address();
    const std::array<OutgoingDatagram, 3> batch{
        {{"one", to}, {"a longer text", to}, {big, to}}};
    const BatchResult sent = co_await client->SendBatch(batch);
    EXPECT_EQ(sent.count, 2u);
    EXPECT_EQ(sent.status.error_number(), EMSGSIZE);
    Places places(3, 4);
    const BatchResult got = co_await server->ReceiveBatch(places.batch);
    EXPECT_EQ(got.count, 2u);
    EXPECT_EQ(places.Text(0), "one");
    EXPECT_EQ(places.Text(1), "a lo");
    EXPECT_TRUE(places.batch[1].truncated);
    EXPECT_TRUE((co_await server->ReceiveBatch({})).ok());
    EXPECT_TRUE((co_await client->SendBatch({})).ok());
    server->SetReadDeadline(Deadline::Past());
    EXPECT_TRUE((co_await server->ReceiveBatch(places.batch)).status.timeout());
  });
}

TEST_P(DatagramBatchTest, AConnectedSocketNeedsNoAddress) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto server = DatagramSocket::Bind(runtime, Loopback());
    auto client = DatagramSocket::Connect(runtime, server->address());
    const std::array<OutgoingDatagram, 2> batch{{{"a", {}}, {"", {}}}};
    EXPECT_EQ((co_await client->SendBatch(batch)).count, 2u);
    Places places(4);
    std::size_t got = 0;
    while (got < 2) got += (co_await server->ReceiveBatch(places.batch)).count;
    EXPECT_EQ(places.batch[0].from, client->address());
  });
}

int Get(const Descriptor& socket, int option) {
  int value = -1;
  socklen_t size = sizeof(value);
  EXPECT_EQ(::getsockopt(socket.fd(), IPPROTO_IP, option, &value, &size), 0);
  return value;
}

TEST(Multicast, MembersHearWhatIsSentToTheGroupUntilTheyLeave) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    BindOptions share;
    share.reuse_address = true;
    auto one = DatagramSocket::Bind(runtime, Parse("0.0.0.0:0"), share);
    auto two = DatagramSocket::Bind(runtime, one->address(), share);
    const SocketAddress group =
        Parse("239.7.7.7:0").WithPort(one->address().port());
    EXPECT_TRUE(one->JoinGroup(group, 1).ok()) << one->JoinGroup(group, 1);
    EXPECT_TRUE(two->JoinGroup(group, 1).ok());
    ExpectSays(two->JoinGroup(group, 1),
               "join " + group.ToString() + ": EADDRINUSE");
    auto sender = DatagramSocket::Bind(runtime, Loopback());
    const absl::Status set = sender->SetMulticast({.interface = 1});
    EXPECT_TRUE(set.ok()) << set;
    std::array<char, 8> buffer;
    const IoResult put = co_await sender->SendTo("all", group);
    EXPECT_TRUE(put.ok()) << put.status.ToString();
    EXPECT_EQ((co_await one->ReceiveFrom(buffer)).from, sender->address());
    EXPECT_EQ((co_await two->ReceiveFrom(buffer)).from, sender->address());

    EXPECT_TRUE(two->LeaveGroup(group, 1).ok());
    ExpectSays(two->LeaveGroup(group, 1),
               "leave " + group.ToString() + ": EADDRNOTAVAIL");
    EXPECT_TRUE((co_await sender->SendTo("one", group)).ok());
    EXPECT_TRUE((co_await one->ReceiveFrom(buffer)).ok());
    two->SetReadDeadline(Deadline::Past());
    EXPECT_TRUE((co_await two->ReceiveFrom(buffer)).status.timeout());

    // (The loopback itself brings back what is sent without a loop.)
    EXPECT_TRUE(sender->SetMulticast({.hops = 3, .loop = false}).ok());
    EXPECT_EQ(Get(*sender, IP_MULTICAST_TTL), 3);
    EXPECT_EQ(Get(*sender, IP_MULTICAST_LOOP), 0);
  });
}

TEST(Multicast, OfIpv6AndWhatIsNoGroup) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    auto six = DatagramSocket::Bind(runtime, Parse("[::]:0"));
    const SocketAddress group =
        Parse("[ff01::7777]:0").WithPort(six->address().port());
    EXPECT_TRUE(six->JoinGroup(group, 1).ok()) << six->JoinGroup(group, 1);
    auto sender = DatagramSocket::Bind(runtime, Parse("[::1]:0"));
    EXPECT_TRUE(sender->SetMulticast({.hops = 0, .interface = 1}).ok());
    std::array<char, 8> buffer;
    const IoResult put = co_await sender->SendTo("six", group);
    if (put.ok()) {
      EXPECT_EQ((co_await six->ReceiveFrom(buffer)).bytes, 3u);
    } else {  // A loopback without a route for groups.
      EXPECT_EQ(put.status.error_number(), ENETUNREACH);
    }

    ExpectSays(six->JoinGroup(Parse("[::1]:1")), "join [::1]:1: EINVAL");
    ExpectSays(six->SetMulticast({.hops = 256}),
               "multicast can't be set so: EINVAL");
    co_await six->Close();
    EXPECT_EQ(six->JoinGroup(group).code(), absl::StatusCode::kCancelled);
  });
}

}  // namespace
}  // namespace netpoll
