// SPDX-License-Identifier: Apache-2.0
//
// Sockets that others made: which are taken over, and what is said of the rest.

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

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

class AdoptTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(AdoptTest);

constexpr const char* kFamilies[] = {"127.0.0.1:0", "[::1]:0",
                                     "unix:(unnamed)"};

int Raw(const SocketAddress& address, int type = SOCK_STREAM | SOCK_NONBLOCK) {
  const int fd = ::socket(address.family(), type | SOCK_CLOEXEC, 0);
  EXPECT_EQ(::bind(fd, address.data(), address.size()), 0);
  return fd;
}

TEST_P(AdoptTest, AListeningSocketIsTakenOver) {
  for (const char* any : kFamilies) {
    RunTest(threads(), [any](Runtime& runtime) -> Task<> {
      const int fd = Raw(Parse(any));
      EXPECT_EQ(::listen(fd, 5), 0);
      // It waits since before.
      const int client = Client(NameOf(fd));
      auto listener = Listener::Adopt(runtime, fd);
      EXPECT_TRUE(listener.ok()) << listener.status();
      EXPECT_EQ(listener->address(), NameOf(fd));
      AcceptResult accepted = co_await listener->Accept();
      EXPECT_TRUE(accepted.ok());
      EXPECT_EQ(::write(client, "hello", 5), 5);
      std::array<char, 8> buffer;
      EXPECT_EQ((co_await accepted.socket.Read(buffer)).bytes, 5u);
      ::close(client);
      EXPECT_EQ((co_await accepted.socket.Read(buffer)).bytes, 0u);
    });
  }
}

template <class Handle>
void ExpectRefused(Runtime& runtime, int fd, absl::string_view why) {
  const absl::StatusOr<Handle> adopted = Handle::Adopt(runtime, fd);
  EXPECT_FALSE(adopted.ok());
  EXPECT_TRUE(absl::StrContains(adopted.status().message(), why))
      << adopted.status();
  EXPECT_TRUE(absl::StrContains(adopted.status().message(),
                                absl::StrCat("descriptor ", fd)))
      << adopted.status();
  EXPECT_TRUE(fd < 0 || ::close(fd) == 0) << "it stays the caller's";
}

TEST(ListenerAdopt, RefusesWhatDoesNotListen) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    for (const char* any : kFamilies) {
      ExpectRefused<Listener>(runtime, Raw(Parse(any)), "does not listen");
      ExpectRefused<Listener>(runtime,
                              Raw(Parse(any), SOCK_DGRAM | SOCK_NONBLOCK),
                              "does not listen");
    }
    int fds[2];
    EXPECT_EQ(::pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
    ExpectRefused<Listener>(runtime, fds[0], "no socket");
    ::close(fds[1]);
    const int blocking = Raw(Parse("127.0.0.1:0"), SOCK_STREAM);
    EXPECT_EQ(::listen(blocking, 1), 0);
    ExpectRefused<Listener>(runtime, blocking, "blocking mode");
    ExpectRefused<Listener>(runtime, -1, "not an open descriptor");
    co_return;
  });
}

TEST(ListenerAdopt, AnAddressThatCannotBeReadIsAnError) {
  const internal::SysOverride restore;
  internal::sys.getsockname = [](int, sockaddr*, socklen_t*) {
    errno = ENOBUFS;
    return -1;
  };
  RunTest(1, [](Runtime& runtime) -> Task<> {
    for (const char* any : kFamilies) {
      const int fd = Raw(Parse(any));
      EXPECT_EQ(::listen(fd, 1), 0);
      ExpectRefused<Listener>(runtime, fd, "address can't be read: ENOBUFS");
    }
    co_return;
  });
}

TEST(SocketAdopt, RefusesWhatIsNotConnected) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    for (const char* any : kFamilies) {
      const int listening = Raw(Parse(any));
      EXPECT_EQ(::listen(listening, 1), 0);
      ExpectRefused<Socket>(runtime, listening, "Listener::Adopt");
      ExpectRefused<Socket>(runtime, Raw(Parse(any)), "not connected");
      ExpectRefused<Socket>(runtime,
                            Raw(Parse(any), SOCK_DGRAM | SOCK_NONBLOCK),
                            "not connected");
    }
    int fds[2];
    EXPECT_EQ(::pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
    ExpectRefused<Socket>(runtime, fds[0], "Descriptor::Adopt");
    ::close(fds[1]);
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    ExpectRefused<Socket>(runtime, fds[0], "blocking mode");
    ::close(fds[1]);
    ExpectRefused<Socket>(runtime, -1, "not an open descriptor");
    co_return;
  });
}

}  // namespace
}  // namespace netpoll
