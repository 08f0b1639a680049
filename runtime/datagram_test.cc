// SPDX-License-Identifier: Apache-2.0
//
// Datagram sockets: whom they send to and hear from, how they are made, and
// what they refuse. What a datagram is: message_test.cc.

#include "netpoll/runtime/datagram.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
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

class DatagramTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(DatagramTest);

int Raw(int family, int type) {
  return ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

TEST_P(DatagramTest, AConnectedOneSendsToItsPeerAndHearsItAlone) {
  for (const char* any : {"127.0.0.1:0", "[::1]:0", "unix:(unnamed)"}) {
    SCOPED_TRACE(any);
    RunTest(threads(), [any](Runtime& runtime) -> Task<> {
      auto server = DatagramSocket::Bind(runtime, Parse(any));
      auto stranger = DatagramSocket::Bind(runtime, Parse(any));
      // A Unix socket needs a name to be answered, others have one.
      const SocketAddress local =
          server->address().is_unix() ? Parse(any) : SocketAddress();
      auto client = DatagramSocket::Connect(runtime, server->address(), local);
      EXPECT_TRUE(client.ok()) << client.status();
      EXPECT_TRUE((co_await client->Write("one")).ok());
      std::array<char, 8> buffer;
      DatagramResult got = co_await server->ReceiveFrom(buffer);
      EXPECT_EQ(got.from, client->address());
      const IoResult strange =
          co_await stranger->SendTo("no", client->address());
      EXPECT_TRUE(strange.ok() || strange.status.error_number() == EPERM)
          << strange.status.ToString();
      EXPECT_TRUE((co_await server->SendTo("yes", got.from)).ok());
      got = co_await client->ReceiveFrom(buffer);
      EXPECT_EQ(std::string_view(buffer.data(), got.bytes), "yes");
      EXPECT_EQ(got.from, server->address());
    });
  }
}

TEST_P(DatagramTest, AnUnnamedSenderIsUnnamed) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto server = DatagramSocket::Bind(runtime, Parse("unix:(unnamed)"));
    auto client = DatagramSocket::Connect(runtime, server->address());
    EXPECT_TRUE(client->address().is_unnamed());
    EXPECT_TRUE((co_await client->Write("who")).ok());
    std::array<char, 8> buffer;
    const DatagramResult got = co_await server->ReceiveFrom(buffer);
    EXPECT_TRUE(got.from.is_unnamed());
    EXPECT_EQ(Parse(got.from.ToString()), got.from);
  });
}

// POSIX: a pending error is told once, by one call.
TEST_P(DatagramTest, ARefusalIsToldOnceAndTheSocketStaysGood) {
  for (const char* any : {"127.0.0.1:0", "[::1]:0"}) {
    RunTest(threads(), [any](Runtime& runtime) -> Task<> {
      auto server = DatagramSocket::Bind(runtime, Parse(any));
      const SocketAddress address = server->address();
      co_await server->Close();
      auto client = DatagramSocket::Connect(runtime, address);
      EXPECT_TRUE((co_await client->Write("anybody")).ok());
      std::array<char, 8> buffer;
      const IoResult refused = co_await client->Read(buffer);
      EXPECT_EQ(refused.status.error_number(), ECONNREFUSED);
      server = DatagramSocket::Bind(runtime, address);
      EXPECT_TRUE(server.ok()) << server.status();
      EXPECT_TRUE((co_await client->Write("again")).ok());
      const DatagramResult got = co_await server->ReceiveFrom(buffer);
      EXPECT_EQ(got.bytes, 5u);
      EXPECT_TRUE((co_await server->SendTo("back", got.from)).ok());
      EXPECT_EQ((co_await client->Read(buffer)).bytes, 4u);
    });
  }
}

TEST_P(DatagramTest, NobodyAtAUnixNameIsAnError) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto server = DatagramSocket::Bind(runtime, Parse("unix:(unnamed)"));
    const SocketAddress address = server->address();
    auto early = DatagramSocket::Connect(runtime, address);
    co_await server->Close();
    EXPECT_FALSE((co_await early->Write("x")).ok());
    auto late = DatagramSocket::Connect(runtime, address);
    ExpectSays(late.status(),
               "connect to " + address.ToString() + ": ECONNREFUSED");
    auto any = DatagramSocket::Bind(runtime, Parse("unix:(unnamed)"));
    const IoResult put = co_await any->SendTo("x", address);
    EXPECT_EQ(put.status.error_number(), ECONNREFUSED);
    const IoResult missing = co_await any->SendTo("x", Parse("unix:/no/file"));
    EXPECT_EQ(missing.status.error_number(), ENOENT);
  });
}

TEST_P(DatagramTest, SendingToNobodyIsAnError) {
  for (const char* any : {"127.0.0.1:0", "[::1]:0", "unix:(unnamed)"}) {
    RunTest(threads(), [any](Runtime& runtime) -> Task<> {
      auto socket = DatagramSocket::Bind(runtime, Parse(any));
      for (const bool plain : {false, true}) {
        const IoResult put = plain ? co_await socket->Write("x")
                                   : co_await socket->SendTo("x", {});
        EXPECT_TRUE(put.status.error_number() == EDESTADDRREQ ||
                    put.status.error_number() == ENOTCONN)
            << put.status.ToString();
      }
    });
  }
}

TEST_P(DatagramTest, AReceiverHasADeadlineAndIsClosed) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto socket = DatagramSocket::Bind(runtime, Parse("127.0.0.1:0"));
    std::array<char, 8> buffer;
    socket->SetReadDeadline(runtime.After(1ms));
    EXPECT_TRUE((co_await socket->ReceiveFrom(buffer)).status.timeout());
    socket->SetReadDeadline(Deadline::None());
    auto receive = [&]() -> Task<> {
      EXPECT_TRUE((co_await socket->ReceiveFrom(buffer)).status.closing());
    };
    JoinHandle<void> receiver = runtime.Spawn(receive());
    co_await runtime.Yield();
    co_await socket->Close();
    co_await std::move(receiver);
    EXPECT_TRUE(
        (co_await socket->SendTo("x", socket->address())).status.closing());
  });
}

TEST(DatagramErrors, NameTheAddress) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    auto taken = DatagramSocket::Bind(runtime, Parse("127.0.0.1:0"));
    auto again = DatagramSocket::Bind(runtime, taken->address());
    ExpectSays(again.status(),
               "bind to " + taken->address().ToString() + ": EADDRINUSE");
    auto elsewhere =
        DatagramSocket::Connect(runtime, taken->address(), taken->address());
    EXPECT_EQ(elsewhere.status().message(), again.status().message());
    ExpectSays(DatagramSocket::Bind(runtime, {}).status(),
               "bind to the empty address: EAFNOSUPPORT");
    ExpectSays(DatagramSocket::Connect(runtime, {}).status(),
               "connect to the empty address: EAFNOSUPPORT");
    co_return;
  });
}

TEST(DatagramErrors, NothingIsLeftOfAFailedConnect) {
  const internal::SysOverride restore;
  static int open = 0;
  internal::sys.socket = [](int family, int type, int protocol) {
    ++open;
    return ::socket(family, type, protocol);
  };
  internal::sys.close = [](int fd) {
    --open;
    return ::close(fd);
  };
  RunTest(1, [](Runtime& runtime) -> Task<> {
    for (const char* local : {"unix:(unnamed)", ""}) {
      EXPECT_FALSE(DatagramSocket::Connect(
                       runtime, Parse("unix:/no/file"),
                       *local != '\0' ? Parse(local) : SocketAddress())
                       .ok());
      EXPECT_EQ(open, 0);
    }
    internal::sys.socket = [](int, int, int) {
      errno = EMFILE;
      return -1;
    };
    const auto none = DatagramSocket::Connect(runtime, Parse("127.0.0.1:9"));
    ExpectSays(none.status(), "connect to 127.0.0.1:9: EMFILE");
    co_return;
  });
}

TEST(DatagramAdopt, TakesWhatKeepsBorders) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    const int udp = Raw(AF_INET, SOCK_DGRAM);
    auto adopted = DatagramSocket::Adopt(runtime, udp);
    EXPECT_TRUE(adopted.ok()) << adopted.status();
    EXPECT_EQ(adopted->address(), Parse("0.0.0.0:0"));

    const auto refused = [&](int fd, const char* why) {
      const auto socket = DatagramSocket::Adopt(runtime, fd);
      EXPECT_FALSE(socket.ok());
      EXPECT_NE(socket.status().message().find(why), std::string::npos)
          << socket.status();
      EXPECT_EQ(::close(fd), 0) << "it stays the caller's";
    };
    refused(Raw(AF_INET, SOCK_STREAM), "stream");
    const int listening = Raw(AF_UNIX, SOCK_SEQPACKET);
    EXPECT_EQ(::bind(listening, Parse("unix:(unnamed)").data(), 2), 0);
    EXPECT_EQ(::listen(listening, 1), 0);
    refused(listening, "listens");
    refused(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "blocking");
    int pipe[2];
    EXPECT_EQ(::pipe2(pipe, O_NONBLOCK | O_CLOEXEC), 0);
    refused(pipe[0], "no socket");
    ::close(pipe[1]);
    EXPECT_NE(DatagramSocket::Adopt(runtime, -1)
                  .status()
                  .message()
                  .find("not an open descriptor"),
              std::string::npos);
    co_return;
  });
}

TEST(DatagramOptions, ReusePortSharesAPort) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    const BindOptions share{.reuse_port = true};
    auto one = DatagramSocket::Bind(runtime, Parse("127.0.0.1:0"), share);
    auto two = DatagramSocket::Bind(runtime, one->address(), share);
    EXPECT_TRUE(two.ok()) << two.status();
    EXPECT_FALSE(DatagramSocket::Bind(runtime, one->address()).ok());
    co_return;
  });
}

}  // namespace
}  // namespace netpoll
