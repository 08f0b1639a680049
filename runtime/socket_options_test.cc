// SPDX-License-Identifier: Apache-2.0
//
// What is asked for before a socket is bound or connects is so, on it and on
// what it accepts; what the system refuses is an error.

#include "netpoll/runtime/socket_options.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <utility>

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

int Get(const Descriptor& socket, int level, int option) {
  int value = -1;
  socklen_t size = sizeof(value);
  EXPECT_EQ(::getsockopt(socket.fd(), level, option, &value, &size), 0);
  return value;
}

TEST(SocketOptions, OfAListenerAreThoseOfWhatItAccepts) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    ListenOptions options;
    options.tcp = {
        .no_delay = false,
        .keepalive = Keepalive{.idle = 7s, .interval = 3s, .count = 2}};
    options.buffers = {.send = 20'000, .receive = 30'000};
    auto listener = Listener::Listen(runtime, Loopback(), options);
    EXPECT_TRUE(listener.ok()) << listener.status();
    auto client = co_await Socket::Connect(runtime, listener->address());
    AcceptResult accepted = co_await listener->Accept();
    const Socket& socket = accepted.socket;
    EXPECT_EQ(Get(socket, IPPROTO_TCP, TCP_NODELAY), 0);
    EXPECT_EQ(Get(*client, IPPROTO_TCP, TCP_NODELAY), 1);
    EXPECT_EQ(Get(socket, SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(Get(*client, SOL_SOCKET, SO_KEEPALIVE), 0);
    EXPECT_EQ(Get(socket, IPPROTO_TCP, TCP_KEEPIDLE), 7);
    EXPECT_EQ(Get(socket, IPPROTO_TCP, TCP_KEEPINTVL), 3);
    EXPECT_EQ(Get(socket, IPPROTO_TCP, TCP_KEEPCNT), 2);
    EXPECT_EQ(Get(socket, SOL_SOCKET, SO_SNDBUF), 40'000);
    EXPECT_EQ(Get(socket, SOL_SOCKET, SO_RCVBUF), 60'000);
  });
}

TEST(SocketOptions, OfAConnectAreSetBeforeIt) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    auto listener = Listener::Listen(runtime, Loopback());
    auto named = Listener::Listen(runtime, Loopback());
    const SocketAddress own = named->address();
    co_await named->Close();
    ConnectOptions options;
    options.local = own;
    options.tcp = {.no_delay = false, .keepalive = Keepalive{}};
    options.buffers = {.send = 20'000};
    auto client =
        co_await Socket::Connect(runtime, listener->address(), options);
    EXPECT_TRUE(client.ok()) << client.status();
    EXPECT_EQ((co_await listener->Accept()).peer, own);
    EXPECT_EQ(Get(*client, IPPROTO_TCP, TCP_NODELAY), 0);
    EXPECT_EQ(Get(*client, IPPROTO_TCP, TCP_KEEPIDLE), 60);
    EXPECT_EQ(Get(*client, SOL_SOCKET, SO_SNDBUF), 40'000);
    options.local = listener->address();
    client = co_await Socket::Connect(runtime, own, options);
    ExpectSays(client.status(),
               "connect to " + own.ToString() + ": EADDRINUSE");
  });
}

TEST(SocketOptions, OfDatagrams) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    BindOptions options;
    options.broadcast = true;
    options.reuse_address = true;
    options.buffers = {.receive = 30'000};
    auto one = DatagramSocket::Bind(runtime, Loopback(), options);
    EXPECT_EQ(Get(*one, SOL_SOCKET, SO_BROADCAST), 1);
    EXPECT_EQ(Get(*one, SOL_SOCKET, SO_RCVBUF), 60'000);
    EXPECT_TRUE(DatagramSocket::Bind(runtime, one->address(), options).ok());
    EXPECT_FALSE(DatagramSocket::Bind(runtime, one->address()).ok());
    co_return;
  });
}

TEST(SocketOptions, WhatIsRefusedIsAnErrorAndLeavesNothing) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    ListenOptions options;
    options.tcp.keepalive = Keepalive{.idle = 0s};
    ExpectSays(Listener::Listen(runtime, Loopback(), options).status(),
               "listen on 127.0.0.1:0: EINVAL");
    for (const SocketBuffers none :
         {SocketBuffers{.send = -1}, SocketBuffers{.receive = -1}}) {
      const auto listener =
          Listener::Listen(runtime, Loopback(), {.buffers = none});
      ExpectSays(listener.status(), "listen on 127.0.0.1:0: EINVAL");
    }
    ConnectOptions connect;
    connect.tcp.keepalive = Keepalive{.count = 0};
    const auto client =
        co_await Socket::Connect(runtime, Parse("127.0.0.1:9"), connect);
    ExpectSays(client.status(), "connect to 127.0.0.1:9: EINVAL");
  });
}

}  // namespace
}  // namespace netpoll
