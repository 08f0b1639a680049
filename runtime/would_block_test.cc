// SPDX-License-Identifier: Apache-2.0
//
// Calls that would block and of whose end the system tells nothing: they are
// made again at a growing pace, until they succeed, the deadline passes, or the
// descriptor or the runtime ends. Meanwhile they cost next to nothing. On every
// backend of this build.

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using std::chrono::milliseconds;

std::atomic<int> connects{0};
std::atomic<int> sends{0};

int CountedConnect(int fd, const sockaddr* address, socklen_t size) {
  ++connects;
  return ::connect(fd, address, size);
}
ssize_t CountedSendto(int fd, const void* data, std::size_t size, int flags,
                      const sockaddr* to, socklen_t to_size) {
  ++sends;
  return ::sendto(fd, data, size, flags, to, to_size);
}
ssize_t CountedSendmsg(int fd, const msghdr* message, int flags) {
  ++sends;
  return ::sendmsg(fd, message, flags);
}
ssize_t CountedSend(int fd, const void* data, std::size_t size, int flags) {
  ++sends;
  return ::send(fd, data, size, flags);
}
ssize_t CountedWrite(int fd, const void* data, std::size_t size) {
  ++sends;
  return ::write(fd, data, size);
}

class WouldBlockTest : public BackendsTest {
 protected:
  WouldBlockTest() {
    internal::sys.connect = &CountedConnect;
    internal::sys.sendto = &CountedSendto;
    internal::sys.sendmsg = &CountedSendmsg;
    internal::sys.write = &CountedWrite;
    internal::sys.send = &CountedSend;
  }

 private:
  const internal::SysOverride restore_;
};
NETPOLL_INSTANTIATE_BACKENDS(WouldBlockTest);

// A name that no other test has; without a file.
SocketAddress Name(const char* what) {
  static int number = 0;
  return *SocketAddress::Parse("unix:@netpoll-" + std::to_string(::getpid()) +
                               "-" + what + std::to_string(++number));
}

// A Unix listener whose queue is full, and who is in it.
struct FullListener {
  explicit FullListener(Runtime& runtime)
      : listener(*Listener::Listen(runtime, Name("full"), 0)) {
    for (bool full = false; !full;) {
      const int fd =
          ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      const SocketAddress& to = listener.address();
      full = ::connect(fd, to.data(), to.size()) != 0;
      EXPECT_TRUE(!full || errno == EAGAIN);
      queued.push_back(fd);
    }
  }
  ~FullListener() {
    for (const int fd : queued) ::close(fd);
  }

  Listener listener;
  std::vector<int> queued;
};

Task<absl::Status> ConnectTo(Runtime& runtime, SocketAddress address,
                             Deadline deadline, bool* done = nullptr) {
  const auto socket = co_await Socket::Connect(runtime, address, deadline);
  if (done != nullptr) *done = true;
  co_return socket.status();
}

// What may be spent while something waits for `millis`.
class Quiet {
 public:
  explicit Quiet(Runtime& runtime)
      : runtime_(runtime),
        polls_(runtime.stats().polls),
        runs_(runtime.stats().task_runs),
        attempts_(connects + sends) {}
  void Expect() const {
    EXPECT_LT(runtime_.stats().polls - polls_, 60u);
    EXPECT_LT(runtime_.stats().task_runs - runs_, 60u);
    EXPECT_LT(connects + sends - attempts_, 30);
  }
  int attempts() const { return connects + sends - attempts_; }

 private:
  Runtime& runtime_;
  const std::uint64_t polls_;
  const std::uint64_t runs_;
  const int attempts_;
};

TEST_P(WouldBlockTest, AConnectToAFullListenerWaitsUntilItsDeadline) {
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    FullListener full(runtime);
    const Quiet quiet(runtime);
    const std::int64_t until = Runtime::Now() + 400'000'000;
    const absl::Status status = co_await ConnectTo(
        runtime, full.listener.address(), Deadline::At(until));
    EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
    EXPECT_GE(Runtime::Now(), until);
    EXPECT_GT(quiet.attempts(), 3);
    quiet.Expect();
  });
}

TEST_P(WouldBlockTest, AConnectGoesThroughWhenThereIsRoom) {
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    FullListener full(runtime);
    bool done = false;
    auto connecting = runtime.Spawn(
        ConnectTo(runtime, full.listener.address(), Deadline::None(), &done));
    while (connects < 3) co_await runtime.Sleep(milliseconds(1));
    while (!done) {
      full.listener.SetReadDeadline(runtime.After(milliseconds(20)));
      (void)co_await full.listener.Accept();
    }
    const absl::Status status = co_await std::move(connecting);
    EXPECT_TRUE(status.ok()) << status;
  });
}

TEST_P(WouldBlockTest, AConnectWhoseListenerGoesIsRefused) {
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    std::optional<FullListener> full(std::in_place, runtime);
    connects = 0;
    auto connecting = runtime.Spawn(
        ConnectTo(runtime, full->listener.address(), Deadline::None()));
    while (connects < 3) co_await runtime.Sleep(milliseconds(1));
    full.reset();
    const absl::Status status = co_await std::move(connecting);
    EXPECT_NE(status.message().find("ECONNREFUSED"), std::string::npos)
        << status;
  });
}

TEST_P(WouldBlockTest, StopEndsAConnectToAFullListener) {
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    FullListener full(runtime);
    connects = 0;
    auto connecting = runtime.Spawn(
        ConnectTo(runtime, full.listener.address(), Deadline::None()));
    while (connects < 3) co_await runtime.Sleep(milliseconds(1));
    runtime.Stop();
    const absl::Status status = co_await std::move(connecting);
    EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
  });
}

// Two ends of a datagram queue that is full: unconnected, the sender's poll
// says "writable" for ever.
struct FullQueue {
  explicit FullQueue(Runtime& runtime)
      : reader(*DatagramSocket::Bind(runtime, Name("reader"))),
        writer(*DatagramSocket::Bind(runtime, Name("writer"))) {
    const SocketAddress& to = reader.address();
    writer.WithFd([&](int fd) {
      while (::sendto(fd, "x", 1, 0, to.data(), to.size()) == 1) ++queued;
      EXPECT_EQ(errno, EAGAIN);
    });
  }
  void Connect() {
    const SocketAddress& to = reader.address();
    writer.WithFd(
        [&](int fd) { EXPECT_EQ(::connect(fd, to.data(), to.size()), 0); });
  }

  DatagramSocket reader;
  DatagramSocket writer;
  int queued = 0;
};

Task<IoStatus> SendOne(FullQueue& queue, bool connected) {
  if (connected) co_return (co_await queue.writer.Write("y")).status;
  co_return (co_await queue.writer.SendTo("y", queue.reader.address())).status;
}

Task<> FullQueueUntilDeadline(Runtime& runtime, bool connected) {
  FullQueue queue(runtime);
  if (connected) queue.Connect();
  const Quiet quiet(runtime);
  queue.writer.SetWriteDeadline(runtime.After(milliseconds(400)));
  const IoStatus status = co_await SendOne(queue, connected);
  EXPECT_TRUE(status.timeout()) << status.ToString();
  quiet.Expect();
}

TEST_P(WouldBlockTest, ASendToAFullQueueWaitsUntilItsDeadline) {
  RunOn(backend(), [](Runtime& runtime) {
    return FullQueueUntilDeadline(runtime, false);
  });
}

TEST_P(WouldBlockTest, AWriteToAFullQueueWaitsUntilItsDeadline) {
  RunOn(backend(),
        [](Runtime& runtime) { return FullQueueUntilDeadline(runtime, true); });
}

TEST_P(WouldBlockTest, ASendGoesThroughWhenThereIsRoom) {
  for (const bool connected : {false, true}) {
    RunOn(backend(), [connected](Runtime& runtime) -> Task<> {
      FullQueue queue(runtime);
      if (connected) queue.Connect();
      auto sending = runtime.Spawn(SendOne(queue, connected));
      co_await runtime.Sleep(milliseconds(30));
      std::array<char, 8> buffer;
      for (int i = 0; i <= queue.queued; ++i) {
        EXPECT_TRUE((co_await queue.reader.ReceiveFrom(buffer)).ok());
      }
      EXPECT_EQ(buffer[0], 'y');
      EXPECT_TRUE((co_await std::move(sending)).ok());
    });
  }
}

// While a send rests: `end` is what ends it at once.
void EndsASend(const std::string& backend,
               std::function<void(Runtime&, FullQueue&)> end,
               std::function<bool(IoStatus)> expected) {
  RunOn(backend, [&](Runtime& runtime) -> Task<> {
    FullQueue queue(runtime);
    sends = 0;
    auto sending = runtime.Spawn(SendOne(queue, false));
    // Its rests are long by now.
    while (sends < 10) co_await runtime.Sleep(milliseconds(1));
    end(runtime, queue);
    const int before = sends;
    const IoStatus status = co_await std::move(sending);
    EXPECT_TRUE(expected(status)) << status.ToString();
    EXPECT_LE(sends - before, 1) << "it was not ended but tried on";
  });
}

TEST_P(WouldBlockTest, ACloseEndsARest) {
  EndsASend(
      backend(), [](Runtime&, FullQueue& queue) { queue.writer.CloseNow(); },
      [](IoStatus status) { return status.closing(); });
}

TEST_P(WouldBlockTest, AStopEndsARest) {
  EndsASend(
      backend(), [](Runtime& runtime, FullQueue&) { runtime.Stop(); },
      [](IoStatus status) { return status.closing(); });
}

TEST_P(WouldBlockTest, ADeadlineThatIsMovedEndsARest) {
  EndsASend(
      backend(),
      [](Runtime&, FullQueue& queue) {
        queue.writer.SetWriteDeadline(Deadline::Past());
      },
      [](IoStatus status) { return status.timeout(); });
}

// The handle is used on after a rest was ended, and dropped during one.
TEST_P(WouldBlockTest, AfterARestTheSocketIsAsBefore) {
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    FullQueue queue(runtime);
    for (int round = 0; round < 3; ++round) {
      queue.writer.SetWriteDeadline(runtime.After(milliseconds(15)));
      EXPECT_TRUE((co_await SendOne(queue, false)).timeout());
    }
    std::array<char, 8> buffer;
    EXPECT_TRUE((co_await queue.reader.ReceiveFrom(buffer)).ok());
    queue.writer.SetWriteDeadline(Deadline::None());
    EXPECT_TRUE((co_await SendOne(queue, false)).ok());
    auto sending = runtime.Spawn(SendOne(queue, false));
    co_await runtime.Sleep(milliseconds(10));
    queue.writer.CloseNow();
    EXPECT_TRUE((co_await std::move(sending)).closing());
  });
}

// Whatever reports readiness of a call that would block all the same.
std::atomic<bool> blocked{true};
ssize_t BlockedRead(int fd, void* buffer, std::size_t size) {
  ++sends;
  if (!blocked) return ::read(fd, buffer, size);
  errno = EAGAIN;
  return -1;
}

TEST_P(WouldBlockTest, ACallThatBlocksAlthoughReadyDoesNotSpin) {
  internal::sys.read = &BlockedRead;
  blocked = true;
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    auto pipe = *Descriptor::Pipe(runtime);
    EXPECT_TRUE((co_await pipe.write.Write("x")).ok());
    const Quiet quiet(runtime);
    pipe.read.SetReadDeadline(runtime.After(milliseconds(400)));
    std::array<char, 8> buffer;
    EXPECT_TRUE((co_await pipe.read.Read(buffer)).status.timeout());
    quiet.Expect();
    blocked = false;
    pipe.read.SetReadDeadline(Deadline::None());
    const IoResult got = co_await pipe.read.Read(buffer);
    EXPECT_EQ(got.bytes, 1u);
  });
}

}  // namespace
}  // namespace netpoll
