// SPDX-License-Identifier: Apache-2.0
//
// An operation that cannot be done goes on waiting, whatever happened before
// (a deadline that passed and was cleared) and whatever holds for the other
// direction. What ends it: a close, a past deadline, a stop.

#include <unistd.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/socket_test_support.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

class BlockedTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(BlockedTest);

// One operation that waits, however it was started.
Task<IoStatus> StatusOf(Descriptor& handle, Mode direction, bool only_wait) {
  std::array<char, 16> buffer;
  if (only_wait) {
    co_return direction == Mode::kRead ? co_await handle.WaitReadable()
                                       : co_await handle.WaitWritable();
  }
  if (direction == Mode::kRead) co_return (co_await handle.Read(buffer)).status;
  const std::string data(16 << 20, 'x');
  co_return (co_await handle.Write(data)).status;
}

Task<IoStatus> StatusOfAccept(Listener& listener) {
  co_return (co_await listener.Accept()).status;
}

Task<IoStatus> StatusOfReceive(DatagramSocket& socket) {
  std::array<char, 16> buffer;
  co_return (co_await socket.ReceiveFrom(buffer)).status;
}

// `operation` waits on `handle`, in `direction`: it must not return, until the
// handle is closed.
Task<> ExpectWaitsUntilClosed(Runtime& runtime, Descriptor& handle,
                              Mode direction, Task<IoStatus> operation) {
  handle.SetDeadline(Deadline::Past());
  if (direction == Mode::kRead) {
    handle.SetReadDeadline(Deadline::None());
  } else {
    handle.SetWriteDeadline(Deadline::None());
  }
  JoinHandle<IoStatus> waiting = runtime.Spawn(std::move(operation));
  while (runtime.stats().parked == 0 && !waiting.ended()) {
    co_await runtime.Yield();
  }
  const std::uint64_t polls = runtime.stats().polls;
  while (runtime.stats().polls < polls + 5) co_await runtime.Yield();
  EXPECT_FALSE(waiting.ended());
  EXPECT_TRUE((co_await handle.Close()).ok());
  const IoStatus status = co_await std::move(waiting);
  EXPECT_TRUE(status.closing()) << status.ToString();
}

TEST_P(BlockedTest, AnAcceptWaitsUntilClosed) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto listener = Listener::Listen(runtime, Loopback());
    co_await ExpectWaitsUntilClosed(runtime, *listener, Mode::kRead,
                                    StatusOfAccept(*listener));
  });
}

TEST_P(BlockedTest, AReceiveWaitsUntilClosed) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto socket = DatagramSocket::Bind(runtime, Loopback());
    co_await ExpectWaitsUntilClosed(runtime, *socket, Mode::kRead,
                                    StatusOfReceive(*socket));
  });
}

TEST_P(BlockedTest, StreamsWaitUntilClosed) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    for (const Mode direction : {Mode::kRead, Mode::kWrite}) {
      for (const bool only_wait : {false, true}) {
        auto ends = Socket::Pair(runtime);
        if (only_wait && direction == Mode::kWrite) {
          const std::string data(1 << 16, 'x');
          ends->first.WithFd([&data](int fd) {
            while (::write(fd, data.data(), data.size()) > 0) continue;
          });
        }
        co_await ExpectWaitsUntilClosed(
            runtime, ends->first, direction,
            StatusOf(ends->first, direction, only_wait));
      }
    }
  });
}

TEST_P(BlockedTest, PipesWaitUntilClosed) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto pipe = Descriptor::Pipe(runtime);
    co_await ExpectWaitsUntilClosed(runtime, pipe->read, Mode::kRead,
                                    StatusOf(pipe->read, Mode::kRead, false));
    pipe = Descriptor::Pipe(runtime);
    co_await ExpectWaitsUntilClosed(runtime, pipe->write, Mode::kWrite,
                                    StatusOf(pipe->write, Mode::kWrite, false));
  });
}

TEST_P(BlockedTest, APastDeadlineEndsAWaitForReadiness) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    JoinHandle<IoStatus> waiting =
        runtime.Spawn(StatusOf(ends->first, Mode::kRead, true));
    while (runtime.stats().parked == 0) co_await runtime.Yield();
    ends->first.SetReadDeadline(Deadline::Past());
    EXPECT_TRUE((co_await std::move(waiting)).timeout());
  });
}

// A listener whose queue is full does not answer: the connect is under way
// until the runtime stops.
TEST_P(BlockedTest, AStopCancelsAConnect) {
  Runtime runtime({.threads = threads()});
  auto listener = Listener::Listen(runtime, Loopback(), 0);
  ASSERT_TRUE(listener.ok()) << listener.status();
  constexpr int kClients = 8;
  int connected = 0;
  int cancelled = 0;
  runtime.Spawn([](Runtime& r, SocketAddress where, int& made,
                   int& ended) -> Task<> {
    auto connect = [](Runtime& in, SocketAddress to) -> Task<absl::StatusCode> {
      auto socket = co_await Socket::Connect(in, to);
      co_return socket.status().code();
    };
    std::vector<JoinHandle<absl::StatusCode>> clients;
    for (int i = 0; i < kClients; ++i) {
      clients.push_back(r.Spawn(connect(r, where)));
    }
    while (r.stats().parked == 0) co_await r.Yield();
    r.Stop();
    for (auto& client : clients) {
      const absl::StatusCode code = co_await std::move(client);
      if (code == absl::StatusCode::kOk) ++made;
      if (code == absl::StatusCode::kCancelled) ++ended;
    }
  }(runtime, listener->address(), connected, cancelled));
  EXPECT_TRUE(RunWatched(runtime).ok());
  EXPECT_EQ(connected + cancelled, kClients);
  EXPECT_GT(cancelled, 0);
}

}  // namespace
}  // namespace netpoll
