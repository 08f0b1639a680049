// SPDX-License-Identifier: Apache-2.0
//
// A deadline that has passed goes before everything: an operation that could
// be done at once is not done, says "timeout", and says so again; when the
// deadline is cleared it is done.

#include <poll.h>
#include <sys/uio.h>

#include <array>
#include <chrono>
#include <random>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "netpoll/core/deadline.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/socket_test_support.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

class PastDeadlineTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(PastDeadlineTest);

void ExpectTimeout(const IoResult& result) {
  EXPECT_TRUE(result.status.timeout()) << result.status.ToString();
  EXPECT_EQ(result.bytes, 0u);
}

TEST_P(PastDeadlineTest, EndsEveryOperationOfAReadyStream) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    Socket& socket = ends->first;
    EXPECT_TRUE((co_await ends->second.Write("there")).ok());
    socket.SetDeadline(Deadline::Past());
    std::array<char, 16> buffer;
    std::string text = "unwanted";
    for (int i = 0; i < 3; ++i) {
      iovec part{.iov_base = buffer.data(), .iov_len = buffer.size()};
      iovec data{.iov_base = text.data(), .iov_len = text.size()};
      ExpectTimeout(co_await socket.Read(buffer));
      ExpectTimeout(co_await socket.Readv({&part, 1}));
      ExpectTimeout(co_await socket.Write(text));
      ExpectTimeout(co_await socket.Writev({&data, 1}));
      EXPECT_TRUE((co_await socket.WaitReadable()).timeout());
      EXPECT_TRUE((co_await socket.WaitWritable()).timeout());
    }
    socket.SetDeadline(Deadline::None());
    EXPECT_TRUE((co_await socket.WaitReadable()).ok());
    EXPECT_TRUE((co_await socket.WaitWritable()).ok());
    EXPECT_EQ((co_await socket.Read(buffer)).bytes, 5u);
    EXPECT_TRUE((co_await socket.Write("back")).ok());
    EXPECT_EQ((co_await ends->second.Read(buffer)).bytes, 4u)
        << "a write that timed out was done";
  });
}

TEST_P(PastDeadlineTest, EndsAnAcceptThoughAClientWaits) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto listener = Listener::Listen(runtime, Loopback());
    auto client = co_await Socket::Connect(runtime, listener->address());
    EXPECT_TRUE(client.ok()) << client.status();
    listener->SetReadDeadline(Deadline::Past());
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE((co_await listener->Accept()).status.timeout());
    }
    listener->SetReadDeadline(Deadline::None());
    EXPECT_TRUE((co_await listener->Accept()).ok());
  });
}

TEST_P(PastDeadlineTest, EndsDatagramsThoughOneIsThere) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto a = DatagramSocket::Bind(runtime, Loopback());
    auto b = DatagramSocket::Bind(runtime, Loopback());
    EXPECT_TRUE((co_await a->SendTo("one", b->address())).ok());
    EXPECT_TRUE((co_await b->WaitReadable()).ok());
    a->SetWriteDeadline(Deadline::Past());
    b->SetReadDeadline(Deadline::Past());
    std::array<char, 16> buffer;
    for (int i = 0; i < 3; ++i) {
      ExpectTimeout(co_await a->SendTo("unwanted", b->address()));
      const auto none = co_await b->ReceiveFrom(buffer);
      EXPECT_TRUE(none.status.timeout()) << none.status.ToString();
      EXPECT_EQ(none.bytes, 0u);
    }
    a->SetWriteDeadline(Deadline::None());
    b->SetReadDeadline(Deadline::None());
    EXPECT_EQ((co_await b->ReceiveFrom(buffer)).bytes, 3u);
    EXPECT_TRUE((co_await a->SendTo("four", b->address())).ok());
    EXPECT_EQ((co_await b->ReceiveFrom(buffer)).bytes, 4u)
        << "a datagram that timed out was sent";
  });
}

// A Unix connect ends at once: the deadline must come first all the same.
TEST_P(PastDeadlineTest, MakesNoConnection) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    const std::string name =
        "unix:@netpoll-past-" + std::to_string(std::random_device()());
    for (const auto& where : {Loopback(), *SocketAddress::Parse(name)}) {
      auto listener = Listener::Listen(runtime, where);
      EXPECT_TRUE(listener.ok()) << listener.status();
      if (!listener.ok()) co_return;
      for (const Deadline deadline :
           {Deadline::Past(), runtime.After(-5s), runtime.After(0ns),
            Deadline::At(Runtime::Now())}) {
        auto socket =
            co_await Socket::Connect(runtime, listener->address(), deadline);
        EXPECT_EQ(socket.status().code(), absl::StatusCode::kDeadlineExceeded)
            << socket.status();
      }
      pollfd query{.fd = listener->fd(), .events = POLLIN, .revents = 0};
      EXPECT_EQ(::poll(&query, 1, 0), 0) << "somebody connected";
    }
  });
}

TEST_P(PastDeadlineTest, TheLatestDeadlineIsNotPast) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    const Deadline latest = runtime.After(std::chrono::nanoseconds::max());
    auto listener = Listener::Listen(runtime, Loopback());
    listener->SetDeadline(latest);
    auto client =
        co_await Socket::Connect(runtime, listener->address(), latest);
    EXPECT_TRUE(client.ok()) << client.status();
    AcceptResult accepted = co_await listener->Accept();
    EXPECT_TRUE(accepted.ok());
    client->SetDeadline(latest);
    EXPECT_TRUE((co_await client->Write("a")).ok());
    std::array<char, 1> buffer;
    EXPECT_EQ((co_await accepted.socket.Read(buffer)).bytes, 1u);
  });
}

}  // namespace
}  // namespace netpoll
