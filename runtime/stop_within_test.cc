// SPDX-License-Identifier: Apache-2.0
//
// Stop comes within a call: between what the runtime looked at and what it does
// next. The system's calls are replaced by ones that stop the runtime first, so
// each of these moments is met every time.

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/deadline.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/socket_test_support.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;
using internal::sys;

Runtime* to_stop = nullptr;

class StopWithinTest : public testing::Test {
 private:
  const internal::SysOverride restore_;
};

// What the peer's end does to a call is no news of the peer if Stop made it.
template <class Operate>
void ExpectClosing(Operate operate) {
  RunTest(1, [&](Runtime& runtime) -> Task<> {
    to_stop = &runtime;
    auto ends = *Socket::Pair(runtime);
    const IoStatus status = co_await operate(ends.first);
    EXPECT_TRUE(status.closing()) << status.ToString();
  });
}

TEST_F(StopWithinTest, AReadIsNotToldThatThePeerHasLeft) {
  sys.read = [](int, void*, std::size_t) -> ssize_t {
    to_stop->Stop();
    return 0;
  };
  ExpectClosing([](Socket& socket) -> Task<IoStatus> {
    std::array<char, 8> room;
    co_return (co_await socket.Read(room)).status;
  });
}

TEST_F(StopWithinTest, AReadvIsNotToldThatThePeerHasLeft) {
  sys.readv = [](int, const iovec*, int) -> ssize_t {
    to_stop->Stop();
    return 0;
  };
  ExpectClosing([](Socket& socket) -> Task<IoStatus> {
    std::array<char, 8> room;
    const std::array<iovec, 1> parts{iovec{room.data(), room.size()}};
    co_return (co_await socket.Readv(parts)).status;
  });
}

// Of messages the end is none, and looks like an empty one.
Task<IoStatus> Read(DatagramSocket& socket) {
  std::array<char, 8> room;
  co_return (co_await socket.Read(room)).status;
}
Task<IoStatus> Readv(DatagramSocket& socket) {
  std::array<char, 8> room;
  const std::array<iovec, 1> parts{iovec{room.data(), room.size()}};
  co_return (co_await socket.Readv(parts)).status;
}
Task<IoStatus> ReceiveFrom(DatagramSocket& socket) {
  std::array<char, 8> room;
  const DatagramResult got = co_await socket.ReceiveFrom(room);
  EXPECT_FALSE(got.end);
  co_return got.status;
}
TEST_F(StopWithinTest, AReadOfMessagesIsNotToldThatThePeerHasLeft) {
  sys.recvmsg = [](int fd, msghdr* message, int flags) {
    to_stop->Stop();
    return ::recvmsg(fd, message, flags);
  };
  for (const auto read : {&Read, &Readv, &ReceiveFrom}) {
    RunTest(1, [read](Runtime& runtime) -> Task<> {
      to_stop = &runtime;
      int fds[2];
      EXPECT_EQ(
          ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
                       0, fds),
          0);
      auto socket = *DatagramSocket::Adopt(runtime, fds[0]);
      auto peer = *DatagramSocket::Adopt(runtime, fds[1]);
      const IoStatus status = co_await read(socket);
      EXPECT_TRUE(status.closing()) << status.ToString();
    });
  }
}

TEST_F(StopWithinTest, AReadIsNotToldOfAReset) {
  sys.read = [](int, void*, std::size_t) -> ssize_t {
    to_stop->Stop();
    errno = ECONNRESET;
    return -1;
  };
  ExpectClosing([](Socket& socket) -> Task<IoStatus> {
    std::array<char, 8> room;
    co_return (co_await socket.Read(room)).status;
  });
}

TEST_F(StopWithinTest, AWriteIsNotToldThatThePeerHasLeft) {
  sys.send = [](int, const void*, std::size_t, int) -> ssize_t {
    to_stop->Stop();
    errno = EPIPE;
    return -1;
  };
  ExpectClosing([](Socket& socket) -> Task<IoStatus> {
    co_return (co_await socket.Write("x")).status;
  });
}

// There is no end in what asks for nothing.
TEST_F(StopWithinTest, AReadOfNothingHasEndedAlready) {
  sys.read = [](int, void*, std::size_t) -> ssize_t {
    to_stop->Stop();
    return 0;
  };
  RunTest(1, [](Runtime& runtime) -> Task<> {
    to_stop = &runtime;
    auto ends = *Socket::Pair(runtime);
    EXPECT_TRUE((co_await ends.first.Read({})).ok());
  });
}

// --- Opening -----------------------------------------------------------------

int StopAndAskOption(int fd, int level, int option, void* value,
                     socklen_t* size) {
  to_stop->Stop();
  return ::getsockopt(fd, level, option, value, size);
}

TEST_F(StopWithinTest, WhatIsBeingAdoptedStaysTheCallers) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                         ends),
            0);
  sys.getsockopt = &StopAndAskOption;
  RunTest(1, [&ends](Runtime& runtime) -> Task<> {
    to_stop = &runtime;
    const auto socket = Descriptor::Adopt(runtime, ends[0]);
    EXPECT_EQ(socket.status().code(), absl::StatusCode::kCancelled)
        << socket.status();
    co_return;
  });
  EXPECT_EQ(::write(ends[0], "x", 1), 1);
  EXPECT_EQ(::close(ends[0]), 0);
  EXPECT_EQ(::close(ends[1]), 0);
}

// A file that was made for what could not be opened is nobody's.
TEST_F(StopWithinTest, AListenerThatCannotBeLeavesNoFile) {
  const std::string path = "/tmp/netpoll-stop-" + std::to_string(::getpid());
  for (const bool remove : {true, false}) {
    RunTest(1, [&](Runtime& runtime) -> Task<> {
      to_stop = &runtime;
      sys.getsockname = [](int fd, sockaddr* name, socklen_t* size) {
        to_stop->Stop();
        return ::getsockname(fd, name, size);
      };
      const auto listener = Listener::Listen(runtime, Parse("unix:" + path),
                                             {.file = {.remove = remove}});
      EXPECT_EQ(listener.status().code(), absl::StatusCode::kCancelled)
          << listener.status();
      co_return;
    });
    EXPECT_NE(::access(path.c_str(), F_OK), 0) << "remove: " << remove;
  }
}

// --- Closing -----------------------------------------------------------------

std::vector<int> parked_at_close;

// Whoever waits at one end must not see the other end go before he is told.
TEST_F(StopWithinTest, EverybodyIsToldBeforeTheFirstDescriptorGoes) {
  parked_at_close.clear();
  RunTest(1, [](Runtime& runtime) -> Task<> {
    to_stop = &runtime;
    std::vector<Socket::Ends> pairs;
    for (int i = 0; i < 4; ++i) pairs.push_back(*Socket::Pair(runtime));
    auto read = [](Socket& socket) -> Task<> {
      std::array<char, 8> room;
      EXPECT_TRUE((co_await socket.Read(room)).status.closing());
    };
    for (Socket::Ends& ends : pairs) runtime.Spawn(read(ends.first));
    while (runtime.stats().parked < 4) co_await runtime.Yield();
    sys.close = [](int fd) {
      parked_at_close.push_back(to_stop->stats().parked);
      return ::close(fd);
    };
    runtime.Stop();
    EXPECT_EQ(parked_at_close, (std::vector<int>(4, 0)))
        << "four second ends, in which nobody waits";
  });
}

// --- Sleeping ----------------------------------------------------------------

TEST_F(StopWithinTest, SleepsOfAnyLengthEnd) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    std::vector<JoinHandle<bool>> sleeps;
    for (const Deadline until :
         {runtime.After(1h), runtime.After(std::chrono::hours::max()),
          Deadline::None()}) {
      sleeps.push_back(runtime.Spawn([](Runtime& r, Deadline d) -> Task<bool> {
        const bool passed = co_await r.SleepUntil(d);
        co_return passed;
      }(runtime, until)));
    }
    co_await runtime.Yield();
    runtime.Stop();
    for (auto& sleep : sleeps) {
      const bool passed = co_await std::move(sleep);
      EXPECT_FALSE(passed);
    }
  });
}

// Whether its share lasts for it or not, a sleep heeds the runtime that was
// asked.
TEST_F(StopWithinTest, ASleepThatAsksAStoppedRuntimeEndsAtOnce) {
  Runtime stopped;
  stopped.Stop();
  RunTest(1, [&stopped](Runtime&) -> Task<> {
    for (int i = 0; i < 300; ++i) {
      const bool passed = co_await stopped.Sleep(1h);
      EXPECT_FALSE(passed);
    }
  });
}

// Sleeps begin all the time, so that Stop meets one at each of its steps.
TEST_F(StopWithinTest, NoSleepIsOverlooked) {
  using Count = StdEnv::Atomic<int>;
  for (int round = 0; round < 60; ++round) {
    Runtime runtime({.threads = 2});
    Count asleep{0};
    auto sleep = [](Runtime& r, Count& n) -> Task<> {
      n.FetchAdd("test", 1, Order::kAcqRel);
      const bool passed = co_await r.Sleep(1h);
      EXPECT_FALSE(passed);
    };
    auto spawn = [&sleep](Runtime& r, Count& n) -> Task<> {
      while (!r.stopping()) {
        r.Spawn(sleep(r, n));
        co_await r.Yield();
      }
    };
    runtime.Spawn(spawn(runtime, asleep));
    std::thread stopper([&] {
      while (asleep.Load("test", Order::kAcquire) < 50 + round) {
        std::this_thread::yield();
      }
      runtime.Stop();
    });
    EXPECT_TRUE(RunWatched(runtime).ok());
    stopper.join();
  }
}

}  // namespace
}  // namespace netpoll
