// SPDX-License-Identifier: Apache-2.0
//
// Stream sockets beside reading and writing (socket_test.cc) and connecting
// (connect_test.cc): their names, and half of their end.

#include "netpoll/runtime/stream.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "netpoll/runtime/errno_status.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

class StreamTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(StreamTest);

// A connection, both ends here.
Task<Socket::Ends> Connection(Runtime& runtime, const char* any) {
  auto listener = Listener::Listen(runtime, *SocketAddress::Parse(any));
  auto first = co_await Socket::Connect(runtime, listener->address());
  AcceptResult accepted = co_await listener->Accept();
  EXPECT_TRUE(first.ok() && accepted.ok());
  Socket::Ends ends;
  ends.first = *std::move(first);
  ends.second = std::move(accepted.socket);
  co_return ends;
}

TEST_P(StreamTest, EachEndKnowsBothNames) {
  for (const char* any : {"127.0.0.1:0", "[::1]:0", "unix:(unnamed)"}) {
    RunTest(threads(), [any](Runtime& runtime) -> Task<> {
      Socket::Ends ends = co_await Connection(runtime, any);
      EXPECT_EQ(*ends.first.LocalAddress(), *ends.second.PeerAddress());
      EXPECT_EQ(*ends.first.PeerAddress(), *ends.second.LocalAddress());
      EXPECT_NE(*ends.first.LocalAddress(), *ends.first.PeerAddress());
    });
  }
}

TEST_P(StreamTest, APairHasNoNames) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    for (const Socket* end : {&ends->first, &ends->second}) {
      EXPECT_TRUE(end->LocalAddress()->is_unnamed());
      EXPECT_TRUE(end->PeerAddress()->is_unnamed());
    }
    co_return;
  });
}

TEST_P(StreamTest, NamesOfWhatIsClosedEmptyOrReset) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    Socket none;
    EXPECT_EQ(none.LocalAddress().status(),
              ToStatus(IoStatus::FromErrno(EBADF)));
    EXPECT_EQ(none.PeerAddress().status(),
              ToStatus(IoStatus::FromErrno(EBADF)));

    Socket::Ends ends = co_await Connection(runtime, "127.0.0.1:0");
    ends.first.WithFd([](int fd) {
      const linger reset{1, 0};
      ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    });
    co_await ends.first.Close();
    EXPECT_EQ(ends.first.LocalAddress().status().code(),
              absl::StatusCode::kCancelled);
    EXPECT_EQ(ends.first.PeerAddress().status().code(),
              absl::StatusCode::kCancelled);
    const absl::Status reset = ends.second.PeerAddress().status();
    EXPECT_TRUE(absl::StrContains(reset.message(), "ENOTCONN")) << reset;
    EXPECT_TRUE(ends.second.LocalAddress().ok());
  });
}

TEST_P(StreamTest, HalfOfItEnds) {
  for (const char* any : {"127.0.0.1:0", "[::1]:0", "unix:(unnamed)"}) {
    RunTest(threads(), [any](Runtime& runtime) -> Task<> {
      Socket::Ends ends = co_await Connection(runtime, any);
      EXPECT_TRUE((co_await ends.first.Write("last")).ok());
      EXPECT_TRUE(ends.first.ShutdownWrite().ok());
      std::array<char, 8> buffer;
      EXPECT_EQ((co_await ends.second.Read(buffer)).bytes, 4u);
      const IoResult end = co_await ends.second.Read(buffer);
      EXPECT_TRUE(end.ok() && end.bytes == 0);
      // The other half goes on.
      EXPECT_TRUE((co_await ends.second.Write("back")).ok());
      EXPECT_EQ((co_await ends.first.Read(buffer)).bytes, 4u);
      EXPECT_EQ((co_await ends.first.Write("x")).status.error_number(), EPIPE);
    });
  }
}

TEST_P(StreamTest, HalfAnEndOfWhatIsClosedEmptyOrReset) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    Socket none;
    EXPECT_EQ(none.ShutdownWrite().error_number(), EBADF);
    Socket::Ends ends = co_await Connection(runtime, "127.0.0.1:0");
    ends.first.WithFd([](int fd) {
      const linger reset{1, 0};
      ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    });
    co_await ends.first.Close();
    EXPECT_TRUE(ends.first.ShutdownWrite().closing());
    EXPECT_EQ(ends.second.ShutdownWrite().error_number(), ENOTCONN);
  });
}

TEST(StreamPair, NothingIsLeftOfAFailedOne) {
  const internal::SysOverride restore;
  static int closed;
  closed = 0;
  internal::sys.close = [](int fd) {
    ++closed;
    return ::close(fd);
  };
  Runtime runtime;
  runtime.Stop();
  EXPECT_EQ(Socket::Pair(runtime).status().code(),
            absl::StatusCode::kCancelled);
  EXPECT_EQ(closed, 2);
  internal::sys.socketpair = [](int, int, int, int*) {
    errno = EMFILE;
    return -1;
  };
  EXPECT_TRUE(
      absl::StrContains(Socket::Pair(runtime).status().message(), "EMFILE"));
}

}  // namespace
}  // namespace netpoll
