// SPDX-License-Identifier: Apache-2.0
//
// Sockets that the program hands in, over rings: streams are carried out by the
// worker's ring like those that the runtime made, whatever else there is waits
// for readiness, and no number is opened twice.

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "netpoll/core/deadline.h"
#include "netpoll/runtime/cancel.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/ring_test_support.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/socket_test_support.h"
#include "netpoll/runtime/task.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

// A stream that the program made: one end, and its peer, which is not the
// runtime's and closes with this.
struct Handed {
  explicit Handed(int flags = SOCK_NONBLOCK) {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0, fds),
              0);
    end = fds[0];
    peer = fds[1];
  }
  Handed(const Handed&) = delete;
  Handed& operator=(const Handed&) = delete;
  ~Handed() { ::close(peer); }

  // Writes to the other end.
  void Say(const std::string& text) const {
    EXPECT_EQ(::send(peer, text.data(), text.size(), 0),
              static_cast<ssize_t>(text.size()));
  }

  int end;
  int peer;
};

Socket Adopted(Runtime& runtime, int fd) {
  auto socket = Socket::Adopt(runtime, fd);
  EXPECT_TRUE(socket.ok()) << socket.status();
  return *std::move(socket);
}

bool HasCalls(const Descriptor& descriptor) {
  return internal::StateOf(descriptor)->calls != nullptr;
}

TEST_F(RingTest, WhatIsHandedInIsMovedByTheRingAlone) {
  RunInRing([](Runtime& runtime) -> Task<> {
    const Handed handed;
    Socket socket = Adopted(runtime, handed.end);
    std::string buffer(64, ' ');
    for (int i = 0; i < 100; ++i) {
      const std::string text = "message " + std::to_string(i);
      JoinHandle<IoResult> reader = runtime.Spawn(ReadInto(socket, buffer));
      if (i % 2 == 0) co_await Settle(runtime, 1);
      handed.Say(text);
      const IoResult got = co_await std::move(reader);
      EXPECT_EQ(buffer.substr(0, got.bytes), text);
      EXPECT_TRUE((co_await socket.Write(text)).ok());
      std::array<char, 64> heard;
      EXPECT_EQ(::recv(handed.peer, heard.data(), heard.size(), 0),
                static_cast<ssize_t>(text.size()));
    }
    EXPECT_TRUE(OnlyByRing(socket));
    ::shutdown(handed.peer, SHUT_WR);
    EXPECT_EQ((co_await socket.Read(buffer)).bytes, 0u);
  });
}

TEST_F(RingTest, AConnectionAndAListenerThatAreHandedInAreTheRings) {
  RunInRing([](Runtime& runtime) -> Task<> {
    const int listening =
        ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const SocketAddress any = Loopback();
    EXPECT_EQ(::bind(listening, any.data(), any.size()), 0);
    EXPECT_EQ(::listen(listening, 5), 0);
    auto listener = Listener::Adopt(runtime, listening);
    EXPECT_TRUE(listener.ok()) << listener.status();
    JoinHandle<AcceptResult> accept =
        runtime.Spawn([](Listener& of) -> Task<AcceptResult> {
          co_return co_await of.Accept();
        }(*listener));
    co_await Settle(runtime, 1);
    const int client = Client(listener->address());
    ::fcntl(client, F_SETFL, O_NONBLOCK);
    auto connected = Descriptor::Adopt(runtime, client);
    EXPECT_TRUE(connected.ok()) << connected.status();
    AcceptResult accepted = co_await std::move(accept);
    EXPECT_TRUE(accepted.ok()) << accepted.status.ToString();
    std::string buffer(8, ' ');
    JoinHandle<IoResult> reader =
        runtime.Spawn(ReadInto(accepted.socket, buffer));
    co_await Settle(runtime, 1);
    EXPECT_TRUE((co_await connected->Write("abc")).ok());
    EXPECT_EQ((co_await std::move(reader)).bytes, 3u);
    EXPECT_TRUE(OnlyByRing(*listener));
    EXPECT_TRUE(OnlyByRing(*connected));
    EXPECT_TRUE(OnlyByRing(accepted.socket));
  });
}

TEST_F(RingTest, ADeadlineEndsACallOfWhatWasHandedInAndLosesNothing) {
  RunInRing([](Runtime& runtime) -> Task<> {
    const Handed handed;
    Socket socket = Adopted(runtime, handed.end);
    for (int i = 0; i < 20; ++i) {
      std::string buffer(8, ' ');
      socket.SetReadDeadline(runtime.After(100us));
      const IoResult none = co_await socket.Read(buffer);
      EXPECT_TRUE(none.status.timeout()) << none.status.ToString();
      handed.Say("abc");
      socket.SetReadDeadline(Deadline::None());
      const IoResult got = co_await socket.Read(buffer);
      EXPECT_EQ(buffer.substr(0, got.bytes), "abc");
    }
    EXPECT_TRUE(OnlyByRing(socket));
  });
}

TEST_F(RingTest, AScopeEndsACallOfWhatWasHandedInAndBytesThatHadComeWin) {
  RunInRing([](Runtime& runtime) -> Task<> {
    const Handed handed;
    Socket socket = Adopted(runtime, handed.end);
    for (const bool speaks : {false, true}) {
      CancelSource source;
      std::string buffer(8, ' ');
      JoinHandle<IoResult> reader =
          runtime.Spawn(ReadUntil(source, socket, buffer));
      co_await Settle(runtime, 1);
      if (speaks) handed.Say("abc");
      source.Cancel();
      const IoResult got = co_await std::move(reader);
      EXPECT_EQ(got.status.cancelled(), !speaks) << got.status.ToString();
      EXPECT_EQ(got.bytes, speaks ? 3u : 0u);
    }
  });
}

TEST_F(RingTest, ACloseEndsBothCallsOfWhatWasHandedInAndThenTheDescriptor) {
  RunInRing([](Runtime& runtime) -> Task<> {
    const Handed handed;
    Socket socket = Adopted(runtime, handed.end);
    std::string buffer(8, ' ');
    const std::string data(8 << 20, 'x');
    JoinHandle<IoResult> reader = runtime.Spawn(ReadInto(socket, buffer));
    JoinHandle<IoResult> writer =
        runtime.Spawn([](Socket& to, const std::string& all) -> Task<IoResult> {
          co_return co_await to.Write(all);
        }(socket, data));
    co_await Settle(runtime, 2);
    EXPECT_TRUE((co_await socket.Close()).ok());
    EXPECT_TRUE(reader.ended() && writer.ended());
    EXPECT_TRUE((co_await std::move(reader)).status.closing());
    EXPECT_TRUE((co_await std::move(writer)).status.closing());
    EXPECT_EQ(::fcntl(handed.end, F_GETFD), -1) << "it is open";
    // The peer sees it: the system holds nothing of it.
    std::string rest(1 << 20, ' ');
    ssize_t got;
    do {
      got = ::recv(handed.peer, rest.data(), rest.size(), 0);
    } while (got > 0);
    EXPECT_EQ(got, 0);
  });
}

std::string WhyNot(Runtime& runtime, int fd) {
  return std::string(Descriptor::Adopt(runtime, fd).status().message());
}

TEST_F(RingTest, WhatIsOpenIsRefusedUntilItHasEnded) {
  RunInRing([](Runtime& runtime) -> Task<> {
    const Handed handed;
    Socket socket = Adopted(runtime, handed.end);
    for (int i = 0; i < 2; ++i) {
      EXPECT_TRUE(absl::StrContains(WhyNot(runtime, handed.end),
                                    "open in this runtime already"));
    }
    // What the runtime made is known as well.
    auto made = Socket::Pair(runtime);
    EXPECT_TRUE(absl::StrContains(WhyNot(runtime, made->first.fd()),
                                  "open in this runtime already"));
    // Given back, and handed in again; whatever waits is ended first.
    std::string buffer(8, ' ');
    JoinHandle<IoResult> reader = runtime.Spawn(ReadInto(socket, buffer));
    co_await Settle(runtime, 1);
    EXPECT_TRUE((co_await socket.Detach()).ok());
    EXPECT_TRUE((co_await std::move(reader)).status.closing());
    Socket again = Adopted(runtime, handed.end);
    handed.Say("abc");
    EXPECT_EQ((co_await again.Read(buffer)).bytes, 3u);
    EXPECT_TRUE(OnlyByRing(again));
    EXPECT_TRUE((co_await again.Close()).ok());
    // The number is another's now.
    const Handed next;
    EXPECT_EQ(next.end, handed.end);
    Socket other = Adopted(runtime, next.end);
    next.Say("abcd");
    EXPECT_EQ((co_await other.Read(buffer)).bytes, 4u);
  });
}

TEST_F(RingTest, WhatIsRefusedStaysTheProgramsAndIsNotRemembered) {
  RunInRing([](Runtime& runtime) -> Task<> {
    const Handed handed;
    const Handed blocking(0);
    for (int i = 0; i < 2; ++i) {
      EXPECT_TRUE(absl::StrContains(WhyNot(runtime, blocking.end), "blocking"));
      const int memory = ::memfd_create("memory", MFD_CLOEXEC);
      ::fcntl(memory, F_SETFL, O_NONBLOCK);
      EXPECT_TRUE(absl::StrContains(WhyNot(runtime, memory), "a regular file"));
      ::close(memory);
    }
    runtime.Stop();
    for (int i = 0; i < 2; ++i) {
      const absl::Status status = Socket::Adopt(runtime, handed.end).status();
      EXPECT_TRUE(absl::StrContains(status.message(), "stopping")) << status;
    }
    EXPECT_EQ(::close(handed.end), 0);
    EXPECT_EQ(::close(blocking.end), 0);
    co_return;
  });
}

TEST_F(RingTest, WhatTheRingCannotCarryOutIsServedByReadiness) {
  RunInRing([](Runtime& runtime) -> Task<> {
    std::string buffer(8, ' ');
    // A pipe.
    int fds[2];
    EXPECT_EQ(::pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
    auto pipe = Descriptor::Adopt(runtime, fds[0]);
    EXPECT_FALSE(HasCalls(*pipe));
    JoinHandle<IoResult> reader =
        runtime.Spawn([](Descriptor& of, std::string& room) -> Task<IoResult> {
          co_return co_await of.Read(room);
        }(*pipe, buffer));
    co_await Settle(runtime, 1);
    EXPECT_EQ(::write(fds[1], "abc", 3), 3);
    EXPECT_EQ((co_await std::move(reader)).bytes, 3u);
    ::close(fds[1]);
    // A counter.
    auto counter =
        Descriptor::Adopt(runtime, ::eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC));
    EXPECT_FALSE(HasCalls(*counter));
    EXPECT_EQ((co_await counter->Read(buffer)).bytes, 8u);
    // Sockets whose messages have bounds: two stay two.
    for (const int type : {SOCK_DGRAM, SOCK_SEQPACKET}) {
      EXPECT_EQ(
          ::socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
          0);
      auto socket = Descriptor::Adopt(runtime, fds[0]);
      EXPECT_FALSE(HasCalls(*socket));
      EXPECT_EQ(::send(fds[1], "abc", 3, 0), 3);
      EXPECT_EQ(::send(fds[1], "d", 1, 0), 1);
      EXPECT_EQ((co_await socket->Read(buffer)).bytes, 3u);
      EXPECT_EQ((co_await socket->Read(buffer)).bytes, 1u);
      ::close(fds[1]);
    }
  });
}

TEST_F(RingTest, WhatWasHandedInWaitsForReadinessWhenItMust) {
  RunInRing([](Runtime& runtime) -> Task<> {
    const Handed handed;
    Socket socket = Adopted(runtime, handed.end);
    JoinHandle<IoStatus> waiter =
        runtime.Spawn([](Socket& of) -> Task<IoStatus> {
          co_return co_await of.WaitReadable();
        }(socket));
    co_await Settle(runtime, 1);
    EXPECT_FALSE(waiter.ended());
    handed.Say("abc");
    EXPECT_TRUE((co_await std::move(waiter)).ok());
    EXPECT_FALSE(OnlyByRing(socket));
    EXPECT_TRUE(absl::StrContains(WhyNot(runtime, handed.end),
                                  "open in this runtime already"));
    std::string buffer(8, ' ');
    EXPECT_EQ((co_await socket.Read(buffer)).bytes, 3u);
    handed.Say("ab");
    EXPECT_EQ((co_await socket.Read(buffer)).bytes, 2u);
  });
}

// It stays with the poller of its number, and is served by the ring of whoever
// runs the task.
TEST_F(RingTest, WhatWasHandedInIsServedByTheRingsOfSeveralWorkers) {
  RunInRings(2, [](Runtime& runtime) -> Task<> {
    for (int i = 0; i < 40; ++i) {
      const Handed handed;
      Socket socket = Adopted(runtime, handed.end);
      EXPECT_TRUE(absl::StrContains(WhyNot(runtime, handed.end),
                                    "open in this runtime already"));
      std::string buffer(8, ' ');
      const int worker = i % 2;
      JoinHandle<IoResult> reader =
          runtime.Spawn(ReadInto(socket, buffer), {.worker = worker});
      if (i % 4 < 2) co_await Settle(runtime, 1);
      if (i % 3 == 0) {
        socket.SetReadDeadline(Deadline::Past());
        const IoResult none = co_await std::move(reader);
        EXPECT_TRUE(none.status.timeout()) << none.status.ToString();
      } else {
        handed.Say("abc");
        EXPECT_EQ((co_await std::move(reader)).bytes, 3u);
      }
      EXPECT_TRUE(OnlyByRing(socket));
    }
  });
}

}  // namespace
}  // namespace netpoll
