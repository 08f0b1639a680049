// SPDX-License-Identifier: Apache-2.0
//
// What a short read saves: the read that would say that there is no more, of
// streams of which that is true. Reads are counted, on every backend of this
// build.

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "gtest/gtest.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/socket_test_support.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

std::atomic<int> reads{0};
int protocol = 0;  // What the system says; 0: the truth.

class ShortReadCostTest : public BackendsTest {
 protected:
  ShortReadCostTest() {
    protocol = 0;
    internal::sys.read = [](int fd, void* data, std::size_t size) {
      ++reads;
      return ::read(fd, data, size);
    };
    internal::sys.getsockopt = [](int fd, int level, int option, void* value,
                                  socklen_t* size) {
      const int result = ::getsockopt(fd, level, option, value, size);
      if (option == SO_PROTOCOL && protocol != 0) {
        *static_cast<int*>(value) = protocol;
      }
      return result;
    };
  }

 private:
  const internal::SysOverride restore_;
};
NETPOLL_INSTANTIATE_BACKENDS(ShortReadCostTest);

// Messages go one way, each when the reader has parked: how many reads each
// takes, one that gets it and one that finds no more, or the first alone.
Task<int> ReadsPerMessage(Runtime& runtime, Socket& from, Socket& to) {
  constexpr int kMessages = 20;
  auto read = [](Socket& socket) -> Task<> {
    std::array<char, 64> room;
    for (int i = 0; i <= kMessages; ++i) {
      EXPECT_EQ((co_await socket.Read(room)).bytes, 1u);
    }
  };
  auto reading = runtime.Spawn(read(to));
  for (int i = 0; i <= kMessages; ++i) {
    while (runtime.stats().parked == 0) co_await runtime.Yield();
    if (i == 1) reads = 0;  // The first one is read without a wait before.
    EXPECT_TRUE((co_await from.Write("x")).ok());
    for (int k = 0; k < 200; ++k) co_await runtime.Yield();
  }
  co_await std::move(reading);
  co_return (reads + kMessages / 2) / kMessages;
}

struct Connection {
  Socket client;
  Socket server;
};
Task<Connection> Connect(Runtime& runtime, Listener& listener) {
  Connection connection;
  connection.client = *(co_await Socket::Connect(runtime, listener.address()));
  connection.server = std::move((co_await listener.Accept()).socket);
  co_return connection;
}

// How many reads a message of a TCP stream costs.
int ReadsOfTcp(Runtime& runtime) {
  const auto& backend = internal::SchedulerOf(runtime).poller().backend();
  return backend.traits().marks_short_reads ? 1 : 2;
}

Task<> ExpectReads(Runtime& runtime, Listener& listener, int expected,
                   int accepted) {
  Connection c = co_await Connect(runtime, listener);
  EXPECT_EQ(co_await ReadsPerMessage(runtime, c.client, c.server), accepted)
      << "accepted at " << listener.address().ToString();
  EXPECT_EQ(co_await ReadsPerMessage(runtime, c.server, c.client), expected)
      << "connected to " << listener.address().ToString();
}

TEST_P(ShortReadCostTest, TcpIsReadOnceAMessageAndOthersTwice) {
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    const int tcp = ReadsOfTcp(runtime);
    for (const char* const address : {"127.0.0.1:0", "[::1]:0"}) {
      auto listener = *Listener::Listen(runtime, Parse(address));
      co_await ExpectReads(runtime, listener, tcp, tcp);
    }
    auto listener = *Listener::Listen(
        runtime, Parse("unix:@netpoll-cost-" + std::to_string(::getpid())));
    co_await ExpectReads(runtime, listener, 2, 2);
    auto ends = *Socket::Pair(runtime);
    EXPECT_EQ(co_await ReadsPerMessage(runtime, ends.first, ends.second), 2);
  });
}

// What a listener accepts that was adopted is of its kind.
TEST_P(ShortReadCostTest, AnAdoptedListenersConnectionsAreOfItsProtocol) {
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    const int tcp = ReadsOfTcp(runtime);
    for (const int told : {0, int{IPPROTO_SCTP}}) {
      auto made = *Listener::Listen(runtime, Loopback());
      const auto fd = co_await made.Detach();
      protocol = told;
      auto listener = *Listener::Adopt(runtime, *fd);
      protocol = 0;
      co_await ExpectReads(runtime, listener, tcp, told == 0 ? tcp : 2);
    }
  });
}

// A part that was filled may not be all.
TEST_P(ShortReadCostTest, AReadvThatFillsItsPartsIsNotShort) {
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    auto listener = *Listener::Listen(runtime, Loopback());
    Connection c = co_await Connect(runtime, listener);
    EXPECT_TRUE((co_await c.client.Write("abcdef")).ok());
    for (int i = 0; i < 200; ++i) co_await runtime.Yield();
    c.server.SetReadDeadline(runtime.After(10s));
    for (const char* const expected : {"ab", "cd", "ef"}) {
      std::array<char, 2> room;
      const std::array<iovec, 2> parts{iovec{&room[0], 1}, iovec{&room[1], 1}};
      const IoResult got = co_await c.server.Readv(parts);
      EXPECT_TRUE(got.ok()) << got.status.ToString();
      EXPECT_EQ(std::string_view(room.data(), got.bytes), expected);
    }
  });
}

// The end is not short of anything: it is there again, without a wait.
TEST_P(ShortReadCostTest, TheEndIsReadAgainWithoutAWait) {
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    auto listener = *Listener::Listen(runtime, Loopback());
    Connection c = co_await Connect(runtime, listener);
    EXPECT_TRUE(c.client.ShutdownWrite().ok());
    c.server.WithFd([](int fd) {
      pollfd query{.fd = fd, .events = POLLIN, .revents = 0};
      EXPECT_EQ(::poll(&query, 1, 10'000), 1);
    });
    const std::uint64_t runs = runtime.stats().task_runs;
    std::array<char, 8> room;
    for (int i = 0; i < 4; ++i) {
      const IoResult got = co_await c.server.Read(room);
      EXPECT_TRUE(got.ok() && got.bytes == 0) << got.status.ToString();
    }
    EXPECT_EQ(runtime.stats().task_runs, runs);
  });
}

}  // namespace
}  // namespace netpoll
