// SPDX-License-Identifier: Apache-2.0
//
// Bytes that do not pass through the program: sendfile and splice.

#include "netpoll/runtime/send_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "netpoll/runtime/cancel.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/socket_test_support.h"
#include "netpoll/runtime/splice.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

class SendFileTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(SendFileTest);

// A file with `text`.
int FileWith(const std::string& text) {
  const int fd = ::memfd_create("text", MFD_CLOEXEC);
  EXPECT_EQ(::write(fd, text.data(), text.size()),
            static_cast<ssize_t>(text.size()));
  return fd;
}

std::string Text(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    text[i] = static_cast<char>('a' + i % 23);
  }
  return text;
}

// All that comes until the end.
Task<std::string> ReadAll(Descriptor& from) {
  std::string all;
  std::vector<char> buffer(10'000);
  for (;;) {
    const IoResult got = co_await from.Read(buffer);
    if (!got.ok() || got.bytes == 0) co_return all;
    all.append(buffer.data(), got.bytes);
  }
}

TEST_P(SendFileTest, APartOfAFileArrivesWhole) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    const std::string text = Text(3 << 20);
    const int file = FileWith(text);
    auto ends = *Socket::Pair(runtime);
    JoinHandle<std::string> reader = runtime.Spawn(ReadAll(ends.second));
    const IoResult sent =
        co_await SendFile(ends.first, file, 5, text.size() - 7);
    EXPECT_TRUE(sent.ok()) << sent.status.ToString();
    EXPECT_EQ(sent.bytes, text.size() - 7);
    ends.first.CloseNow();
    EXPECT_EQ(co_await std::move(reader), text.substr(5, text.size() - 7));
    ::close(file);
  });
}

TEST_P(SendFileTest, AShortFileAndAPeerThatLeftAreErrors) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    const int file = FileWith("short");
    auto ends = *Socket::Pair(runtime);
    const IoResult sent = co_await SendFile(ends.first, file, 2, 10);
    EXPECT_EQ(sent.status.error_number(), ENODATA);
    EXPECT_EQ(sent.bytes, 3u);
    EXPECT_TRUE((co_await SendFile(ends.first, file, 9, 0)).ok());
    const IoResult bad = co_await SendFile(ends.first, -1, 0, 1);
    EXPECT_EQ(bad.status.error_number(), EBADF);
    co_await ends.second.Close();
    const IoResult gone = co_await SendFile(ends.first, file, 0, 5);
    EXPECT_EQ(gone.status.error_number(), EPIPE);
    auto pipe = *Descriptor::Pipe(runtime);
    co_await pipe.read.Close();
    const IoResult broken = co_await SendFile(pipe.write, file, 0, 5);
    EXPECT_EQ(broken.status.error_number(), EPIPE);
    auto messages = *DatagramSocket::Bind(runtime, Loopback());
    const IoResult cut = co_await SendFile(messages, file, 0, 5);
    EXPECT_EQ(cut.status.error_number(), EINVAL);
    ::close(file);
  });
}

TEST_P(SendFileTest, AReaderThatWaitsHoldsItUntilTheDeadline) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    const std::string text = Text(8 << 20);
    const int file = FileWith(text);
    auto ends = *Socket::Pair(runtime);
    ends.first.SetWriteDeadline(runtime.After(2ms));
    const IoResult sent = co_await SendFile(ends.first, file, 0, text.size());
    EXPECT_TRUE(sent.status.timeout());
    EXPECT_LT(sent.bytes, text.size());
    ::close(file);
  });
}

// Both ways between a client and a server, as a proxy does.
TEST_P(SendFileTest, AForwarderMovesAllUntilTheEnd) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    const std::string text = Text(2 << 20);
    auto listener = *Listener::Listen(runtime, Loopback());
    auto out = *co_await Socket::Connect(runtime, listener.address());
    auto in = std::move((co_await listener.Accept()).socket);
    auto pair = *Socket::Pair(runtime);
    auto forward = [&]() -> Task<SpliceResult> {
      const SpliceResult moved = co_await Forward(in, pair.first);
      pair.first.CloseNow();
      co_return moved;
    };
    JoinHandle<SpliceResult> forwarder = runtime.Spawn(forward());
    JoinHandle<std::string> reader = runtime.Spawn(ReadAll(pair.second));
    EXPECT_TRUE((co_await out.Write(text)).ok());
    EXPECT_TRUE(out.ShutdownWrite().ok());
    const SpliceResult moved = co_await std::move(forwarder);
    EXPECT_TRUE(moved.ok()) << moved.status.ToString();
    EXPECT_EQ(moved.bytes, text.size());
    EXPECT_EQ(co_await std::move(reader), text);
  });
}

TEST_P(SendFileTest, AForwardEndsWithItsEnds) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto one = *Socket::Pair(runtime);
    auto two = *Socket::Pair(runtime);
    auto forward = [&]() -> Task<SpliceResult> {
      co_return co_await Forward(one.second, two.first);
    };
    one.second.SetReadDeadline(runtime.After(1ms));
    EXPECT_TRUE((co_await forward()).status.timeout());
    one.second.SetReadDeadline(Deadline::None());
    JoinHandle<SpliceResult> forwarder = runtime.Spawn(forward());
    co_await runtime.Yield();
    co_await one.second.Close();
    EXPECT_TRUE((co_await std::move(forwarder)).status.closing());
    one = *Socket::Pair(runtime);
    co_await two.second.Close();
    EXPECT_TRUE((co_await one.first.Write("x")).ok());
    const SpliceResult gone = co_await forward();
    EXPECT_EQ(gone.status.error_number(), EPIPE);
    EXPECT_EQ(gone.failed, SpliceEnd::kTo);
    one.first.CloseNow();
    EXPECT_TRUE((co_await forward()).ended);
  });
}

// What `to` has not accepted when its deadline passes is held, and comes first
// when it goes on; `most` is taken, and no more.
TEST_P(SendFileTest, WhatIsHeldIsNotLost) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto one = *Socket::Pair(runtime);
    auto two = *Socket::Pair(runtime);
    const std::string text = Text(2 << 20);
    auto write = [&]() -> Task<> {
      EXPECT_TRUE((co_await one.first.Write(text)).ok());
    };
    JoinHandle<void> writer = runtime.Spawn(write());
    auto pipe = SplicePipe::Make(1 << 20);
    EXPECT_TRUE(pipe.ok());
    const std::size_t most = text.size() - 1000;
    two.first.SetWriteDeadline(runtime.After(2ms));
    SpliceResult moved = co_await pipe->Move(one.second, two.first, most);
    EXPECT_TRUE(moved.status.timeout());
    EXPECT_EQ(moved.failed, SpliceEnd::kTo);
    EXPECT_GT(pipe->held(), 0u);
    std::size_t arrived = moved.bytes;
    // Some of it is taken out by hand.
    std::string taken(1000, '\0');
    EXPECT_EQ(pipe->Take(taken), taken.size());
    EXPECT_EQ(taken, text.substr(arrived, taken.size()));
    JoinHandle<std::string> reader = runtime.Spawn(ReadAll(two.second));
    two.first.SetWriteDeadline(Deadline::None());
    const std::size_t rest = most - arrived - taken.size();
    moved = co_await pipe->Move(one.second, two.first, rest);
    EXPECT_TRUE(moved.ok());
    EXPECT_FALSE(moved.ended);
    EXPECT_EQ(moved.bytes, rest);
    EXPECT_EQ(pipe->held(), 0u);
    co_await std::move(writer);
    std::string left(1000, '\0');
    EXPECT_TRUE((co_await one.second.ReadExactly(left)).ok());
    EXPECT_EQ(left, text.substr(most));
    two.first.CloseNow();
    EXPECT_EQ(
        co_await std::move(reader),
        text.substr(0, arrived) + text.substr(arrived + taken.size(), rest));
  });
}

// Cancelled at its n-th turn, for every n: each time what has arrived and what
// is held are all that was taken, and the next goes on where it was.
TEST_P(SendFileTest, NothingIsLostToCancellations) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto one = *Socket::Pair(runtime);
    auto two = *Socket::Pair(runtime);
    const std::string text = Text(3 << 20);
    auto write = [&]() -> Task<> {
      EXPECT_TRUE((co_await one.first.Write(text)).ok());
      one.first.CloseNow();
    };
    JoinHandle<void> writer = runtime.Spawn(write());
    JoinHandle<std::string> reader = runtime.Spawn(ReadAll(two.second));
    auto pipe = SplicePipe::Make();
    SpliceResult all;
    int cancelled = 0;
    for (int turns = 0; !all.ended; ++turns) {
      CancelSource source;
      auto cancel = [&]() -> Task<> {
        for (int i = 0; i < turns % 7; ++i) co_await runtime.Yield();
        source.Cancel();
      };
      JoinHandle<void> canceller = runtime.Spawn(cancel());
      const SpliceResult moved =
          co_await WithCancel(source, pipe->Move(one.second, two.first));
      co_await std::move(canceller);
      cancelled += moved.status.cancelled();
      all.bytes += moved.bytes;
      all.ended = moved.ended;
    }
    two.first.CloseNow();
    EXPECT_EQ(all.bytes, text.size());
    EXPECT_EQ(pipe->held(), 0u);
    EXPECT_EQ(co_await std::move(reader), text);
    EXPECT_GT(cancelled, 0);
    co_await std::move(writer);
  });
}

// splice stays before an urgent byte for ever, and says that nothing is there,
// or nothing more: it is stepped over, as a read does.
TEST_P(SendFileTest, AnUrgentByteHoldsNothingUp) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto listener = *Listener::Listen(runtime, Loopback());
    auto out = *co_await Socket::Connect(runtime, listener.address());
    auto in = std::move((co_await listener.Accept()).socket);
    auto two = *Socket::Pair(runtime);
    auto forward = [&]() -> Task<SpliceResult> {
      co_return co_await Forward(in, two.first);
    };
    JoinHandle<SpliceResult> forwarder = runtime.Spawn(forward());
    EXPECT_TRUE((co_await out.Write("abc")).ok());
    EXPECT_EQ(::send(out.fd(), "!", 1, MSG_OOB), 1);
    EXPECT_TRUE((co_await out.Write("def")).ok());
    std::string text(6, '\0');
    EXPECT_TRUE((co_await two.second.ReadExactly(text)).ok());
    EXPECT_EQ(text, "abcdef");
    EXPECT_EQ(::send(out.fd(), "!", 1, MSG_OOB), 1);
    EXPECT_TRUE((co_await out.Write("ghi")).ok());
    out.CloseNow();
    const SpliceResult moved = co_await std::move(forwarder);
    EXPECT_TRUE(moved.ended);
    EXPECT_EQ(moved.bytes, 9u);
  });
}

TEST_P(SendFileTest, WhatIsOfMessagesAndAFullTableAreErrors) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto pair = *Socket::Pair(runtime);
    auto messages = *DatagramSocket::Bind(runtime, Loopback());
    SpliceResult moved = co_await Forward(pair.first, messages);
    EXPECT_EQ(moved.status.error_number(), EINVAL);
    EXPECT_EQ(moved.failed, SpliceEnd::kTo);
    moved = co_await Forward(messages, pair.first);
    EXPECT_EQ(moved.status.error_number(), EINVAL);
    EXPECT_EQ(moved.failed, SpliceEnd::kFrom);
  });
  const internal::SysOverride restore;
  internal::sys.pipe2 = [](int*, int) {
    errno = EMFILE;
    return -1;
  };
  EXPECT_EQ(SplicePipe::Make().status().code(),
            absl::StatusCode::kResourceExhausted);
}

// What can't be spliced, at either end, is copied.
TEST(Forward, CopiesWhereItMust) {
  static int tries;
  for (const int refused_call : {0, 1, 2}) {
    const internal::SysOverride restore;
    static int refused;
    refused = refused_call;
    tries = 0;
    internal::sys.splice = [](int from, off_t* from_at, int to, off_t* to_at,
                              std::size_t count, unsigned flags) -> ssize_t {
      if (tries++ == refused) {
        errno = EINVAL;
        return -1;
      }
      return ::splice(from, from_at, to, to_at, count, flags);
    };
    RunTest(1, [](Runtime& runtime) -> Task<> {
      auto one = *Socket::Pair(runtime);
      auto two = *Socket::Pair(runtime);
      const std::string text = Text(100'000);
      JoinHandle<std::string> reader = runtime.Spawn(ReadAll(two.second));
      auto write = [&]() -> Task<> {
        EXPECT_TRUE((co_await one.first.Write(text)).ok());
        one.first.CloseNow();
      };
      JoinHandle<void> writer = runtime.Spawn(write());
      const SpliceResult moved = co_await Forward(one.second, two.first);
      EXPECT_TRUE(moved.ok()) << moved.status.ToString();
      EXPECT_EQ(moved.bytes, text.size());
      two.first.CloseNow();
      EXPECT_EQ(co_await std::move(reader), text);
      co_await std::move(writer);
    });
  }
}

}  // namespace
}  // namespace netpoll
