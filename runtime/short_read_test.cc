// SPDX-License-Identifier: Apache-2.0
//
// On most backends a read of a TCP stream that was short is followed by a wait,
// not by a read that would say EAGAIN. So whatever may follow a short read
// without a further edge is tried here: none may leave the reader waiting. What
// would be a hang is a timeout.

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "gtest/gtest.h"
#include "netpoll/runtime/address.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

// net.ipv4.tcp_stdurg: the byte behind the urgent one is taken out instead.
bool TheByteAfterTheMarkIsUrgent() {
  int on = 0;
  std::ifstream("/proc/sys/net/ipv4/tcp_stdurg") >> on;
  return on != 0;
}

class ShortReadTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(ShortReadTest);

// A blocking client, outside of the runtime.
class Peer {
 public:
  explicit Peer(const SocketAddress& address)
      : fd_(::socket(address.family(), SOCK_STREAM, 0)) {
    EXPECT_EQ(::connect(fd_, address.data(), address.size()), 0)
        << std::strerror(errno);
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() { Close(); }

  void Send(std::string_view data, int flags = 0) {
    while (!data.empty()) {
      const ssize_t sent =
          ::send(fd_, data.data(), data.size(), flags | MSG_NOSIGNAL);
      ASSERT_GT(sent, 0) << std::strerror(errno);
      data.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  void End() { ::shutdown(fd_, SHUT_WR); }
  void Reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    Close();
  }
  int fd() const { return fd_; }

 private:
  void Close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

  int fd_;
};

// One connection: a socket of the runtime, and its peer.
template <class Body>
void WithConnection(int threads, Body body) {
  RunTest(threads, [&body](Runtime& runtime) -> Task<> {
    auto listener =
        Listener::Listen(runtime, *SocketAddress::Parse("127.0.0.1:0"));
    EXPECT_TRUE(listener.ok()) << listener.status();
    if (!listener.ok()) co_return;
    Peer peer(listener->address());
    AcceptResult accepted = co_await listener->Accept();
    EXPECT_TRUE(accepted.ok());
    accepted.socket.SetReadDeadline(runtime.After(30s));
    co_await body(runtime, accepted.socket, peer);
  });
}

// Lets a worker poll, so that what has arrived is known before it is read, and
// leaves no edge behind.
Task<> LetEventsIn(Runtime& runtime) {
  for (int i = 0; i < 200; ++i) co_await runtime.Yield();
}

// What one read with plenty of room gets; "error" if it fails.
Task<std::string> ReadSome(Socket& socket) {
  std::array<char, 4096> buffer;
  const IoResult got = co_await socket.Read(buffer);
  if (!got.ok()) co_return "error: " + got.status.ToString();
  co_return std::string(buffer.data(), got.bytes);
}

TEST_P(ShortReadTest, TheEndOfTheStreamWaitsBehindTheData) {
  for (int round = 0; round < 100; ++round) {
    const bool known = round % 2 == 0;
    WithConnection(
        threads(),
        [known](Runtime& runtime, Socket& socket, Peer& peer) -> Task<> {
          peer.Send("abc");
          peer.End();
          if (known) co_await LetEventsIn(runtime);
          EXPECT_EQ(co_await ReadSome(socket), "abc");
          EXPECT_EQ(co_await ReadSome(socket), "");
          EXPECT_EQ(co_await ReadSome(socket), "");
        });
  }
}

TEST_P(ShortReadTest, TheEndComesLater) {
  WithConnection(threads(), [](Runtime&, Socket& socket, Peer& peer) -> Task<> {
    peer.Send("abc");
    EXPECT_EQ(co_await ReadSome(socket), "abc");
    peer.End();
    EXPECT_EQ(co_await ReadSome(socket), "");
    EXPECT_EQ(co_await ReadSome(socket), "");
  });
}

TEST_P(ShortReadTest, MoreDataAndTheEndComeWhileTheReaderIsElsewhere) {
  WithConnection(threads(),
                 [](Runtime& runtime, Socket& socket, Peer& peer) -> Task<> {
                   peer.Send("abc");
                   EXPECT_EQ(co_await ReadSome(socket), "abc");
                   peer.Send("def");
                   peer.End();
                   co_await LetEventsIn(runtime);
                   EXPECT_EQ(co_await ReadSome(socket), "def");
                   EXPECT_EQ(co_await ReadSome(socket), "");
                 });
}

TEST_P(ShortReadTest, TheConnectionIsResetLater) {
  WithConnection(threads(), [](Runtime&, Socket& socket, Peer& peer) -> Task<> {
    peer.Send("abc");
    EXPECT_EQ(co_await ReadSome(socket), "abc");
    peer.Reset();
    EXPECT_EQ(co_await ReadSome(socket), "error: ECONNRESET");
    EXPECT_EQ(co_await ReadSome(socket), "");
  });
}

TEST_P(ShortReadTest, AnUrgentMarkEndsTheReadShort) {
  WithConnection(
      threads(), [](Runtime& runtime, Socket& socket, Peer& peer) -> Task<> {
        peer.Send("ab");
        peer.Send("!", MSG_OOB);
        peer.Send("cd");
        co_await LetEventsIn(runtime);
        std::string all;
        while (all.size() < 4) {
          const std::string some = co_await ReadSome(socket);
          EXPECT_EQ(some.find("error"), std::string::npos) << some;
          if (some.empty() || some.find("error") != std::string::npos) break;
          all += some;
        }
        EXPECT_EQ(all, TheByteAfterTheMarkIsUrgent() ? "ab!d" : "abcd");
      });
}

TEST_P(ShortReadTest, ADeadlinePassesInBetween) {
  WithConnection(threads(),
                 [](Runtime& runtime, Socket& socket, Peer& peer) -> Task<> {
                   peer.Send("abc");
                   EXPECT_EQ(co_await ReadSome(socket), "abc");
                   socket.SetReadDeadline(Deadline::Past());
                   EXPECT_EQ(co_await ReadSome(socket), "error: timeout");
                   peer.Send("def");
                   EXPECT_EQ(co_await ReadSome(socket), "error: timeout");
                   socket.SetReadDeadline(runtime.After(30s));
                   EXPECT_EQ(co_await ReadSome(socket), "def");
                 });
}

TEST_P(ShortReadTest, WaitingForReadinessInBetween) {
  WithConnection(threads(), [](Runtime&, Socket& socket, Peer& peer) -> Task<> {
    peer.Send("abc");
    EXPECT_EQ(co_await ReadSome(socket), "abc");
    peer.Send("def");
    EXPECT_TRUE((co_await socket.WaitReadable()).ok());
    EXPECT_TRUE((co_await socket.WaitReadable()).ok());
    EXPECT_EQ(co_await ReadSome(socket), "def");
    peer.End();
    EXPECT_TRUE((co_await socket.WaitReadable()).ok());
    EXPECT_EQ(co_await ReadSome(socket), "");
  });
}

TEST_P(ShortReadTest, AnEmptyBufferSaysNothing) {
  WithConnection(threads(), [](Runtime&, Socket& socket, Peer& peer) -> Task<> {
    peer.Send("abc");
    EXPECT_TRUE((co_await socket.Read({})).ok());
    EXPECT_EQ(co_await ReadSome(socket), "abc");
    // Nor does it wait now that nothing is there.
    char byte;
    const std::array<iovec, 2> no_room{{{&byte, 0}, {nullptr, 0}}};
    EXPECT_EQ((co_await socket.Read({})).status, IoStatus());
    EXPECT_EQ((co_await socket.Readv(no_room)).status, IoStatus());
    EXPECT_EQ((co_await socket.Readv({})).status, IoStatus());
    peer.Send("def");
    EXPECT_EQ(co_await ReadSome(socket), "def");
  });
}

TEST_P(ShortReadTest, AUnixStreamEndsReadsAtPassedDescriptors) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    EXPECT_TRUE(ends.ok());
    if (!ends.ok()) co_return;
    ends->first.SetReadDeadline(runtime.After(30s));
    const int fd = ends->second.fd();
    char text[] = "ab";
    iovec part{.iov_base = text, .iov_len = 2};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    EXPECT_EQ(::sendmsg(fd, &message, 0), 2);
    EXPECT_EQ(::send(fd, "cd", 2, 0), 2);
    co_await LetEventsIn(runtime);
    EXPECT_EQ(co_await ReadSome(ends->first), "ab");
    EXPECT_EQ(co_await ReadSome(ends->first), "cd");
  });
}

// The byte at a position of the stream of the test below.
char ByteAt(std::size_t position) {
  return static_cast<char>(position * 2654435761u >> 24);
}

Task<> ReadAll(Socket& socket, unsigned seed, std::size_t* received) {
  std::minstd_rand random(seed);
  std::array<char, 512> buffer;
  for (;;) {
    const auto room = std::span(buffer).first(1 + random() % buffer.size());
    const IoResult got = co_await socket.Read(room);
    EXPECT_TRUE(got.ok()) << got.status.ToString();
    if (!got.ok() || got.bytes == 0) co_return;
    for (std::size_t i = 0; i < got.bytes; ++i) {
      EXPECT_EQ(buffer[i], ByteAt(*received + i));
    }
    *received += got.bytes;
  }
}

// Another thread sends pieces of all sizes, and the end at once behind the
// last: every read meets an arrival at another moment.
TEST_P(ShortReadTest, NothingIsLostBetweenReadsAndArrivals) {
  constexpr int kPieces = 3000;
  for (unsigned seed = 0; seed < 4; ++seed) {
    WithConnection(threads(),
                   [seed](Runtime&, Socket& socket, Peer& peer) -> Task<> {
                     std::size_t sent = 0;
                     std::thread sender([&peer, &sent, seed] {
                       std::minstd_rand random(seed + 100);
                       for (int i = 0; i < kPieces; ++i) {
                         std::string piece(1 + random() % 300, ' ');
                         for (char& byte : piece) byte = ByteAt(sent++);
                         peer.Send(piece);
                       }
                       peer.End();
                     });
                     std::size_t received = 0;
                     co_await ReadAll(socket, seed, &received);
                     sender.join();
                     EXPECT_EQ(received, sent);
                   });
  }
}

}  // namespace
}  // namespace netpoll
