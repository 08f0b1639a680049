// SPDX-License-Identifier: Apache-2.0
//
// Descriptors and credentials over Unix sockets.

#include "netpoll/runtime/unix_message.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/socket_test_support.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

class UnixMessageTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(UnixMessageTest);

TEST_P(UnixMessageTest, DescriptorsArriveWithTheirBytes) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = *Socket::Pair(runtime);
    auto pipe = *Descriptor::Pipe(runtime);
    auto listener = *Listener::Listen(runtime, Loopback());
    const std::array<int, 2> fds{pipe.write.fd(), listener.fd()};
    std::array<char, 8> buffer;
    auto receive = [&]() -> Task<UnixMessage> {
      co_return co_await ReceiveDescriptors(ends.second, buffer);
    };
    JoinHandle<UnixMessage> receiver = runtime.Spawn(receive());
    EXPECT_TRUE((co_await SendDescriptors(ends.first, "take", fds)).ok());
    UnixMessage got = co_await std::move(receiver);
    EXPECT_EQ(std::string_view(buffer.data(), got.bytes), "take");
    EXPECT_EQ(got.descriptors.size(), 2u);
    EXPECT_FALSE(got.truncated);
    EXPECT_FALSE(got.sender.has_value());
    for (const OwnedFd& fd : got.descriptors) {
      EXPECT_EQ(::fcntl(fd.get(), F_GETFD), FD_CLOEXEC);
    }
    // They work: a pipe's end, and a listener.
    auto write = Descriptor::Adopt(runtime, got.descriptors[0].Release());
    EXPECT_TRUE((co_await write->Write("x")).ok());
    EXPECT_EQ((co_await pipe.read.Read(buffer)).bytes, 1u);
    auto taken = Listener::Adopt(runtime, got.descriptors[1].Release());
    EXPECT_EQ(taken->address(), listener.address());
    // Nothing more came, and an end is one.
    EXPECT_TRUE((co_await SendDescriptors(ends.first, "z", {})).ok());
    got = co_await ReceiveDescriptors(ends.second, buffer);
    EXPECT_TRUE(got.descriptors.empty());
    co_await ends.first.Close();
    got = co_await ReceiveDescriptors(ends.second, buffer);
    EXPECT_TRUE(got.ok());
    EXPECT_EQ(got.bytes, 0u);
  });
}

TEST_P(UnixMessageTest, EachSendKeepsItsOwnDescriptors) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = *Socket::Pair(runtime);
    const std::array<int, 1> one{ends.first.fd()};
    const std::array<int, 2> two{ends.first.fd(), ends.second.fd()};
    (void)co_await SendDescriptors(ends.first, "a", one);
    (void)co_await SendDescriptors(ends.first, "b", two);
    std::array<char, 8> buffer;
    UnixMessage got = co_await ReceiveDescriptors(ends.second, buffer);
    EXPECT_EQ(got.bytes, 1u);
    EXPECT_EQ(got.descriptors.size(), 1u);
    got = co_await ReceiveDescriptors(ends.second, buffer);
    EXPECT_EQ(got.descriptors.size(), 2u);
  });
}

TEST_P(UnixMessageTest, WhatIsLongIsSentWholeAndItsDescriptorsOnce) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = *Socket::Pair(runtime);
    const std::string text(1 << 20, 'x');
    const std::array<int, 1> one{ends.first.fd()};
    auto send = [&]() -> Task<> {
      const IoResult put = co_await SendDescriptors(ends.first, text, one);
      EXPECT_EQ(put.bytes, text.size());
    };
    JoinHandle<void> sender = runtime.Spawn(send());
    std::vector<char> buffer(1 << 16);
    std::size_t bytes = 0;
    std::size_t passed = 0;
    while (bytes < text.size()) {
      UnixMessage got = co_await ReceiveDescriptors(ends.second, buffer);
      EXPECT_TRUE(got.ok()) << got.status.ToString();
      bytes += got.bytes;
      passed += got.descriptors.size();
    }
    EXPECT_EQ(passed, 1u);
    co_await std::move(sender);
  });
}

TEST_P(UnixMessageTest, CredentialsAreTheSystemsWord) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = *Socket::Pair(runtime);
    const Credentials self{::getpid(), ::getuid(), ::getgid()};
    const auto peer = PeerCredentials(ends.first);
    EXPECT_EQ(peer.value(), self);
    EXPECT_TRUE(ReceiveCredentials(ends.second).ok());
    EXPECT_TRUE((co_await ends.first.Write("hello")).ok());
    std::array<char, 8> buffer;
    const UnixMessage got = co_await ReceiveDescriptors(ends.second, buffer);
    EXPECT_EQ(got.sender.value_or(Credentials{}), self);
    EXPECT_EQ(got.bytes, 5u);

    auto tcp = *Listener::Listen(runtime, Loopback());
    EXPECT_FALSE(PeerCredentials(tcp).ok());
    co_await ends.first.Close();
    EXPECT_EQ(PeerCredentials(ends.first).status().code(),
              absl::StatusCode::kCancelled);
    EXPECT_FALSE(ReceiveCredentials(Socket()).ok());
  });
}

TEST_P(UnixMessageTest, DatagramsCarryThemToo) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto server = DatagramSocket::Bind(runtime, Parse("unix:(unnamed)"));
    auto client = DatagramSocket::Connect(runtime, server->address());
    const std::array<int, 1> one{client->fd()};
    EXPECT_TRUE((co_await SendDescriptors(*client, "", one)).ok());
    std::array<char, 2> buffer;
    UnixMessage got = co_await ReceiveDescriptors(*server, buffer);
    EXPECT_TRUE(got.ok()) << got.status.ToString();
    EXPECT_EQ(got.descriptors.size(), 1u);
    EXPECT_TRUE((co_await SendDescriptors(*client, "long", one)).ok());
    got = co_await ReceiveDescriptors(*server, buffer);
    EXPECT_EQ(got.status.error_number(), EMSGSIZE);
    EXPECT_EQ(got.descriptors.size(), 1u);
  });
}

TEST(UnixMessage, MisuseIsAnError) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    auto ends = *Socket::Pair(runtime);
    const auto error = [&](std::string_view data,
                           std::span<const int> fds) -> Task<int> {
      co_return (co_await SendDescriptors(ends.first, data, fds))
          .status.error_number();
    };
    const std::array<int, 1> one{ends.first.fd()};
    EXPECT_EQ(co_await error("", one), EINVAL);
    const std::array<int, 1> bad{-1};
    EXPECT_EQ(co_await error("x", bad), EBADF);
    const std::vector<int> many(254, ends.first.fd());
    EXPECT_EQ(co_await error("x", many), EINVAL);
    EXPECT_EQ(
        (co_await SendDescriptors(Socket(), "x", one)).status.error_number(),
        EBADF);
    // TCP would send the byte alone, and say that all is well.
    auto listener = *Listener::Listen(runtime, Loopback());
    auto tcp = *co_await Socket::Connect(runtime, listener.address());
    EXPECT_EQ((co_await SendDescriptors(tcp, "x", one)).status.error_number(),
              EOPNOTSUPP);
  });
}

TEST(UnixMessage, WithoutDescriptorsLeftWhatIsLostIsSaid) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    auto ends = *Socket::Pair(runtime);
    const std::array<int, 2> two{ends.first.fd(), ends.second.fd()};
    EXPECT_TRUE((co_await SendDescriptors(ends.first, "x", two)).ok());
    rlimit before{};
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const int next = ::dup(0);
    ::close(next);
    const rlimit tight{static_cast<rlim_t>(next) + 1, before.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
    std::array<char, 2> buffer;
    const UnixMessage got = co_await ReceiveDescriptors(ends.second, buffer);
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_TRUE(got.truncated);
    EXPECT_EQ(got.descriptors.size(), 1u);
    EXPECT_EQ(got.bytes, 1u);
  });
}

}  // namespace
}  // namespace netpoll
