// SPDX-License-Identifier: Apache-2.0
//
// Deadlines and closing over real sockets: what Go's own tests of its network
// poller ask for, and rows of the bug corpus that need a scheduler.

#include "netpoll/core/deadline.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

class DeadlineTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(DeadlineTest);

Task<IoResult> ReadOne(Socket& socket) {
  std::array<char, 1> buffer;
  co_return co_await socket.Read(buffer);
}

Task<IoResult> WriteMuch(Socket& socket) {
  const std::string data(16 << 20, 'x');
  co_return co_await socket.Write(data);
}

TEST_P(DeadlineTest, APastDeadlineFailsEvenWhenDataIsThere) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    EXPECT_TRUE((co_await ends->first.Write("xyz")).ok());
    ends->second.SetReadDeadline(Deadline::Past());
    for (int i = 0; i < 3; ++i) {
      const IoResult got = co_await ReadOne(ends->second);
      EXPECT_TRUE(got.status.timeout()) << got.status.ToString();
      EXPECT_EQ(got.bytes, 0u);
    }
    ends->second.SetReadDeadline(Deadline::None());
    EXPECT_EQ((co_await ReadOne(ends->second)).bytes, 1u);
  });
}

TEST_P(DeadlineTest, ADeadlineIsNeverEarlyAndSticky) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    for (const auto delay :
         {1ns, 1'000ns, 500'000ns, 3'000'000ns, 20'000'000ns}) {
      const std::int64_t begin = Runtime::Now();
      ends->first.SetReadDeadline(Deadline::After(begin, delay));
      EXPECT_TRUE((co_await ReadOne(ends->first)).status.timeout());
      EXPECT_GE(Runtime::Now() - begin, delay.count());
      EXPECT_TRUE((co_await ReadOne(ends->first)).status.timeout());
    }
  });
}

TEST_P(DeadlineTest, AWriterParkedOnFullBuffersTimesOut) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    JoinHandle<IoResult> writer = runtime.Spawn(WriteMuch(ends->first));
    while (runtime.stats().parked == 0) co_await runtime.Yield();
    ends->first.SetWriteDeadline(runtime.After(1ms));
    const IoResult put = co_await std::move(writer);
    EXPECT_TRUE(put.status.timeout());
    EXPECT_GT(put.bytes, 0u) << "the part that was written is told";
    // Reading is not concerned.
    EXPECT_TRUE((co_await ends->second.Write("a")).ok());
    EXPECT_EQ((co_await ReadOne(ends->first)).bytes, 1u);
  });
}

TEST_P(DeadlineTest, APastDeadlineWakesAParkedReaderAndWriterAtOnce) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    JoinHandle<IoResult> reader = runtime.Spawn(ReadOne(ends->first));
    JoinHandle<IoResult> writer = runtime.Spawn(WriteMuch(ends->first));
    co_await runtime.Sleep(1ms);
    ends->first.SetDeadline(Deadline::Past());
    EXPECT_TRUE((co_await std::move(reader)).status.timeout());
    EXPECT_TRUE((co_await std::move(writer)).status.timeout());
    // And it recovers.
    ends->first.SetDeadline(Deadline::None());
    EXPECT_TRUE((co_await ends->second.Write("a")).ok());
    EXPECT_EQ((co_await ReadOne(ends->first)).bytes, 1u);
  });
}

TEST_P(DeadlineTest, APastDeadlineThatWasClearedDoesNotEndALaterRead) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    ends->first.SetReadDeadline(Deadline::Past());
    EXPECT_TRUE((co_await ReadOne(ends->first)).status.timeout());
    ends->first.SetReadDeadline(Deadline::None());
    ends->first.SetWriteDeadline(Deadline::Past());
    JoinHandle<IoResult> reader = runtime.Spawn(ReadOne(ends->first));
    co_await runtime.Sleep(5ms);
    EXPECT_FALSE(reader.ended());
    co_await ends->first.Close();
    EXPECT_TRUE((co_await std::move(reader)).status.closing());
  });
}

TEST_P(DeadlineTest, AcceptHasADeadline) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto listener = Listener::Listen(runtime, *SocketAddress::Parse(":0"));
    listener->SetReadDeadline(runtime.After(5ms));
    EXPECT_TRUE((co_await listener->Accept()).status.timeout());
    EXPECT_TRUE((co_await listener->Accept()).status.timeout());
  });
}

TEST_P(DeadlineTest, TheLongestDeadlineDoesNotExpire) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    ends->first.SetReadDeadline(runtime.After(std::chrono::nanoseconds::max()));
    JoinHandle<IoResult> reader = runtime.Spawn(ReadOne(ends->first));
    co_await runtime.Sleep(3ms);
    EXPECT_FALSE(reader.ended());
    EXPECT_TRUE((co_await ends->second.Write("a")).ok());
    EXPECT_EQ((co_await std::move(reader)).bytes, 1u);
  });
}

// A deadline that an idle runtime polls towards may be moved forward by
// another worker, which must break the poll.
TEST_P(DeadlineTest, AnEarlierDeadlineEndsAPollThatWouldSleepPastIt) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    for (int i = 0; i < 50; ++i) {
      ends->first.SetReadDeadline(runtime.After(1h));
      JoinHandle<IoResult> reader = runtime.Spawn(ReadOne(ends->first));
      co_await runtime.Yield();
      ends->first.SetReadDeadline(runtime.After(200us));
      EXPECT_TRUE((co_await std::move(reader)).status.timeout());
    }
  });
}

Task<> Prolong(Runtime& runtime, Socket& socket, bool& stop) {
  while (!stop) {
    socket.SetReadDeadline(runtime.After(1h));
    socket.SetWriteDeadline(runtime.After(1h));
    co_await runtime.Yield();
  }
}

TEST_P(DeadlineTest, DeadlinesThatAreProlongedAllTheTimeNeverExpire) {
  // One worker: `stop` is shared without a lock.
  RunTest(1, [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    bool stop = false;
    JoinHandle<void> prolong =
        runtime.Spawn(Prolong(runtime, ends->first, stop));
    auto pong = [](Socket& socket) -> Task<> {
      std::array<char, 1> b;
      for (int i = 0; i < 1000; ++i) {
        EXPECT_EQ((co_await socket.Read(b)).bytes, 1u);
        EXPECT_TRUE((co_await socket.Write({b.data(), 1})).ok());
      }
    };
    JoinHandle<void> other = runtime.Spawn(pong(ends->second));
    for (int i = 0; i < 1000; ++i) {
      EXPECT_TRUE((co_await ends->first.Write("x")).ok());
      EXPECT_EQ((co_await ReadOne(ends->first)).bytes, 1u);
    }
    stop = true;
    co_await std::move(other);
    co_await std::move(prolong);
  });
}

Task<> MoveDeadlines(Runtime& runtime, Socket& socket, unsigned seed) {
  std::minstd_rand random(seed);
  for (int i = 0; i < 300; ++i) {
    const auto delay = std::chrono::microseconds(random() % 50);
    const Deadline deadline =
        random() % 8 == 0 ? Deadline::None() : runtime.After(delay);
    const Mode modes[] = {Mode::kRead, Mode::kWrite, Mode::kReadWrite};
    switch (modes[random() % 3]) {
      case Mode::kRead:
        socket.SetReadDeadline(deadline);
        break;
      case Mode::kWrite:
        socket.SetWriteDeadline(deadline);
        break;
      case Mode::kReadWrite:
        socket.SetDeadline(deadline);
        break;
    }
    co_await runtime.Yield();
  }
  socket.SetDeadline(Deadline::Past());
}

Task<> UseUntilClosed(Socket& socket, bool write) {
  std::array<char, 64> buffer{};
  for (;;) {
    const IoResult result =
        write ? co_await socket.Write({buffer.data(), buffer.size()})
              : co_await socket.Read(buffer);
    if (result.status.closing()) co_return;
    // The other end may be closed first.
    const int error = result.status.error_number();
    EXPECT_TRUE(result.ok() || result.status.timeout() || error == EPIPE ||
                error == ECONNRESET)
        << result.status.ToString();
  }
}

// Deadlines in all directions, readers, writers and a close, all at once.
TEST_P(DeadlineTest, DeadlinesRacedByManyTasksHangNobody) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    for (unsigned round = 0; round < 10; ++round) {
      auto ends = Socket::Pair(runtime);
      std::vector<JoinHandle<void>> users, setters;
      for (int i = 0; i < 2; ++i) {
        for (Socket* socket : {&ends->first, &ends->second}) {
          users.push_back(runtime.Spawn(UseUntilClosed(*socket, i == 0)));
          users.push_back(runtime.Spawn(UseUntilClosed(*socket, i == 0)));
          setters.push_back(runtime.Spawn(
              MoveDeadlines(runtime, *socket, round * 10 + unsigned(i))));
        }
      }
      for (auto& setter : setters) co_await std::move(setter);
      EXPECT_TRUE((co_await ends->first.Close()).ok());
      EXPECT_TRUE((co_await ends->second.Close()).ok());
      for (auto& user : users) co_await std::move(user);
    }
  });
}

TEST_P(DeadlineTest, CloseWakesEveryTaskOfBothDirections) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    std::vector<JoinHandle<IoResult>> waiting;
    // More than one a direction: the others wait for their turn.
    for (int i = 0; i < 5; ++i) {
      waiting.push_back(runtime.Spawn(ReadOne(ends->first)));
      waiting.push_back(runtime.Spawn(WriteMuch(ends->first)));
    }
    co_await runtime.Sleep(1ms);
    EXPECT_TRUE((co_await ends->first.Close()).ok());
    EXPECT_TRUE((co_await ends->first.Close()).closing()) << "closed twice";
    for (auto& one : waiting) {
      EXPECT_TRUE((co_await std::move(one)).status.closing());
    }
    EXPECT_TRUE((co_await ReadOne(ends->first)).status.closing());
    ends->first.SetDeadline(Deadline::Past());
  });
}

TEST_P(DeadlineTest, AHandleMayBeDestroyedWhileATaskWaits) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    JoinHandle<IoResult> reader = runtime.Spawn(ReadOne(ends->first));
    JoinHandle<IoResult> writer = runtime.Spawn(WriteMuch(ends->first));
    while (runtime.stats().parked < 2) co_await runtime.Yield();
    ends->first = Socket();
    EXPECT_TRUE((co_await std::move(reader)).status.closing());
    EXPECT_TRUE((co_await std::move(writer)).status.closing());
  });
}

// The others wait for their turn, and hold nothing but the state's memory.
TEST_P(DeadlineTest, AHandleMayBeDestroyedWhileTasksQueueForADirection) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    std::vector<JoinHandle<IoResult>> waiting;
    {
      auto ends = Socket::Pair(runtime);
      for (int i = 0; i < 3; ++i) {
        waiting.push_back(runtime.Spawn(ReadOne(ends->first)));
      }
      // One worker: when this task goes on, all three have begun.
      co_await runtime.Yield();
    }
    for (auto& one : waiting) {
      EXPECT_TRUE((co_await std::move(one)).status.closing());
    }
  });
}

TEST_P(DeadlineTest, StopEndsEveryWaitPresentAndFuture) {
  Runtime runtime({.threads = threads()});
  int ended = 0;
  runtime.Spawn([](Runtime& r, int& count) -> Task<> {
    // Datagrams: a stream may see its peer's end first.
    auto socket = DatagramSocket::Bind(r, *SocketAddress::Parse(":0"));
    std::array<char, 1> buffer;
    if ((co_await socket->ReceiveFrom(buffer)).status.closing()) ++count;
    if ((co_await socket->ReceiveFrom(buffer)).status.closing()) ++count;
    if (!Socket::Pair(r).ok()) ++count;
  }(runtime, ended));
  runtime.Spawn([](Runtime& r) -> Task<> {
    co_await r.Sleep(2ms);
    r.Stop();
  }(runtime));
  EXPECT_TRUE(RunWatched(runtime).ok());
  EXPECT_EQ(ended, 3);
}

// One connection that is always ready must not keep the others from running:
// they get their 200 round trips although the flood never pauses.
TEST_P(DeadlineTest, AFloodingConnectionStarvesNobody) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto flood = Socket::Pair(runtime);
    auto calm = Socket::Pair(runtime);
    std::vector<JoinHandle<void>> all;
    all.push_back(runtime.Spawn(UseUntilClosed(flood->first, true)));
    all.push_back(runtime.Spawn(UseUntilClosed(flood->second, false)));
    auto pong = [](Socket& socket) -> Task<> {
      std::array<char, 1> b;
      for (int i = 0; i < 200; ++i) {
        EXPECT_EQ((co_await socket.Read(b)).bytes, 1u);
        EXPECT_TRUE((co_await socket.Write({b.data(), 1})).ok());
      }
    };
    JoinHandle<void> other = runtime.Spawn(pong(calm->second));
    for (int i = 0; i < 200; ++i) {
      EXPECT_TRUE((co_await calm->first.Write("x")).ok());
      EXPECT_EQ((co_await ReadOne(calm->first)).bytes, 1u);
    }
    co_await std::move(other);
    co_await flood->first.Close();
    co_await flood->second.Close();
    for (auto& one : all) co_await std::move(one);
  });
}

// Slots and descriptor numbers are reused at once; late events and timers of
// the earlier ones must not reach the later ones.
TEST_P(DeadlineTest, ReusedDescriptorsSeeNothingOfTheirPredecessors) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto use = [](Runtime& r, unsigned seed) -> Task<> {
      std::minstd_rand random(seed);
      for (int i = 0; i < 200; ++i) {
        auto ends = Socket::Pair(r);
        EXPECT_TRUE(ends.ok());
        if (random() % 2 == 0) {
          ends->first.SetReadDeadline(
              r.After(std::chrono::microseconds(random() % 30)));
        }
        if (random() % 2 == 0) {
          EXPECT_TRUE((co_await ends->second.Write("x")).ok());
        }
        if (random() % 4 == 0) continue;
        auto fresh = Socket::Pair(r);
        JoinHandle<IoResult> reader = r.Spawn(ReadOne(fresh->first));
        co_await ends->first.Close();
        co_await r.Yield();
        EXPECT_TRUE((co_await fresh->second.Write("y")).ok());
        EXPECT_EQ((co_await std::move(reader)).bytes, 1u);
      }
    };
    std::vector<JoinHandle<void>> all;
    for (unsigned i = 0; i < 8; ++i)
      all.push_back(runtime.Spawn(use(runtime, i)));
    for (auto& one : all) co_await std::move(one);
  });
}

// A handle may outlive its runtime once its descriptor is closed. What is no
// more there is for the address sanitizer to notice.
TEST(ClosedHandleTest, HasNoDeadlineWhenItsRuntimeIsGone) {
  auto close = [](Runtime& own, Socket* kept) -> Task<> {
    auto ends = Socket::Pair(own);
    EXPECT_TRUE(ends.ok());
    *kept = std::move(ends->first);
    co_await kept->Close();
  };
  Socket kept;
  {
    Runtime runtime;
    runtime.Spawn(close(runtime, &kept));
    EXPECT_TRUE(RunWatched(runtime).ok());
  }
  kept.SetDeadline(Deadline::Past());
  kept.SetReadDeadline(Deadline::None());
}

}  // namespace
}  // namespace netpoll
