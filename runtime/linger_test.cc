// SPDX-License-Identifier: Apache-2.0
//
// A close that the system lets wait (SO_LINGER) keeps no worker from its tasks,
// and is awaited all the same.

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "gtest/gtest.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using std::chrono::milliseconds;

class LingerTest : public BackendsTest {};
NETPOLL_INSTANTIATE_BACKENDS(LingerTest);

// A connection whose peer has not read: what is written waits in the system.
struct Pair {
  Socket socket;
  Socket peer;
};

Task<Pair> FullPair(Runtime& runtime, int seconds) {
  auto listener =
      *Listener::Listen(runtime, *SocketAddress::Parse("127.0.0.1:0"));
  Pair pair;
  pair.socket = *(co_await Socket::Connect(runtime, listener.address()));
  pair.peer = std::move((co_await listener.Accept()).socket);
  const linger set{.l_onoff = 1, .l_linger = seconds};
  pair.socket.WithFd([&](int fd) {
    EXPECT_EQ(::setsockopt(fd, SOL_SOCKET, SO_LINGER, &set, sizeof(set)), 0);
  });
  pair.socket.SetWriteDeadline(runtime.After(milliseconds(20)));
  const std::string data(16 << 20, 'x');
  EXPECT_TRUE((co_await pair.socket.Write(data)).status.timeout());
  co_return pair;
}

Task<> CloseAndTell(Socket& socket, bool* closed) {
  EXPECT_TRUE((co_await socket.Close()).ok());
  *closed = true;
}

// Reads until the end of the stream.
Task<std::size_t> Drain(Socket& peer) {
  std::array<char, 65536> buffer;
  std::size_t total = 0;
  for (;;) {
    const IoResult got = co_await peer.Read(buffer);
    EXPECT_TRUE(got.ok()) << got.status.ToString();
    if (!got.ok() || got.bytes == 0) co_return total;
    total += got.bytes;
  }
}

// The only worker reads what the close waits for: were it kept by the close,
// that would end by its time alone, and say so to the peer by a reset.
TEST_P(LingerTest, TheWorkerRunsOnAndTheCloseIsAwaited) {
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    Pair pair = co_await FullPair(runtime, 600);
    bool closed = false;
    auto closing = runtime.Spawn(CloseAndTell(pair.socket, &closed));
    for (int i = 0; i < 20; ++i) co_await runtime.Sleep(milliseconds(1));
    EXPECT_FALSE(closed) << "there is data that the peer has not read";
    EXPECT_GT(co_await Drain(pair.peer), 0u);
    co_await std::move(closing);
    EXPECT_TRUE(closed);
  });
}

TEST_P(LingerTest, ADroppedHandleKeepsNoWorker) {
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    Pair pair = co_await FullPair(runtime, 600);
    pair.socket = Socket();
    EXPECT_GT(co_await Drain(pair.peer), 0u);
  });
}

// The runtime's end waits for the close: no thread of it is left behind.
TEST_P(LingerTest, TheDestructorWaitsForIt) {
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    Pair pair = co_await FullPair(runtime, 1);
    runtime.Stop();
    std::array<char, 1> byte;
    EXPECT_TRUE((co_await pair.socket.Read(byte)).status.closing());
  });
}

std::atomic<int> threads{0};
int CountedThread(pthread_t* thread, const pthread_attr_t* attr,
                  void* (*run)(void*), void* argument) {
  ++threads;
  return ::pthread_create(thread, attr, run, argument);
}

int NoThread(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*) {
  return EAGAIN;
}

TEST_P(LingerTest, WithoutAThreadTheSystemSendsTheRestOnItsOwn) {
  const internal::SysOverride restore;
  internal::sys.thread_create = &NoThread;
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    Pair pair = co_await FullPair(runtime, 600);
    EXPECT_TRUE((co_await pair.socket.Close()).ok());
    EXPECT_GT(co_await Drain(pair.peer), 0u);
  });
}

// What the option says counts only while it is on.
TEST_P(LingerTest, AnOptionThatIsOffTakesNoThread) {
  const internal::SysOverride restore;
  internal::sys.thread_create = &CountedThread;
  threads = 0;
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    auto listener =
        *Listener::Listen(runtime, *SocketAddress::Parse("127.0.0.1:0"));
    auto socket = *(co_await Socket::Connect(runtime, listener.address()));
    for (const linger set : {linger{.l_onoff = 1, .l_linger = 5},
                             linger{.l_onoff = 0, .l_linger = 5}}) {
      socket.WithFd([&](int fd) {
        EXPECT_EQ(::setsockopt(fd, SOL_SOCKET, SO_LINGER, &set, sizeof(set)),
                  0);
      });
    }
    EXPECT_TRUE((co_await socket.Close()).ok());
    EXPECT_EQ(threads, 0);
    // Nor does one of no time, which waits for nobody.
    auto other = *(co_await Socket::Connect(runtime, listener.address()));
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    other.WithFd([&](int fd) {
      ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    });
    EXPECT_TRUE((co_await other.Close()).ok());
    EXPECT_EQ(threads, 0);
  });
}

// The descriptor is handed on as it is.
TEST_P(LingerTest, DetachTakesNoThreadAndLeavesTheOption) {
  const internal::SysOverride restore;
  internal::sys.thread_create = &NoThread;
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    Pair pair = co_await FullPair(runtime, 600);
    const auto fd = co_await pair.socket.Detach();
    EXPECT_TRUE(fd.ok()) << fd.status();
    if (!fd.ok()) co_return;
    linger set{};
    socklen_t size = sizeof(set);
    EXPECT_EQ(::getsockopt(*fd, SOL_SOCKET, SO_LINGER, &set, &size), 0);
    EXPECT_NE(set.l_onoff, 0);
    EXPECT_EQ(set.l_linger, 600);
    set.l_linger = 0;
    ::setsockopt(*fd, SOL_SOCKET, SO_LINGER, &set, sizeof(set));
    ::close(*fd);
  });
}

// --- The threads -------------------------------------------------------------

// Closes wait until the test lets them go on.
std::atomic<bool> may_close{false};
std::atomic<int> closed{0};
std::atomic<int> signals_open{0};
int LateClose(int fd) {
  linger set{};
  socklen_t size = sizeof(set);
  const bool lingers =
      ::getsockopt(fd, SOL_SOCKET, SO_LINGER, &set, &size) == 0 &&
      set.l_onoff != 0;
  if (lingers) {
    sigset_t blocked;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    for (const int signal : {SIGTERM, SIGINT, SIGALRM, SIGUSR1}) {
      signals_open += ::sigismember(&blocked, signal) == 1 ? 0 : 1;
    }
    while (!may_close) ::poll(nullptr, 0, 1);
    set = {};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &set, sizeof(set));
    ++closed;
  }
  return ::close(fd);
}

// The program's signals are for its own threads, of which there are no more
// than 64 others; and the runtime's end waits for all of them.
TEST_P(LingerTest, ThreadsThatCloseAreFewTakeNoSignalsAndEndBeforeTheRuntime) {
  const internal::SysOverride restore;
  static constexpr int kMost = 64;
  threads = closed = signals_open = 0;
  may_close = false;
  std::thread opener;
  RunOn(backend(), [&opener](Runtime& runtime) -> Task<> {
    internal::sys.thread_create = &CountedThread;
    internal::sys.close = &LateClose;
    for (int i = 0; i < kMost + 2; ++i) {
      auto ends = *Socket::Pair(runtime);
      const linger set{.l_onoff = 1, .l_linger = 600};
      ends.first.WithFd([&](int fd) {
        EXPECT_EQ(::setsockopt(fd, SOL_SOCKET, SO_LINGER, &set, sizeof(set)),
                  0);
      });
      ends.first.CloseNow();
    }
    EXPECT_EQ(threads, kMost) << "the others are closed at once";
    EXPECT_EQ(closed, 0);
    opener = std::thread([] {
      ::poll(nullptr, 0, 30);
      may_close = true;
    });
    co_return;
  });
  EXPECT_EQ(closed, threads) << "the runtime went before them";
  if (opener.joinable()) opener.join();
  EXPECT_EQ(signals_open, 0);
}

// Zero seconds ask for a reset, which waits for nobody.
TEST_P(LingerTest, ALingerOfNoTimeResets) {
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    Pair pair = co_await FullPair(runtime, 0);
    EXPECT_TRUE((co_await pair.socket.Close()).ok());
    std::array<char, 65536> buffer;
    IoResult got;
    while ((got = co_await pair.peer.Read(buffer)).ok()) {
      EXPECT_GT(got.bytes, 0u);
    }
    EXPECT_EQ(got.status.error_number(), ECONNRESET);
  });
}

}  // namespace
}  // namespace netpoll
