// SPDX-License-Identifier: Apache-2.0
//
// A busy worker keeps nothing from an idle one; and what scheduling costs:
// polls, task runs and system calls, counted.

#include "netpoll/runtime/scheduler.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/task_waiter.h"
#include "netpoll/runtime/test_support.h"
#include "netpoll/runtime/worker.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;
using Flag = StdEnv::Atomic<int>;

// Holds its worker until the flag is up: what raises it must be done by
// another one.
void Hold(const Flag& flag) {
  while (flag.Load("test", Order::kAcquire) == 0) std::this_thread::yield();
}
Task<> Raise(Flag& flag) {
  flag.Store("test", 1, Order::kRelease);
  co_return;
}

// With one poller, and with one a worker.
struct Busy {
  int threads;
  bool sharded;
};
class BusyTest : public testing::TestWithParam<Busy> {
 protected:
  RuntimeOptions threads() const {
    return {.threads = GetParam().threads, .sharded = GetParam().sharded};
  }
  static constexpr int kRounds = 50;
};
INSTANTIATE_TEST_SUITE_P(Threads, BusyTest,
                         testing::Values(Busy{2, false}, Busy{4, false},
                                         Busy{2, true}, Busy{4, true}),
                         [](const auto& busy) {
                           return std::to_string(busy.param.threads) +
                                  (busy.param.sharded ? "Sharded" : "");
                         });

TEST_P(BusyTest, TheTaskThatItSpawnedIsRunByAnother) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    for (int i = 0; i < kRounds; ++i) {
      Flag flag{0};
      JoinHandle<void> task = runtime.Spawn(Raise(flag));
      Hold(flag);
      co_await std::move(task);
      if (i % 2 == 0) co_await runtime.Sleep(100us);  // The others go idle.
    }
  });
}

TEST_P(BusyTest, AllTasksOfItsQueueAreRunByOthers) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    for (int i = 0; i < kRounds; ++i) {
      std::vector<Flag> flags(5);
      std::vector<JoinHandle<void>> tasks;
      for (Flag& flag : flags) tasks.push_back(runtime.Spawn(Raise(flag)));
      for (Flag& flag : flags) Hold(flag);
      for (auto& task : tasks) co_await std::move(task);
    }
  });
}

TEST_P(BusyTest, ATaskFromAPlainThreadIsRunByAnother) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    for (int i = 0; i < kRounds; ++i) {
      Flag flag{0};
      std::thread([&] { runtime.Spawn(Raise(flag)); }).join();
      Hold(flag);
    }
    co_return;
  });
}

// What is pushed in less time than a worker takes to look everywhere.
struct Raiser : internal::TaskWaiter {
  explicit Raiser(Runtime& runtime) {
    home = &internal::SchedulerOf(runtime);
    run = [](TaskWaiter* self) {
      static_cast<Raiser*>(self)->flag.Store("test", 1, Order::kRelease);
    };
  }
  // Pushes it after a short while, and waits until it was run.
  void Push(int spins) {
    flag.Store("test", 0, Order::kRelaxed);
    for (int i = 0; i < spins; ++i) (void)flag.Load("test", Order::kAcquire);
    internal::Scheduler::MakeRunnable(this);
    for (int i = 0; flag.Load("test", Order::kAcquire) == 0; ++i) {
      if (i > 10'000) std::this_thread::yield();
    }
  }
  Flag flag{0};
};

// The other is just about to rest: it looks again when it has said so, else who
// pushed has nobody to wake.
TEST_P(BusyTest, NoTaskIsPushedPastAWorkerThatGoesToRest) {
  // More threads than processors wait for each other at each push.
  const int pushes = GetParam().threads == 2 ? 20'000 : 2'000;
  RunTest(threads(), [pushes](Runtime& runtime) -> Task<> {
    Raiser raiser(runtime);
    for (int i = 0; i < pushes; ++i) raiser.Push(i % 1'000);
    co_return;
  });
}

TEST(RestTest, NoForeignTaskIsPushedPastAWorkerThatGoesToRest) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    auto ends = *Socket::Pair(runtime);
    std::thread pusher([&] {
      Raiser raiser(runtime);
      for (int i = 0; i < 20'000; ++i) raiser.Push(i % 1'000);
      ends.first.WithFd([](int fd) { EXPECT_EQ(::write(fd, "x", 1), 1); });
    });
    std::array<char, 1> byte;
    EXPECT_TRUE((co_await ends.second.Read(byte)).ok());
    pusher.join();
  });
}

// Tasks that only yield fill the worker's own queue for ever.
TEST(FairnessTest, ATaskFromAPlainThreadHasItsTurnAmongThoseThatYield) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    Flag flag{0};
    std::thread pusher([&] { runtime.Spawn(Raise(flag)); });
    std::uint64_t yields = 0;
    for (; flag.Load("test", Order::kAcquire) == 0 && yields < 100'000'000;
         ++yields) {
      co_await runtime.Yield();
    }
    EXPECT_LT(yields, 100'000'000u);
    pusher.join();
  });
}

TEST_P(BusyTest, ASleepThatEndsIsSeenByAnother) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto sleep = [](Runtime& r, Flag& begun, Flag& ended) -> Task<> {
      begun.Store("test", 1, Order::kRelease);
      EXPECT_TRUE(co_await r.Sleep(300us));
      ended.Store("test", 1, Order::kRelease);
    };
    for (int i = 0; i < kRounds; ++i) {
      Flag begun{0};
      Flag ended{0};
      JoinHandle<void> task = runtime.Spawn(sleep(runtime, begun, ended));
      Hold(ended);
      co_await std::move(task);
    }
  });
}

TEST_P(BusyTest, ADeadlineThatItSetsIsSeenByAnother) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    auto read = [](Socket& s, Flag& ended) -> Task<> {
      std::array<char, 1> byte;
      EXPECT_TRUE((co_await s.Read(byte)).status.timeout());
      ended.Store("test", 1, Order::kRelease);
    };
    for (int i = 0; i < kRounds; ++i) {
      // Far at first, so that somebody polls until then.
      ends->first.SetReadDeadline(runtime.After(1h));
      Flag ended{0};
      JoinHandle<void> reader = runtime.Spawn(read(ends->first, ended));
      while (runtime.stats().parked == 0) co_await runtime.Yield();
      if (i % 2 == 0) co_await runtime.Sleep(200us);
      ends->first.SetReadDeadline(runtime.After(200us));
      Hold(ended);
      co_await std::move(reader);
    }
  });
}

TEST_P(BusyTest, AnEventIsSeenByAnother) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    auto read = [](Socket& s, Flag& ended) -> Task<> {
      std::array<char, 1> byte;
      EXPECT_EQ((co_await s.Read(byte)).bytes, 1u);
      ended.Store("test", 1, Order::kRelease);
    };
    for (int i = 0; i < kRounds; ++i) {
      Flag ended{0};
      JoinHandle<void> reader = runtime.Spawn(read(ends->first, ended));
      while (runtime.stats().parked == 0) co_await runtime.Yield();
      ends->second.WithFd([](int fd) { EXPECT_EQ(::write(fd, "x", 1), 1); });
      Hold(ended);
      co_await std::move(reader);
    }
  });
}

// Two events of one batch: the worker that took them runs one, and holds.
TEST_P(BusyTest, TheOtherEventsOfItsBatchAreHandledByAnother) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto one = Socket::Pair(runtime);
    auto two = Socket::Pair(runtime);
    // Each holds until the other has run too.
    auto read = [](Socket& s, Flag& mine, Flag& others) -> Task<> {
      std::array<char, 1> byte;
      EXPECT_EQ((co_await s.Read(byte)).bytes, 1u);
      mine.Store("test", 1, Order::kRelease);
      Hold(others);
    };
    for (int i = 0; i < kRounds; ++i) {
      Flag a{0};
      Flag b{0};
      JoinHandle<void> first = runtime.Spawn(read(one->first, a, b));
      JoinHandle<void> second = runtime.Spawn(read(two->first, b, a));
      while (runtime.stats().parked < 2) co_await runtime.Yield();
      for (auto* pair : {&*one, &*two}) {
        pair->second.WithFd([](int fd) { EXPECT_EQ(::write(fd, "x", 1), 1); });
      }
      co_await std::move(first);
      co_await std::move(second);
    }
  });
}

// --- Cost --------------------------------------------------------------------

int reads = 0;
int writes = 0;
int clocks = 0;
ssize_t CountedRead(int fd, void* data, std::size_t size) {
  ++reads;
  return ::read(fd, data, size);
}
ssize_t CountedSend(int fd, const void* data, std::size_t size, int flags) {
  ++writes;
  return ::send(fd, data, size, flags);
}
std::int64_t CountedNow() {
  ++clocks;
  return internal::MonotonicNow();
}

class CostTest : public testing::Test {
 protected:
  CostTest() {
    reads = writes = clocks = 0;
    internal::sys.read = &CountedRead;
    internal::sys.send = &CountedSend;
    internal::sys.now = &CountedNow;
  }
  internal::SysOverride restore_;
};

TEST_F(CostTest, AMessageThatIsWaitedForIsTwoReadsOneWriteAndTwoRuns) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    constexpr int kMessages = 1'000;
    auto ends = Socket::Pair(runtime);
    JoinHandle<void> pong = runtime.Spawn([](Socket& s) -> Task<> {
      std::array<char, 1> byte;
      for (int i = 0; i < kMessages; ++i) {
        EXPECT_EQ((co_await s.Read(byte)).bytes, 1u);
        EXPECT_TRUE((co_await s.Write("y")).ok());
      }
    }(ends->second));
    co_await runtime.Yield();
    const RuntimeStats before = runtime.stats();
    reads = writes = clocks = 0;
    std::array<char, 1> byte;
    for (int i = 0; i < kMessages; ++i) {
      EXPECT_TRUE((co_await ends->first.Write("x")).ok());
      EXPECT_EQ((co_await ends->first.Read(byte)).bytes, 1u);
    }
    const RuntimeStats after = runtime.stats();
    const auto per = [](auto count) {
      return static_cast<double>(count) / kMessages;
    };
    // Of one message there and one back.
    EXPECT_LE(per(reads), 4.01);
    EXPECT_GE(per(reads), 3.9);
    EXPECT_LE(per(writes), 2.01);
    EXPECT_LE(per(after.task_runs - before.task_runs), 2.02);
    EXPECT_LE(per(after.polls - before.polls), 2.02);
    EXPECT_LE(per(after.wakeups - before.wakeups), 2.02);
    // Nobody has a deadline; some polls are timed.
    EXPECT_EQ(static_cast<std::uint64_t>(clocks),
              2 * (after.poll_times.count() - before.poll_times.count()));
    co_await std::move(pong);
  });
}

// While nothing happens there is nothing but the one poll.
TEST(IdleTest, WhoWaitsCostsNothing) {
  for (const int threads : {1, 2, 4}) {
    RunTest(threads, [](Runtime& runtime) -> Task<> {
      auto ends = Socket::Pair(runtime);
      JoinHandle<void> reader = runtime.Spawn([](Socket& s) -> Task<> {
        std::array<char, 1> byte;
        EXPECT_TRUE((co_await s.Read(byte)).status.closing());
      }(ends->first));
      while (runtime.stats().parked == 0) co_await runtime.Yield();
      co_await runtime.Sleep(5ms);
      const RuntimeStats before = runtime.stats();
      constexpr int kSleeps = 10;
      for (int i = 0; i < kSleeps; ++i) co_await runtime.Sleep(10ms);
      const RuntimeStats after = runtime.stats();
      EXPECT_LE(after.task_runs - before.task_runs, std::uint64_t{kSleeps});
      // One that is broken by the new deadline, one that lasts, one that looks.
      EXPECT_LE(after.polls - before.polls, std::uint64_t{4 * kSleeps});
      EXPECT_TRUE((co_await ends->first.Close()).ok());
      co_await std::move(reader);
    });
  }
}

TEST(IdleTest, NobodyLooksRoundWhileNobodyWorks) {
  RunTest({.threads = 4, .sharded = true}, [](Runtime& runtime) -> Task<> {
    co_await runtime.Sleep(50ms);
    const std::uint64_t before = runtime.stats().polls;
    co_await runtime.Sleep(300ms);
    // Each at most looks round once, and is broken. It would be 30 times.
    EXPECT_LE(runtime.stats().polls - before, 24u);
  });
}

// A worker that polls whenever it has no work need not look in between.
TEST(PollPaceTest, APollThatWaitedIsALook) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    for (int i = 0; i < 200; ++i) {
      co_await runtime.Sleep(100us);
      EXPECT_LE(internal::this_worker->tick, 1u);
      EXPECT_LE(internal::this_worker->operations, 1);
    }
  });
}

TEST(StatsTest, EachRunOfATaskIsCounted) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    const std::uint64_t before = runtime.stats().task_runs;
    for (int i = 0; i < 100; ++i) co_await runtime.Yield();
    EXPECT_EQ(runtime.stats().task_runs - before, 100u);
  });
}

// Runs between two polls, and operations between two polls.
TEST(PollPaceTest, ABusyWorkerPolls) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    std::uint64_t before = runtime.stats().polls;
    for (std::uint32_t i = 0; i < 10 * internal::Worker::kPollEvery; ++i) {
      co_await runtime.Yield();
    }
    std::uint64_t polls = runtime.stats().polls - before;
    EXPECT_GE(polls, 9u);
    EXPECT_LE(polls, 11u);
    auto ends = Socket::Pair(runtime);
    before = runtime.stats().polls;
    for (int i = 0; i < 10 * internal::Worker::kPollAfter; ++i) {
      EXPECT_TRUE((co_await ends->first.WaitWritable()).ok());
    }
    polls = runtime.stats().polls - before;
    EXPECT_GE(polls, 9u);
    EXPECT_LE(polls, 11u);
  });
}

}  // namespace
}  // namespace netpoll
