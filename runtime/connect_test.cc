// SPDX-License-Identifier: Apache-2.0
//
// Connecting: how a connect that is under way is ended, and what it never
// connects to.

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
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

class ConnectTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(ConnectTest);

// A listener of the system's whose queue is full: whoever connects waits.
class Full {
 public:
  Full() {
    const SocketAddress any = Parse("127.0.0.1:0");
    fds_.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(fds_[0], any.data(), any.size()), 0);
    EXPECT_EQ(::listen(fds_[0], 0), 0);
    *address_.mutable_size() = SocketAddress::kCapacity;
    ::getsockname(fds_[0], address_.data(), address_.mutable_size());
    for (int i = 0; i < 4; ++i) {
      const int fd =
          ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      (void)::connect(fd, address_.data(), address_.size());
      fds_.push_back(fd);
    }
  }
  ~Full() {
    for (const int fd : fds_) ::close(fd);
  }
  const SocketAddress& address() const { return address_; }

 private:
  std::vector<int> fds_;
  SocketAddress address_;
};

Task<absl::Status> Status(Runtime& runtime, SocketAddress address,
                          ConnectOptions options) {
  const auto socket = co_await Socket::Connect(runtime, address, options);
  co_return socket.status();
}

Task<> UntilParked(Runtime& runtime, int count = 1) {
  while (runtime.stats().parked < count) co_await runtime.Yield();
}

TEST_P(ConnectTest, ACancellerEndsAPendingConnect) {
  const Full full;
  RunTest(threads(), [&](Runtime& runtime) -> Task<> {
    ConnectCanceller cancel;
    EXPECT_FALSE(cancel.cancelled());
    JoinHandle<absl::Status> one =
        runtime.Spawn(Status(runtime, full.address(), {.cancel = &cancel}));
    JoinHandle<absl::Status> two =
        runtime.Spawn(Status(runtime, full.address(), {.cancel = &cancel}));
    co_await UntilParked(runtime, 2);
    cancel.Cancel();
    EXPECT_TRUE(cancel.cancelled());
    for (auto* connect : {&one, &two}) {
      const absl::Status status = co_await std::move(*connect);
      EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
      ExpectSays(status,
                 absl::StrCat("connect to ", full.address().ToString()));
    }
    // And those to come.
    const absl::Status status =
        co_await Status(runtime, full.address(), {.cancel = &cancel});
    EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
  });
}

TEST_P(ConnectTest, AnotherThreadMayCancel) {
  const Full full;
  for (int round = 0; round < 20; ++round) {
    ConnectCanceller cancel;
    std::thread canceller;
    RunTest(threads(), [&](Runtime& runtime) -> Task<> {
      canceller = std::thread([&] { cancel.Cancel(); });
      const absl::Status status =
          co_await Status(runtime, full.address(), {.cancel = &cancel});
      EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
    });
    canceller.join();
  }
}

// After the first look at the canceller, before the connect waits.
TEST_P(ConnectTest, ACancellationInBetweenIsNotLost) {
  const Full full;
  static ConnectCanceller* cancel;
  const internal::SysOverride restore;
  internal::sys.connect = [](int fd, const sockaddr* to, socklen_t size) {
    cancel->Cancel();
    return ::connect(fd, to, size);
  };
  RunTest(threads(), [&](Runtime& runtime) -> Task<> {
    ConnectCanceller own;
    cancel = &own;
    const absl::Status status =
        co_await Status(runtime, full.address(),
                        {.deadline = runtime.After(10s), .cancel = cancel});
    EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
  });
}

TEST(ConnectCancellerDeathTest, OutlivesItsConnects) {
  EXPECT_DEATH(
      {
        auto cancel = std::make_unique<ConnectCanceller>();
        const ConnectEntry entry(cancel.get(), nullptr);
        cancel.reset();
      },
      "a ConnectCanceller was destroyed before its connects had ended");
}

TEST_P(ConnectTest, WhatHasConnectedHas) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto listener = Listener::Listen(runtime, Parse("127.0.0.1:0"));
    ConnectCanceller cancel;
    auto socket = co_await Socket::Connect(runtime, listener->address(),
                                           {.cancel = &cancel});
    EXPECT_TRUE(socket.ok()) << socket.status();
    cancel.Cancel();
    cancel.Cancel();
    EXPECT_TRUE((co_await socket->Write("on")).ok());
    // Those to come end, also one that would not wait.
    auto alive = Listener::Listen(runtime, Parse("unix:(unnamed)"));
    EXPECT_EQ((co_await Status(runtime, alive->address(), {.cancel = &cancel}))
                  .code(),
              absl::StatusCode::kCancelled);
  });
}

TEST_P(ConnectTest, StopEndsAPendingConnect) {
  const Full full;
  RunTest(threads(), [&](Runtime& runtime) -> Task<> {
    JoinHandle<absl::Status> connect =
        runtime.Spawn(Status(runtime, full.address(), {}));
    co_await UntilParked(runtime);
    runtime.Stop();
    const absl::Status status = co_await std::move(connect);
    EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
  });
}

TEST_P(ConnectTest, ADeadlineEndsAPendingConnect) {
  const Full full;
  RunTest(threads(), [&](Runtime& runtime) -> Task<> {
    for (const auto delay : {10ms, 0ms, -10ms}) {
      const std::int64_t begin = Runtime::Now();
      const absl::Status status = co_await Status(
          runtime, full.address(), {.deadline = runtime.After(delay)});
      EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
      EXPECT_GE(Runtime::Now() - begin,
                std::chrono::nanoseconds(delay).count());
    }
  });
}

// The deadline was the connect's.
TEST_P(ConnectTest, TheDeadlineDoesNotStay) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto listener = Listener::Listen(runtime, Parse("127.0.0.1:0"));
    const Deadline soon = runtime.After(20ms);
    auto socket = co_await Socket::Connect(runtime, listener->address(), soon);
    EXPECT_TRUE(socket.ok()) << socket.status();
    co_await runtime.SleepUntil(soon);
    EXPECT_TRUE((co_await socket->Write("x")).ok());
    socket->WithFd([](int fd) {
      int on = 0;
      socklen_t size = sizeof(on);
      ::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &size);
      EXPECT_EQ(on, 1);
    });
  });
}

TEST_P(ConnectTest, ErrorsNameTheAddressAndTheErrno) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto listener = Listener::Listen(runtime, Parse("127.0.0.1:0"));
    const SocketAddress address = listener->address();
    co_await listener->Close();
    ExpectSays(co_await Status(runtime, address, {}),
               absl::StrCat("connect to ", address.ToString(),
                            ": ECONNREFUSED: Connection refused"));
    ExpectSays(co_await Status(runtime, Parse("unix:/no/file"), {}),
               "connect to unix:/no/file: ENOENT");
    ExpectSays(co_await Status(runtime, {}, {}),
               "connect to the empty address: EAFNOSUPPORT");
  });
  const internal::SysOverride restore;
  internal::sys.socket = [](int, int, int) {
    errno = EMFILE;
    return -1;
  };
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    ExpectSays(co_await Status(runtime, Parse("127.0.0.1:9"), {}),
               "connect to 127.0.0.1:9: EMFILE");
  });
}

// --- Connecting to oneself ---------------------------------------------------

int connects;
int to_oneself;

// The system may pick the very port that is connected to. Here it does, in the
// first `to_oneself` tries.
int ConnectToOneself(int fd, const sockaddr* address, socklen_t size) {
  if (++connects <= to_oneself) {
    EXPECT_EQ(::bind(fd, address, size), 0);
  }
  return ::connect(fd, address, size);
}

SocketAddress Unused(const char* any) {
  const SocketAddress address = Parse(any);
  const int fd = ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  ::bind(fd, address.data(), address.size());
  SocketAddress bound;
  *bound.mutable_size() = SocketAddress::kCapacity;
  ::getsockname(fd, bound.data(), bound.mutable_size());
  ::close(fd);
  return bound;
}

TEST_P(ConnectTest, NobodyConnectsToHimself) {
  const internal::SysOverride restore;
  internal::sys.connect = &ConnectToOneself;
  for (const char* any : {"127.0.0.1:0", "[::1]:0"}) {
    for (const int tries : {1, 2, 1000}) {
      connects = 0;
      to_oneself = tries;
      RunTest(threads(), [&](Runtime& runtime) -> Task<> {
        const SocketAddress address = Unused(any);
        ExpectSays(
            co_await Status(runtime, address, {}),
            absl::StrCat("connect to ", address.ToString(), ": ECONNREFUSED"));
        EXPECT_EQ(connects, std::min(tries + 1, 3));
      });
    }
  }
}

// The same port of another host is not oneself.
TEST_P(ConnectTest, ThePeersPortMayBeOnesOwn) {
  const internal::SysOverride restore;
  static SocketAddress own;
  static bool taken;
  internal::sys.connect = [](int fd, const sockaddr* to, socklen_t size) {
    taken = ::bind(fd, own.data(), own.size()) != 0;
    return ::connect(fd, to, size);
  };
  RunTest(threads(), [&](Runtime& runtime) -> Task<> {
    // Somebody else may have the port here that the listener has got there.
    for (int tries = 0; tries < 100; ++tries) {
      auto listener = Listener::Listen(runtime, Parse("127.0.0.2:0"));
      own = Parse("127.0.0.1:0").WithPort(listener->address().port());
      auto socket = co_await Socket::Connect(runtime, listener->address());
      EXPECT_TRUE(socket.ok()) << socket.status();
      if (!socket.ok()) co_return;
      if (taken) continue;
      EXPECT_EQ(*socket->LocalAddress(), own);
      co_return;
    }
    ADD_FAILURE() << "no port free on both addresses";
  });
}

TEST_P(ConnectTest, AfterConnectingToHimselfOneTriesAgain) {
  const internal::SysOverride restore;
  static SocketAddress address;
  static int listener;
  internal::sys.connect = [](int fd, const sockaddr* to, socklen_t size) {
    if (++connects == 1) return ConnectToOneself(fd, to, size);
    // Somebody listens by now.
    listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    EXPECT_EQ(::bind(listener, to, size), 0);
    EXPECT_EQ(::listen(listener, 1), 0);
    return ::connect(fd, to, size);
  };
  connects = 0;
  to_oneself = 2;
  RunTest(threads(), [&](Runtime& runtime) -> Task<> {
    address = Unused("127.0.0.1:0");
    auto socket = co_await Socket::Connect(runtime, address);
    EXPECT_TRUE(socket.ok()) << socket.status();
    if (!socket.ok()) co_return;
    EXPECT_NE(*socket->LocalAddress(), address);
    EXPECT_EQ(*socket->PeerAddress(), address);
    ::close(listener);
  });
}

}  // namespace
}  // namespace netpoll
