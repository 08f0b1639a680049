// SPDX-License-Identifier: Apache-2.0
//
// Listeners: what can be asked for, what is told of who connects, what is taken
// over, and how each fails. Unix files: unix_name_test.cc.

#include "netpoll/runtime/listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
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

class ListenerTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(ListenerTest);

constexpr const char* kFamilies[] = {"127.0.0.1:0", "[::1]:0",
                                     "unix:(unnamed)"};

int Option(int fd, int level, int option) {
  int value = -1;
  socklen_t size = sizeof(value);
  ::getsockopt(fd, level, option, &value, &size);
  return value;
}

TEST_P(ListenerTest, AcceptTellsWhoConnected) {
  for (const char* any : kFamilies) {
    RunTest(threads(), [any](Runtime& runtime) -> Task<> {
      auto listener = Listener::Listen(runtime, Parse(any));
      const int client = Client(listener->address(), Parse(any));
      const AcceptResult accepted = co_await listener->Accept();
      EXPECT_TRUE(accepted.ok());
      EXPECT_EQ(accepted.peer, NameOf(client));
      EXPECT_EQ(*accepted.socket.PeerAddress(), accepted.peer);
      EXPECT_EQ(Parse(accepted.peer.ToString()), accepted.peer);
      ::close(client);
    });
  }
}

TEST_P(ListenerTest, AnUnnamedUnixClientIsUnnamed) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto listener = Listener::Listen(runtime, Parse("unix:(unnamed)"));
    const int client = Client(listener->address());
    const AcceptResult accepted = co_await listener->Accept();
    EXPECT_TRUE(accepted.ok());
    EXPECT_TRUE(accepted.peer.is_unnamed());
    ::close(client);
  });
}

// Later the system knows it no more.
TEST_P(ListenerTest, ThePeerIsKnownAfterAnEarlyReset) {
  for (const char* any : {"127.0.0.1:0", "[::1]:0"}) {
    RunTest(threads(), [any](Runtime& runtime) -> Task<> {
      auto listener = Listener::Listen(runtime, Parse(any));
      const int client = Client(listener->address());
      const SocketAddress name = NameOf(client);
      const linger reset{1, 0};
      ::setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
      ::close(client);
      const AcceptResult accepted = co_await listener->Accept();
      EXPECT_TRUE(accepted.ok());
      EXPECT_EQ(accepted.peer, name);
      EXPECT_FALSE(accepted.socket.PeerAddress().ok());
    });
  }
}

TEST_P(ListenerTest, AFailedAcceptHasNeitherSocketNorPeer) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto listener = Listener::Listen(runtime, Parse("127.0.0.1:0"));
    const SocketAddress address = listener->address();
    EXPECT_NE(address.port(), 0);
    listener->CloseNow();
    const AcceptResult accepted = co_await listener->Accept();
    EXPECT_TRUE(accepted.status.closing());
    EXPECT_FALSE(accepted.socket.valid());
    EXPECT_EQ(accepted.peer, SocketAddress());
    EXPECT_EQ(listener->address(), address) << "known after it is closed";
    Listener none;
    EXPECT_EQ((co_await none.Accept()).status.error_number(), EBADF);
  });
}

TEST_P(ListenerTest, ADeadlineEndsAnAccept) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto listener = Listener::Listen(runtime, Parse("127.0.0.1:0"));
    listener->SetReadDeadline(runtime.After(1ms));
    EXPECT_TRUE((co_await listener->Accept()).status.timeout());
    listener->SetReadDeadline(Deadline::None());
    const int client = Client(listener->address());
    EXPECT_TRUE((co_await listener->Accept()).ok());
    ::close(client);
  });
}

// --- Errors of accept --------------------------------------------------------

// What accept answers first, in this order; then it accepts.
std::vector<int> accept_errors;

int ScriptedAccept(int fd, sockaddr* address, socklen_t* size, int flags) {
  if (accept_errors.empty()) return ::accept4(fd, address, size, flags);
  errno = accept_errors.front();
  accept_errors.erase(accept_errors.begin());
  return -1;
}

TEST(AcceptErrors, AbortedConnectionsArePassedOver) {
  const internal::SysOverride restore;
  internal::sys.accept4 = &ScriptedAccept;
  accept_errors = {ECONNABORTED, EINTR, ECONNABORTED};
  RunTest(1, [](Runtime& runtime) -> Task<> {
    auto listener = Listener::Listen(runtime, Parse("127.0.0.1:0"));
    const int client = Client(listener->address());
    EXPECT_TRUE((co_await listener->Accept()).ok());
    ::close(client);
  });
}

TEST(AcceptErrors, ConcernOneTryAlone) {
  const internal::SysOverride restore;
  internal::sys.accept4 = &ScriptedAccept;
  const std::vector<int> errors = {EMFILE, ENFILE, ENOBUFS, ENOMEM, EPERM};
  accept_errors = errors;
  RunTest(1, [&](Runtime& runtime) -> Task<> {
    auto listener = Listener::Listen(runtime, Parse("127.0.0.1:0"));
    const int client = Client(listener->address());
    for (const int error : errors) {
      const AcceptResult accepted = co_await listener->Accept();
      EXPECT_EQ(accepted.status.error_number(), error);
      EXPECT_FALSE(accepted.status.closing());
      EXPECT_FALSE(accepted.socket.valid());
    }
    const AcceptResult accepted = co_await listener->Accept();
    EXPECT_EQ(accepted.peer, NameOf(client)) << "it waited";
    ::close(client);
  });
}

// --- Making one --------------------------------------------------------------

TEST(Listen, SetsWhatItSaysItSets) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    for (const char* any : {"127.0.0.1:0", "[::1]:0"}) {
      auto listener = Listener::Listen(runtime, Parse(any));
      listener->WithFd([](int fd) {
        EXPECT_EQ(Option(fd, SOL_SOCKET, SO_REUSEADDR), 1);
        EXPECT_EQ(Option(fd, SOL_SOCKET, SO_REUSEPORT), 0);
        EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC);
      });
      const int client = Client(listener->address());
      AcceptResult accepted = co_await listener->Accept();
      accepted.socket.WithFd([](int fd) {
        EXPECT_EQ(Option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
        EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC);
      });
      ::close(client);
    }
  });
}

TEST(Listen, TheBacklogIsWhatWasAskedFor) {
  const internal::SysOverride restore;
  static int backlog;
  internal::sys.listen = [](int fd, int asked) {
    backlog = asked;
    return ::listen(fd, asked);
  };
  RunTest(1, [](Runtime& runtime) -> Task<> {
    EXPECT_TRUE(Listener::Listen(runtime, Parse("127.0.0.1:0")).ok());
    EXPECT_EQ(backlog, 4096);
    EXPECT_TRUE(Listener::Listen(runtime, Parse("127.0.0.1:0"), 7).ok());
    EXPECT_EQ(backlog, 7);
    EXPECT_TRUE(
        Listener::Listen(runtime, Parse("127.0.0.1:0"), {.backlog = 8}).ok());
    EXPECT_EQ(backlog, 8);
    co_return;
  });
}

// [::] with or without IPv4.
TEST(Listen, Ipv6AloneIfAskedFor) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    auto both =
        Listener::Listen(runtime, Parse("[::]:0"), {.ipv6_only = false});
    EXPECT_TRUE(both.ok()) << both.status();
    const SocketAddress v4 =
        Parse("127.0.0.1:0").WithPort(both->address().port());
    EXPECT_FALSE(Listener::Listen(runtime, v4).ok()) << "the port is taken";
    const int client = Client(v4);
    const AcceptResult accepted = co_await both->Accept();
    EXPECT_EQ(accepted.peer.family(), AF_INET6);
    EXPECT_EQ(accepted.peer.Unmapped(), NameOf(client));
    ::close(client);

    auto alone =
        Listener::Listen(runtime, Parse("[::]:0"), {.ipv6_only = true});
    EXPECT_TRUE(alone.ok()) << alone.status();
    const SocketAddress other =
        Parse("127.0.0.1:0").WithPort(alone->address().port());
    EXPECT_TRUE(Listener::Listen(runtime, other).ok()) << "the port is free";

    auto datagrams =
        DatagramSocket::Bind(runtime, Parse("[::]:0"), {.ipv6_only = true});
    EXPECT_TRUE(datagrams.ok()) << datagrams.status();
    const SocketAddress same =
        Parse("127.0.0.1:0").WithPort(datagrams->address().port());
    EXPECT_TRUE(DatagramSocket::Bind(runtime, same).ok());
    datagrams =
        DatagramSocket::Bind(runtime, Parse("[::]:0"), {.ipv6_only = false});
    EXPECT_FALSE(
        DatagramSocket::Bind(
            runtime, Parse("127.0.0.1:0").WithPort(datagrams->address().port()))
            .ok());
  });
}

TEST(Listen, SeveralShareAPortIfAllAsk) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    const ListenOptions share{.reuse_port = true};
    auto one = Listener::Listen(runtime, Parse("127.0.0.1:0"), share);
    EXPECT_TRUE(Listener::Listen(runtime, one->address(), share).ok());
    EXPECT_FALSE(Listener::Listen(runtime, one->address()).ok());
    co_return;
  });
}

TEST(Listen, WhatAFamilyHasNotIsIgnored) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    const ListenOptions all{
        .file = {.replace_dead = true}, .ipv6_only = true, .reuse_port = true};
    for (const char* any : kFamilies) {
      const auto listener = Listener::Listen(runtime, Parse(any), all);
      EXPECT_TRUE(listener.ok()) << any << listener.status();
    }
    co_return;
  });
}

TEST(Listen, ErrorsNameTheAddressAndTheErrno) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    auto taken = Listener::Listen(runtime, Parse("127.0.0.1:0"));
    const std::string name = taken->address().ToString();
    ExpectSays(Listener::Listen(runtime, taken->address()).status(),
               absl::StrCat("listen on ", name, ": EADDRINUSE"));
    // A network for documents: no host has it.
    ExpectSays(Listener::Listen(runtime, Parse("192.0.2.1:1")).status(),
               "listen on 192.0.2.1:1: EADDRNOTAVAIL");
    ExpectSays(Listener::Listen(runtime, {}).status(),
               "listen on the empty address: EAFNOSUPPORT");
    const internal::SysOverride restore;
    internal::sys.socket = [](int, int, int) {
      errno = EMFILE;
      return -1;
    };
    ExpectSays(Listener::Listen(runtime, Parse("127.0.0.1:0")).status(),
               "listen on 127.0.0.1:0: EMFILE");
    co_return;
  });
}

// Each call of making one fails in turn: an error, and nothing is left open.
TEST(Listen, EachCallMayFail) {
  static int open;
  RunTest(1, [](Runtime& runtime) -> Task<> {
    const internal::SysOverride restore;
    open = 0;
    internal::sys.socket = [](int family, int type, int protocol) {
      ++open;
      return ::socket(family, type, protocol);
    };
    internal::sys.close = [](int fd) {
      --open;
      return ::close(fd);
    };
    for (int step = 0; step < 3; ++step) {
      const internal::SysOverride undo;
      switch (step) {
        case 0:
          internal::sys.setsockopt = [](int, int, int, const void*, socklen_t) {
            errno = ENOPROTOOPT;
            return -1;
          };
          break;
        case 1:
          internal::sys.bind = [](int, const sockaddr*, socklen_t) {
            errno = EACCES;
            return -1;
          };
          break;
        default:
          internal::sys.listen = [](int, int) {
            errno = EADDRINUSE;
            return -1;
          };
      }
      const auto listener =
          Listener::Listen(runtime, Parse("[::1]:0"), {.ipv6_only = true});
      ExpectSays(listener.status(), "listen on [::1]:0: E");
      EXPECT_EQ(open, 0) << step;
    }
    co_return;
  });
}

}  // namespace
}  // namespace netpoll
