// SPDX-License-Identifier: Apache-2.0
//
// Datagrams and SOCK_SEQPACKET are no streams: every message arrives whole, as
// one, also if it has no bytes, and whoever cuts one says so.

#include <limits.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/socket_test_support.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

// Two sockets that are connected to each other.
struct Ends {
  DatagramSocket first;
  DatagramSocket second;
};

Ends Connected(Runtime& runtime, const SocketAddress& any) {
  auto one = DatagramSocket::Bind(runtime, any);
  EXPECT_TRUE(one.ok()) << one.status();
  auto two = DatagramSocket::Connect(runtime, one->address(), any);
  EXPECT_TRUE(two.ok()) << two.status();
  one->WithFd([&](int fd) {
    EXPECT_EQ(::connect(fd, two->address().data(), two->address().size()), 0);
  });
  return {*std::move(one), *std::move(two)};
}

Ends Pair(Runtime& runtime, int type) {
  int fds[2];
  EXPECT_EQ(::socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
            0);
  auto one = DatagramSocket::Adopt(runtime, fds[0]);
  auto two = DatagramSocket::Adopt(runtime, fds[1]);
  EXPECT_TRUE(one.ok()) << one.status();
  EXPECT_TRUE(two.ok()) << two.status();
  return {*std::move(one), *std::move(two)};
}

// The same by another handle: whatever adopts a socket sees what it moves.
template <class Handle>
absl::StatusOr<Handle> Again(Runtime& runtime, DatagramSocket socket) {
  int copy = -1;
  socket.WithFd([&](int fd) { copy = ::dup(fd); });
  socket = DatagramSocket();
  return Handle::Adopt(runtime, copy);
}

struct Kind {
  const char* name;
  Ends (*make)(Runtime&);
};

const Kind kKinds[] = {
    {"UDP",
     [](Runtime& runtime) { return Connected(runtime, Parse("127.0.0.1:0")); }},
    {"UDP over IPv6",
     [](Runtime& runtime) { return Connected(runtime, Parse("[::1]:0")); }},
    {"named Unix",
     [](Runtime& runtime) {
       return Connected(runtime, Parse("unix:(unnamed)"));
     }},
    {"Unix pair", [](Runtime& runtime) { return Pair(runtime, SOCK_DGRAM); }},
    {"SOCK_SEQPACKET",
     [](Runtime& runtime) { return Pair(runtime, SOCK_SEQPACKET); }},
};

class MessageTest : public WorkersTest {
 protected:
  // Runs body(runtime, ends) for each kind.
  template <class Body>
  void ForEachKind(Body body) {
    for (const Kind& kind : kKinds) {
      SCOPED_TRACE(kind.name);
      RunTest(threads(), [&](Runtime& runtime) -> Task<> {
        Ends ends = kind.make(runtime);
        co_await body(runtime, ends);
      });
    }
  }
};
NETPOLL_INSTANTIATE_WORKERS(MessageTest);

TEST_P(MessageTest, AnEmptyWriteIsAMessage) {
  ForEachKind([](Runtime&, Ends& ends) -> Task<> {
    IoResult put = co_await ends.first.Write("");
    EXPECT_TRUE(put.ok()) << put.status.ToString();
    put = co_await ends.first.Writev({});
    EXPECT_TRUE(put.ok()) << put.status.ToString();
    char none = 0;
    std::array<iovec, 2> nothing{{{&none, 0}, {&none, 0}}};
    put = co_await ends.first.Writev(nothing);
    EXPECT_TRUE(put.ok()) << put.status.ToString();
    EXPECT_TRUE((co_await ends.first.SendTo("", {})).ok());
    EXPECT_TRUE((co_await ends.first.Write("then")).ok());
    std::array<char, 8> buffer;
    for (int i = 0; i < 4; ++i) {
      const IoResult got = co_await ends.second.Read(buffer);
      EXPECT_TRUE(got.ok() && got.bytes == 0) << i;
    }
    EXPECT_EQ((co_await ends.second.Read(buffer)).bytes, 4u);
  });
}

TEST_P(MessageTest, AnEmptyMessageIsNoEnd) {
  ForEachKind([](Runtime&, Ends& ends) -> Task<> {
    for (const char* text : {"", "", "a", ""}) {
      EXPECT_TRUE((co_await ends.first.Write(text)).ok());
    }
    for (const std::size_t size : {0, 0, 1, 0}) {
      std::array<char, 8> buffer;
      const DatagramResult got = co_await ends.second.ReceiveFrom(buffer);
      EXPECT_TRUE(got.ok());
      EXPECT_EQ(got.bytes, size);
      EXPECT_FALSE(got.end || got.truncated);
    }
  });
}

TEST_P(MessageTest, ALongMessageIsCutAndSaysSo) {
  ForEachKind([](Runtime&, Ends& ends) -> Task<> {
    for (int i = 0; i < 4; ++i) {
      EXPECT_TRUE((co_await ends.first.Write("abcd")).ok());
    }
    std::array<char, 3> little;
    IoResult got = co_await ends.second.Read(little);
    EXPECT_EQ(got.status.error_number(), EMSGSIZE);
    EXPECT_EQ(std::string_view(little.data(), got.bytes), "abc");

    std::array<iovec, 2> parts{{{&little[0], 1}, {&little[1], 2}}};
    little = {};
    got = co_await ends.second.Readv(parts);
    EXPECT_EQ(got.status.error_number(), EMSGSIZE);
    EXPECT_EQ(std::string_view(little.data(), got.bytes), "abc");

    const DatagramResult received = co_await ends.second.ReceiveFrom(little);
    EXPECT_TRUE(received.ok() && received.truncated);
    EXPECT_EQ(received.bytes, 3u);

    // One that just fits is whole.
    std::array<char, 4> buffer;
    got = co_await ends.second.Read(buffer);
    EXPECT_TRUE(got.ok());
    EXPECT_EQ(got.bytes, 4u);
  });
}

// Into no room nothing is read, and nothing is lost; ReceiveFrom takes it.
TEST_P(MessageTest, AnEmptyBufferTakesNoMessage) {
  ForEachKind([](Runtime&, Ends& ends) -> Task<> {
    std::array<iovec, 1> no_room{{{nullptr, 0}}};
    // Also if there is none: at once.
    EXPECT_TRUE((co_await ends.second.Read({})).ok());
    EXPECT_TRUE((co_await ends.second.Readv(no_room)).ok());
    EXPECT_TRUE((co_await ends.first.Write("kept")).ok());
    EXPECT_TRUE((co_await ends.second.Read({})).ok());
    EXPECT_TRUE((co_await ends.second.Readv(no_room)).ok());
    EXPECT_TRUE((co_await ends.second.Readv({})).ok());
    std::array<char, 8> buffer;
    EXPECT_EQ((co_await ends.second.Read(buffer)).bytes, 4u);
    EXPECT_TRUE((co_await ends.first.Write("lost")).ok());
    EXPECT_TRUE((co_await ends.first.Write("next!")).ok());
    const DatagramResult got = co_await ends.second.ReceiveFrom({});
    EXPECT_TRUE(got.ok() && got.truncated && !got.end);
    EXPECT_EQ((co_await ends.second.Read(buffer)).bytes, 5u);
  });
}

TEST_P(MessageTest, PartsAreOneMessage) {
  ForEachKind([](Runtime&, Ends& ends) -> Task<> {
    std::string a = "ab", b = "", c = "c";
    std::array<iovec, 3> parts{{{a.data(), 2}, {b.data(), 0}, {c.data(), 1}}};
    const IoResult put = co_await ends.first.Writev(parts);
    EXPECT_EQ(put.bytes, 3u);
    EXPECT_TRUE((co_await ends.first.Write("d")).ok());
    char first = 0;
    std::array<char, 7> rest;
    std::array<iovec, 2> into{{{&first, 1}, {rest.data(), rest.size()}}};
    const IoResult got = co_await ends.second.Readv(into);
    EXPECT_TRUE(got.ok());
    EXPECT_EQ(got.bytes, 3u);
    EXPECT_EQ(first, 'a');
    EXPECT_EQ(std::string_view(rest.data(), 2), "bc");
    EXPECT_EQ((co_await ends.second.Read(rest)).bytes, 1u);
  });
}

TEST_P(MessageTest, MoreThanFitsIsRefusedWhole) {
  ForEachKind([](Runtime&, Ends& ends) -> Task<> {
    const std::string much(64 << 20, 'm');
    IoResult put = co_await ends.first.Write(much);
    EXPECT_EQ(put.status.error_number(), EMSGSIZE);
    EXPECT_EQ(put.bytes, 0u);
    put = co_await ends.first.SendTo(much, {});
    EXPECT_EQ(put.status.error_number(), EMSGSIZE);
    char one = 'x';
    std::vector<iovec> parts(IOV_MAX + 1, iovec{&one, 1});
    put = co_await ends.first.Writev(parts);
    EXPECT_EQ(put.status.error_number(), EMSGSIZE);
    EXPECT_EQ(put.bytes, 0u);
    parts.pop_back();
    put = co_await ends.first.Writev(parts);
    EXPECT_TRUE(put.ok());
    std::vector<char> buffer(IOV_MAX + 1);
    // It is the first that arrives.
    EXPECT_EQ((co_await ends.second.Read(buffer)).bytes,
              static_cast<std::size_t>(IOV_MAX));
  });
}

// A writer that parks for room, in the middle of many.
TEST_P(MessageTest, BordersAreKeptWhenWritersPark) {
  ForEachKind([&](Runtime& runtime, Ends& ends) -> Task<> {
    constexpr int kMessages = 300;
    const std::string data(8000, 'p');
    std::atomic<bool> done = false;
    auto write = [&]() -> Task<> {
      for (int i = 0; i < kMessages; ++i) {
        const auto size = static_cast<std::size_t>(i * 20);
        EXPECT_TRUE(
            (co_await ends.first.Write(std::string_view(data).substr(0, size)))
                .ok());
      }
      // UDP may lose some, and this one too.
      do {
        EXPECT_TRUE((co_await ends.first.Write("last")).ok());
        if (ends.first.address().is_unix()) co_return;
        co_await runtime.Sleep(1ms);
      } while (!done.load());
    };
    JoinHandle<void> writer = runtime.Spawn(write());
    std::vector<char> buffer(data.size());
    int next = 0;
    for (;;) {
      const IoResult got = co_await ends.second.Read(buffer);
      EXPECT_TRUE(got.ok());
      if (!got.ok() || got.bytes == 4) break;
      // In their order, whatever was lost.
      EXPECT_EQ(got.bytes % 20, 0u);
      EXPECT_GE(static_cast<int>(got.bytes / 20), next);
      next = static_cast<int>(got.bytes / 20) + 1;
    }
    done = true;
    co_await std::move(writer);
  });
}

TEST_P(MessageTest, SockSeqpacketHasAnEndThatDiffersFromAnEmptyMessage) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    Ends ends = Pair(runtime, SOCK_SEQPACKET);
    for (const char* text : {"", "data", ""}) {
      EXPECT_TRUE((co_await ends.first.Write(text)).ok());
    }
    co_await ends.first.Close();
    std::array<char, 8> buffer;
    DatagramResult got = co_await ends.second.ReceiveFrom(buffer);
    EXPECT_TRUE(got.ok() && got.bytes == 0 && !got.end) << "data is behind it";
    got = co_await ends.second.ReceiveFrom(buffer);
    EXPECT_TRUE(got.ok() && got.bytes == 4 && !got.end);
    do {
      got = co_await ends.second.ReceiveFrom(buffer);
      EXPECT_TRUE(got.ok() && got.bytes == 0);
    } while (!got.end);
  });
}

TEST_P(MessageTest, AParkedReaderSeesTheEndOfSockSeqpacket) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    Ends ends = Pair(runtime, SOCK_SEQPACKET);
    auto receive = [](DatagramSocket& socket) -> Task<> {
      std::array<char, 8> buffer;
      const DatagramResult got = co_await socket.ReceiveFrom(buffer);
      EXPECT_TRUE(got.ok() && got.end);
    };
    JoinHandle<void> reader = runtime.Spawn(receive(ends.second));
    co_await runtime.Yield();
    ends.first.WithFd([](int fd) { ::shutdown(fd, SHUT_WR); });
    co_await std::move(reader);
  });
}

// Whichever handle adopts the socket, messages they are.
TEST_P(MessageTest, EveryHandleKeepsTheBorders) {
  const auto check = [](Descriptor& first, Descriptor& second) -> Task<> {
    EXPECT_TRUE((co_await first.Write("")).ok());
    EXPECT_TRUE((co_await first.Write("long")).ok());
    std::array<char, 2> buffer;
    IoResult got = co_await second.Read(buffer);
    EXPECT_TRUE(got.ok() && got.bytes == 0);
    got = co_await second.Read(buffer);
    EXPECT_EQ(got.status.error_number(), EMSGSIZE);
  };
  ForEachKind([&](Runtime& runtime, Ends& ends) -> Task<> {
    auto one = Again<Socket>(runtime, std::move(ends.first));
    auto two = Again<Descriptor>(runtime, std::move(ends.second));
    EXPECT_TRUE(one.ok()) << one.status();
    EXPECT_TRUE(two.ok()) << two.status();
    co_await check(*one, *two);
  });
  RunTest(threads(), [&](Runtime& runtime) -> Task<> {
    const int fd =
        ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const SocketAddress any = Parse("unix:(unnamed)");
    EXPECT_EQ(::bind(fd, any.data(), any.size()), 0);
    EXPECT_EQ(::listen(fd, 1), 0);
    auto listener = Listener::Adopt(runtime, fd);
    EXPECT_TRUE(listener.ok()) << listener.status();
    const int client =
        ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::connect(client, listener->address().data(),
                        listener->address().size()),
              0);
    AcceptResult accepted = co_await listener->Accept();
    auto socket = Socket::Adopt(runtime, client);
    co_await check(*socket, accepted.socket);
    co_await check(accepted.socket, *socket);
  });
}

// Streams stay streams.
TEST_P(MessageTest, AnEmptyWriteToAStreamIsNothing) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    EXPECT_TRUE((co_await ends->first.Write("")).ok());
    EXPECT_TRUE((co_await ends->first.Write("ab")).ok());
    EXPECT_TRUE((co_await ends->first.Write("cd")).ok());
    std::array<char, 3> buffer;
    const IoResult got = co_await ends->second.Read(buffer);
    EXPECT_TRUE(got.ok());
    EXPECT_EQ(got.bytes, 3u);
    auto pipe = Descriptor::Pipe(runtime);
    EXPECT_TRUE((co_await pipe->write.Write("")).ok());
    EXPECT_TRUE((co_await pipe->write.Write("ab")).ok());
    EXPECT_EQ((co_await pipe->read.Read(buffer)).bytes, 2u);
  });
}

}  // namespace
}  // namespace netpoll
