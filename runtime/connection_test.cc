// SPDX-License-Identifier: Apache-2.0
//
// What any stream connection must do, on each kind of stream: the generic
// connection tests that Go asks of every transport.

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "netpoll/core/deadline.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

enum class Kind { kTcp, kUnix };

Task<Socket::Ends> Connect(Runtime& runtime, Kind kind) {
  if (kind == Kind::kUnix) co_return *Socket::Pair(runtime);
  auto listener =
      Listener::Listen(runtime, *SocketAddress::Parse("127.0.0.1:0"));
  auto first = co_await Socket::Connect(runtime, listener->address());
  AcceptResult second = co_await listener->Accept();
  co_return Socket::Ends{*std::move(first), std::move(second.socket)};
}

class ConnectionTest : public testing::TestWithParam<std::tuple<Kind, int>> {
 protected:
  // Runs `body` with two connected ends.
  template <class Body>
  void WithEnds(Body body) {
    const auto [kind, threads] = GetParam();
    RunTest(threads, [&, k = kind](Runtime& runtime) -> Task<> {
      Socket::Ends ends = co_await Connect(runtime, k);
      co_await body(runtime, ends.first, ends.second);
    });
  }
};

std::string StreamName(
    const testing::TestParamInfo<std::tuple<Kind, int>>& stream) {
  const auto [kind, threads] = stream.param;
  return std::string(kind == Kind::kTcp ? "Tcp" : "Unix") +
         std::to_string(threads) + "Workers";
}

INSTANTIATE_TEST_SUITE_P(Streams, ConnectionTest,
                         testing::Combine(testing::Values(Kind::kTcp,
                                                          Kind::kUnix),
                                          testing::Values(1, 3)),
                         StreamName);

// By value: a spawned task outlives its arguments.
Task<> Send(Socket& socket, std::string data) {
  const IoResult put = co_await socket.Write(data);
  EXPECT_TRUE(put.ok()) << put.status.ToString();
}

Task<std::string> Receive(Socket& socket, std::size_t size) {
  std::string data(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const IoResult got = co_await socket.Read(std::span(data).subspan(have));
    if (!got.ok() || got.bytes == 0) break;
    have += got.bytes;
  }
  data.resize(have);
  co_return data;
}

// Whether a message still makes it there and back.
Task<> ExpectRoundTrip(Runtime& runtime, Socket& a, Socket& b) {
  a.SetDeadline(Deadline::None());
  b.SetDeadline(Deadline::None());
  JoinHandle<void> sent = runtime.Spawn(Send(a, "there"));
  EXPECT_EQ(co_await Receive(b, 5), "there");
  co_await std::move(sent);
  co_await Send(b, "back");
  EXPECT_EQ(co_await Receive(a, 4), "back");
}

Task<> ReadsTimeOut(Socket& socket, int times) {
  std::array<char, 64> buffer;
  for (int i = 0; i < times; ++i) {
    const IoResult got = co_await socket.Read(buffer);
    EXPECT_TRUE(got.status.timeout()) << got.status.ToString();
  }
}

// Fills the buffers until the deadline ends it.
Task<> WritesTimeOut(Socket& socket) {
  const std::string data(1 << 20, 'w');
  for (;;) {
    const IoResult put = co_await socket.Write(data);
    if (put.ok()) continue;
    EXPECT_TRUE(put.status.timeout()) << put.status.ToString();
    co_return;
  }
}

TEST_P(ConnectionTest, BasicIo) {
  WithEnds([](Runtime& runtime, Socket& a, Socket& b) -> Task<> {
    std::string data(3 << 20, '\0');
    for (std::size_t i = 0; i < data.size(); ++i) {
      data[i] = static_cast<char>(i * 31 >> 3);
    }
    JoinHandle<void> sent = runtime.Spawn(Send(a, data));
    EXPECT_TRUE(co_await Receive(b, data.size()) == data);
    co_await std::move(sent);
    JoinHandle<void> returned = runtime.Spawn(Send(b, data));
    EXPECT_TRUE(co_await Receive(a, data.size()) == data);
    co_await std::move(returned);
  });
}

TEST_P(ConnectionTest, PingPong) {
  WithEnds([](Runtime& runtime, Socket& a, Socket& b) -> Task<> {
    auto play = [](Socket& socket, bool serves) -> Task<> {
      for (int i = 0; i < 500; ++i) {
        const std::string ball = std::to_string(1000 + i);
        if (serves) co_await Send(socket, ball);
        EXPECT_EQ(co_await Receive(socket, 4), ball);
        if (!serves) co_await Send(socket, ball);
      }
    };
    JoinHandle<void> other = runtime.Spawn(play(b, false));
    co_await play(a, true);
    co_await std::move(other);
  });
}

// Readers of one end with deadlines that keep passing, while data flows.
TEST_P(ConnectionTest, RacyReads) {
  WithEnds([](Runtime& runtime, Socket& a, Socket& b) -> Task<> {
    auto read = [](Runtime& r, Socket& socket) -> Task<> {
      std::array<char, 1024> buffer;
      socket.SetReadDeadline(r.After(50us));
      for (int i = 0; i < 20; ++i) {
        const IoResult got = co_await socket.Read(buffer);
        EXPECT_TRUE(got.ok() || got.status.timeout());
        if (!got.ok()) socket.SetReadDeadline(r.After(50us));
      }
    };
    std::vector<JoinHandle<void>> readers;
    for (int i = 0; i < 10; ++i) {
      readers.push_back(runtime.Spawn(read(runtime, b)));
    }
    for (int i = 0; i < 50; ++i) {
      co_await Send(a, std::string(1024, 'r'));
      co_await runtime.Yield();
    }
    for (auto& reader : readers) co_await std::move(reader);
  });
}

TEST_P(ConnectionTest, AReadDeadlineDoesNotConcernWriting) {
  WithEnds([](Runtime& runtime, Socket& a, Socket& b) -> Task<> {
    a.SetReadDeadline(Deadline::Past());
    co_await ReadsTimeOut(a, 2);
    JoinHandle<void> sent = runtime.Spawn(Send(a, "still"));
    EXPECT_EQ(co_await Receive(b, 5), "still");
    co_await std::move(sent);
    co_await ExpectRoundTrip(runtime, a, b);
  });
}

TEST_P(ConnectionTest, AWriteDeadlineDoesNotConcernReading) {
  WithEnds([](Runtime& runtime, Socket& a, Socket& b) -> Task<> {
    a.SetWriteDeadline(Deadline::Past());
    co_await WritesTimeOut(a);
    co_await Send(b, "still");
    EXPECT_EQ(co_await Receive(a, 5), "still");
    co_await ExpectRoundTrip(runtime, a, b);
  });
}

// Both directions of one end are under way when their deadline passes.
TEST_P(ConnectionTest, PresentTimeout) {
  WithEnds([](Runtime& runtime, Socket& a, Socket&) -> Task<> {
    JoinHandle<void> reads = runtime.Spawn(ReadsTimeOut(a, 1));
    JoinHandle<void> writes = runtime.Spawn(WritesTimeOut(a));
    while (runtime.stats().parked < 2) co_await runtime.Yield();
    a.SetDeadline(Deadline::Past());
    co_await std::move(reads);
    co_await std::move(writes);
  });
}

TEST_P(ConnectionTest, FutureTimeout) {
  WithEnds([](Runtime& runtime, Socket& a, Socket& b) -> Task<> {
    const std::int64_t begin = Runtime::Now();
    a.SetReadDeadline(Deadline::After(begin, 5ms));
    co_await ReadsTimeOut(a, 2);
    EXPECT_GE(Runtime::Now() - begin, 5'000'000);
    co_await ExpectRoundTrip(runtime, a, b);
  });
}

TEST_P(ConnectionTest, CloseEndsBothDirections) {
  WithEnds([](Runtime& runtime, Socket& a, Socket&) -> Task<> {
    auto reads = [](Socket& socket) -> Task<IoStatus> {
      std::array<char, 64> buffer;
      co_return (co_await socket.Read(buffer)).status;
    };
    auto writes = [](Socket& socket) -> Task<IoStatus> {
      const std::string data(64 << 20, 'w');
      co_return (co_await socket.Write(data)).status;
    };
    JoinHandle<IoStatus> reader = runtime.Spawn(reads(a));
    JoinHandle<IoStatus> writer = runtime.Spawn(writes(a));
    while (runtime.stats().parked < 2) co_await runtime.Yield();
    EXPECT_TRUE((co_await a.Close()).ok());
    EXPECT_TRUE((co_await std::move(reader)).closing());
    EXPECT_TRUE((co_await std::move(writer)).closing());
  });
}

// Everything at once, on both ends.
TEST_P(ConnectionTest, ConcurrentMethods) {
  WithEnds([](Runtime& runtime, Socket& a, Socket& b) -> Task<> {
    auto mix = [](Runtime& r, Socket& socket, int which) -> Task<> {
      std::array<char, 256> buffer{};
      switch (which % 6) {
        case 0:
          EXPECT_LE((co_await socket.Read(buffer)).bytes, buffer.size());
          break;
        case 1:
          EXPECT_LE((co_await socket.Write({buffer.data(), 256})).bytes, 256u);
          break;
        case 2:
          socket.SetDeadline(r.After(100us));
          break;
        case 3:
          socket.SetReadDeadline(r.After(100us));
          break;
        case 4:
          socket.SetWriteDeadline(r.After(100us));
          break;
        case 5:
          EXPECT_TRUE(socket.LocalAddress().ok());
          EXPECT_TRUE(socket.PeerAddress().ok());
          break;
      }
    };
    std::vector<JoinHandle<void>> all;
    for (int i = 0; i < 120; ++i) {
      all.push_back(runtime.Spawn(mix(runtime, i % 2 != 0 ? a : b, i / 2)));
    }
    // Whoever still waits is let go.
    co_await runtime.Sleep(1ms);
    a.SetDeadline(Deadline::Past());
    b.SetDeadline(Deadline::Past());
    for (auto& one : all) co_await std::move(one);
  });
}

TEST_P(ConnectionTest, ReadingNothingEndsAtOnce) {
  WithEnds([](Runtime&, Socket& a, Socket&) -> Task<> {
    const IoResult got = co_await a.Read({});
    EXPECT_TRUE(got.ok());
    EXPECT_EQ(got.bytes, 0u);
  });
}

TEST_P(ConnectionTest, CallsThatDoNotWaitNeverSeeAClosedDescriptor) {
  WithEnds([](Runtime&, Socket& socket, Socket&) -> Task<> {
    const int number = socket.fd();
    EXPECT_TRUE(socket.WithFd([&](int fd) {
      EXPECT_EQ(fd, number);
      socket.CloseNow();
      EXPECT_GE(::fcntl(fd, F_GETFD), 0);  // Not before this call returns.
    }));
    EXPECT_EQ(::fcntl(number, F_GETFD), -1);
    EXPECT_FALSE(socket.WithFd([](int) { ADD_FAILURE(); }));
    EXPECT_TRUE(socket.ShutdownWrite().closing());
    EXPECT_TRUE(absl::IsCancelled(socket.LocalAddress().status()));
    EXPECT_TRUE(absl::IsCancelled(socket.PeerAddress().status()));
    EXPECT_EQ(Socket().ShutdownWrite().error_number(), EBADF);
    co_return;
  });
}

TEST_P(ConnectionTest, WhatACallThrowsHoldsNothingOpen) {
  WithEnds([](Runtime&, Socket& socket, Socket&) -> Task<> {
    EXPECT_THROW(socket.WithFd([](int) { throw std::string("thrown"); }),
                 std::string);
    const int number = socket.fd();
    const IoStatus closed = co_await socket.Close();
    EXPECT_TRUE(closed.ok()) << closed.ToString();
    EXPECT_EQ(::fcntl(number, F_GETFD), -1);
  });
}

// Deadlines that come ever earlier, set by many tasks on many connections.
TEST_P(ConnectionTest, ConcurrentSettersOfEverEarlierDeadlines) {
  const auto [kind, threads] = GetParam();
  RunTest(threads, [k = kind](Runtime& runtime) -> Task<> {
    std::vector<std::unique_ptr<Socket::Ends>> connections;
    std::vector<JoinHandle<void>> all;
    auto set = [](Runtime& r, Socket& socket) -> Task<> {
      for (int i = 100; i > 0; --i) {
        socket.SetReadDeadline(r.After(std::chrono::microseconds(i * 50)));
        if (i % 10 == 0) co_await r.Yield();
      }
    };
    for (int i = 0; i < 5; ++i) {
      connections.push_back(
          std::make_unique<Socket::Ends>(co_await Connect(runtime, k)));
      Socket& socket = connections.back()->first;
      socket.SetReadDeadline(runtime.After(1h));
      all.push_back(runtime.Spawn(ReadsTimeOut(socket, 1)));
      for (int j = 0; j < 8; ++j)
        all.push_back(runtime.Spawn(set(runtime, socket)));
    }
    for (auto& one : all) co_await std::move(one);
  });
}

}  // namespace
}  // namespace netpoll
