// SPDX-License-Identifier: Apache-2.0
//
// Exact numbers of bytes, lines and records.

#include "netpoll/runtime/buffered_reader.h"

#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "gtest/gtest.h"
#include "netpoll/runtime/byte_stream.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/socket_test_support.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

static_assert(ByteStream<Socket> && ByteStream<Descriptor>);
static_assert(!ByteStream<DatagramResult>);

// Two bytes at a time, from a text: a layer that is coroutines.
class Slow {
 public:
  explicit Slow(std::string text) : text_(std::move(text)) {}
  Task<IoResult> Read(std::span<char> buffer) {
    const std::size_t count =
        std::min({buffer.size(), std::size_t{2}, text_.size()});
    text_.copy(buffer.data(), count);
    text_.erase(0, count);
    co_return IoResult{count, {}};
  }
  Task<IoResult> Write(std::string_view data) {
    co_return IoResult{data.size(), {}};
  }
  Task<IoStatus> Close() { co_return IoStatus(); }

 private:
  std::string text_;
};
static_assert(ByteStream<Slow>);

class BufferedReaderTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(BufferedReaderTest);

// In pieces of every size, with a turn between them.
TEST_P(BufferedReaderTest, ReadsTheSameHoweverItArrives) {
  const std::string text = "GET / HTTP/1.1\r\nHost: a\r\n\r\nbody!tail";
  for (std::size_t piece = 1; piece <= text.size(); piece += 3) {
    RunTest(threads(), [&](Runtime& runtime) -> Task<> {
      auto ends = *Socket::Pair(runtime);
      auto write = [&]() -> Task<> {
        for (std::size_t at = 0; at < text.size(); at += piece) {
          EXPECT_TRUE((co_await ends.first.Write(text.substr(at, piece))).ok());
          co_await runtime.Yield();
        }
        ends.first.CloseNow();
      };
      JoinHandle<void> writer = runtime.Spawn(write());
      BufferedReader reader(ends.second, 16);
      EXPECT_EQ((co_await reader.ReadUntil("\r\n")).data, "GET / HTTP/1.1\r\n");
      EXPECT_EQ((co_await reader.ReadUntil('\n')).data, "Host: a\r\n");
      EXPECT_EQ((co_await reader.ReadUntil("\r\n")).data, "\r\n");
      EXPECT_EQ((co_await reader.ReadExactly(5)).data, "body!");
      const ReadResult rest = co_await reader.ReadUntil('\n');
      EXPECT_EQ(rest.status.error_number(), ENODATA);
      EXPECT_EQ(rest.data, "tail");
      const ReadResult end = co_await reader.ReadExactly(1);
      EXPECT_EQ(end.status.error_number(), ENODATA);
      EXPECT_EQ(end.data, "");
      co_await std::move(writer);
    });
  }
}

TEST(BufferedReader, OfALayerThatIsCoroutines) {
  RunTest(1, [](Runtime&) -> Task<> {
    Slow slow("one\ntwo\nthree");
    BufferedReader reader(slow, 8);
    EXPECT_EQ((co_await reader.ReadUntil('\n')).data, "one\n");
    EXPECT_EQ((co_await reader.ReadUntil('\n')).data, "two\n");
    EXPECT_EQ((co_await reader.ReadSome()).data, "th");
    EXPECT_EQ((co_await reader.ReadExactly(3)).data, "ree");
  });
}

// A body that is longer than the buffer goes where it belongs, and the call
// that brings its end brings what follows.
TEST(BufferedReader, ABodyGoesStraightToItsPlace) {
  static int calls;
  const internal::SysOverride restore;
  internal::sys.readv = [](int fd, const iovec* parts, int count) {
    ++calls;
    return ::readv(fd, parts, count);
  };
  calls = 0;
  RunTest(1, [](Runtime& runtime) -> Task<> {
    auto ends = *Socket::Pair(runtime);
    const std::string body(10'000, 'b');
    EXPECT_TRUE((co_await ends.first.Write("head\n" + body + "next\n")).ok());
    BufferedReader reader(ends.second, 16);
    EXPECT_EQ((co_await reader.ReadUntil('\n')).data, "head\n");
    std::string got(body.size(), '\0');
    const IoResult all = co_await reader.ReadInto(got);
    EXPECT_TRUE(all.ok()) << all.status.ToString();
    EXPECT_EQ(got, body);
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(reader.Buffered(), "next\n");
    got.assign(3, '\0');
    EXPECT_EQ((co_await reader.ReadInto(got)).bytes, 3u);
    EXPECT_EQ(got, "nex");
    EXPECT_EQ(calls, 1);
    // Nothing of a part is lost.
    ends.second.SetReadDeadline(runtime.After(1ms));
    EXPECT_TRUE((co_await ends.first.Write("xyz")).ok());
    const IoResult part = co_await reader.ReadInto(got = std::string(9, '\0'));
    EXPECT_TRUE(part.status.timeout());
    EXPECT_EQ(got.substr(0, part.bytes), "t\nxyz");
    ends.second.SetReadDeadline(Deadline::None());
    ends.first.CloseNow();
    const IoResult none = co_await reader.ReadInto(got);
    EXPECT_EQ(none.status.error_number(), ENODATA);
  });
  Slow slow("head\nbody");
  BufferedReader reader(slow, 2);
  RunTest(1, [&](Runtime&) -> Task<> {
    std::string got(7, '\0');
    EXPECT_TRUE((co_await reader.ReadInto(got)).ok());
    EXPECT_EQ(got, "head\nbo");
    EXPECT_EQ((co_await reader.ReadInto(got)).bytes, 2u);
  });
}

TEST(BufferedReader, WhatDoesNotFitIsAnErrorAndStays) {
  RunTest(1, [](Runtime&) -> Task<> {
    Slow slow("0123456789\n");
    BufferedReader reader(slow, 4);
    EXPECT_EQ((co_await reader.ReadExactly(5)).status.error_number(), EMSGSIZE);
    ReadResult line = co_await reader.ReadUntil('\n');
    EXPECT_EQ(line.status.error_number(), EMSGSIZE);
    EXPECT_EQ(reader.Buffered(), "0123");
    EXPECT_EQ((co_await reader.Fill()).status.error_number(), EMSGSIZE);
    EXPECT_EQ(reader.Take(2), "01");
    EXPECT_EQ((co_await reader.ReadExactly(4)).data, "2345");
  });
}

TEST(BufferedReader, ATimeoutLosesNothing) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    auto ends = *Socket::Pair(runtime);
    EXPECT_TRUE((co_await ends.first.Write("half")).ok());
    BufferedReader reader(ends.second);
    ends.second.SetReadDeadline(runtime.After(1ms));
    EXPECT_TRUE((co_await reader.ReadUntil('\n')).status.timeout());
    ends.second.SetReadDeadline(Deadline::None());
    EXPECT_TRUE((co_await ends.first.Write(" whole\n")).ok());
    EXPECT_EQ((co_await reader.ReadUntil('\n')).data, "half whole\n");
  });
}

// A flood of lines in the buffer: the others have their turn.
TEST(BufferedReader, WhatIsThereIsPaidForToo) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    Slow slow("");
    BufferedReader reader(slow);
    auto ends = *Socket::Pair(runtime);
    BufferedReader lines(ends.second);
    EXPECT_TRUE((co_await ends.first.Write(std::string(4000, '\n'))).ok());
    EXPECT_TRUE((co_await lines.ReadUntil('\n')).ok());
    bool ran = false;
    auto other = [&]() -> Task<> {
      ran = true;
      co_return;
    };
    JoinHandle<void> handle = runtime.Spawn(other());
    int before = 0;
    while (!ran && before < 3000) {
      EXPECT_TRUE((co_await lines.ReadUntil('\n')).ok());
      ++before;
    }
    EXPECT_LT(before, 100);
    co_await std::move(handle);
  });
}

TEST_P(BufferedReaderTest, ExactlyIsAllOrAnError) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto listener = *Listener::Listen(runtime, Loopback());
    auto client = *co_await Socket::Connect(runtime, listener.address());
    AcceptResult accepted = co_await listener.Accept();
    const std::string text(300'000, 'x');
    auto write = [&]() -> Task<> {
      for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE((co_await client.Write(text)).ok());
        co_await runtime.Sleep(1ms);
      }
      client.CloseNow();
    };
    JoinHandle<void> writer = runtime.Spawn(write());
    std::vector<std::byte> bytes(2 * text.size());
    const IoResult got = co_await accepted.socket.ReadExactly(bytes);
    EXPECT_TRUE(got.ok()) << got.status.ToString();
    EXPECT_EQ(got.bytes, bytes.size());
    EXPECT_EQ(bytes.back(), std::byte{'x'});
    const IoResult less = co_await accepted.socket.ReadExactly(bytes);
    EXPECT_EQ(less.status.error_number(), ENODATA);
    EXPECT_EQ(less.bytes, text.size());
    EXPECT_TRUE(
        (co_await accepted.socket.ReadExactly(std::span<std::byte>())).ok());
    co_await std::move(writer);
  });
}

TEST(ReadExactly, OfMessagesAndOfBytes) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    auto server = DatagramSocket::Bind(runtime, Loopback());
    auto client = DatagramSocket::Connect(runtime, server->address());
    const std::array<std::byte, 2> half{std::byte{1}, std::byte{2}};
    EXPECT_TRUE((co_await client->Write(half)).ok());
    EXPECT_TRUE((co_await client->Write(half)).ok());
    std::array<std::byte, 4> all;
    EXPECT_EQ((co_await server->ReadExactly(all)).bytes, 4u);
    EXPECT_EQ(all[3], std::byte{2});
    EXPECT_TRUE((co_await client->Write(half)).ok());
    std::array<std::byte, 1> little;
    EXPECT_EQ((co_await server->ReadExactly(little)).status.error_number(),
              EMSGSIZE);
    EXPECT_TRUE((co_await client->Write(half)).ok());
    EXPECT_EQ((co_await server->Read(all)).bytes, 2u);
  });
}

}  // namespace
}  // namespace netpoll
