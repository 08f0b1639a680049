// SPDX-License-Identifier: Apache-2.0
//
// The dump of a runtime's state, its counts, and the watchdog that prints it.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/cancel.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/runtime_stats.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"
#include "netpoll/runtime/worker_counts.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

class WatchdogTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(WatchdogTest);

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_P(WatchdogTest, TheDumpSaysWhatTheRuntimeDoes) {
  Runtime runtime({.threads = threads()});
  EXPECT_TRUE(Contains(runtime.DumpState(), "not run yet"));
  std::string inside;
  runtime.Spawn([](Runtime& r, std::string& text) -> Task<> {
    JoinHandle<bool> sleeper = r.Spawn(
        [](Runtime& in) -> Task<bool> { co_return co_await in.Sleep(1h); }(r));
    while (!Contains(text, "next sleep ends in")) {
      co_await r.Yield();
      text = r.DumpState();
    }
    r.Stop();
    EXPECT_FALSE(co_await std::move(sleeper));
    EXPECT_TRUE(Contains(r.DumpState(), "running, stopping"));
  }(runtime, inside));
  EXPECT_TRUE(Contains(runtime.DumpState(), "tasks 1, parked 0, injected 1"));
  EXPECT_TRUE(RunWatched(runtime).ok());
  EXPECT_TRUE(Contains(inside, "running\n")) << inside;
  EXPECT_TRUE(Contains(inside, "tasks 2, parked 0")) << inside;
  EXPECT_TRUE(Contains(inside, "next deadline never")) << inside;
  const std::string last =
      "worker " + std::to_string(threads() - 1) + ": queue";
  EXPECT_TRUE(Contains(inside, last)) << inside;
  EXPECT_TRUE(Contains(runtime.DumpState(), "Run has returned"));
  EXPECT_TRUE(Contains(runtime.DumpState(), "tasks 0, parked 0"));
}

// From a thread of its own, all the time, while tasks come and go.
TEST_P(WatchdogTest, TheDumpDisturbsNobody) {
  Runtime runtime({.threads = threads()});
  StdEnv::Atomic<int> end{0};
  std::thread reader([&] {
    while (end.Load("test", Order::kAcquire) == 0) {
      EXPECT_TRUE(Contains(runtime.DumpState(), "worker 0"));
    }
  });
  runtime.Spawn([](Runtime& r) -> Task<> {
    for (int i = 0; i < 300; ++i) {
      JoinHandle<bool> one = r.Spawn([](Runtime& in) -> Task<bool> {
        co_return co_await in.Sleep(1us);
      }(r));
      EXPECT_TRUE(co_await std::move(one));
    }
  }(runtime));
  EXPECT_TRUE(RunWatched(runtime).ok());
  end.Store("test", 1, Order::kRelease);
  reader.join();
}

// One of each cause. Each wait that had to wait is counted once.
TEST_P(WatchdogTest, AWaitIsCountedByWhatEndedIt) {
  RunTest(threads(), [](Runtime& r) -> Task<> {
    const RuntimeStats before = r.stats();
    std::vector<Socket::Ends> ends;
    for (int i = 0; i < 4; ++i) ends.push_back(*Socket::Pair(r));
    const auto read = [](Socket& s) -> Task<IoStatus> {
      std::array<char, 1> byte;
      co_return (co_await s.Read(byte)).status;
    };
    CancelSource source;
    JoinHandle<IoStatus> by_event = r.Spawn(read(ends[0].first));
    JoinHandle<IoStatus> by_deadline = r.Spawn(read(ends[1].first));
    JoinHandle<IoStatus> by_close = r.Spawn(read(ends[2].first));
    JoinHandle<IoStatus> by_scope = r.Spawn(
        [](auto body, Socket& s, CancelSource& cancel) -> Task<IoStatus> {
          co_return co_await WithCancel(cancel, body(s));
        }(read, ends[3].first, source));
    while (r.stats().parked < 4) co_await r.Yield();
    EXPECT_EQ(r.stats().parks() - before.parks(), 4u);
    EXPECT_EQ(r.stats().open - before.open, 8);
    EXPECT_TRUE((co_await ends[0].second.Write("x")).ok());
    ends[1].first.SetReadDeadline(Deadline::Past());
    ends[2].first.CloseNow();
    source.Cancel();
    EXPECT_TRUE((co_await std::move(by_event)).ok());
    EXPECT_TRUE((co_await std::move(by_deadline)).timeout());
    EXPECT_TRUE((co_await std::move(by_close)).closing());
    EXPECT_TRUE((co_await std::move(by_scope)).cancelled());
    const RuntimeStats after = r.stats();
    EXPECT_EQ(after.opens - before.opens, 8u);
    EXPECT_EQ(after.wakeups - before.wakeups, 1u);
    EXPECT_EQ(after.timeouts - before.timeouts, 1u);
    EXPECT_EQ(after.closings - before.closings, 1u);
    EXPECT_EQ(after.nudges - before.nudges, 1u);
    EXPECT_EQ(after.parks() - before.parks(), 4u);
  });
}

// Of each worker and of the others; the sum is the runtime's.
TEST_P(WatchdogTest, TheRuntimeCountsWhatItsWorkersDo) {
  Runtime runtime({.threads = threads()});
  runtime.Spawn([](Runtime& r) -> Task<> {
    for (int i = 0; i < 200; ++i) co_await r.Yield();
    co_await r.Sleep(1ms);
  }(runtime));
  EXPECT_EQ(runtime.stats().tasks, 1);
  EXPECT_EQ(runtime.worker_stats().back().queued, 1) << "injected";
  EXPECT_TRUE(RunWatched(runtime).ok());
  const std::vector<WorkerStats> all = runtime.worker_stats();
  ASSERT_EQ(all.size(), static_cast<std::size_t>(threads()) + 1);
  WorkerStats sum;
  for (const WorkerStats& each : all) sum.Add(each);
  const RuntimeStats stats = runtime.stats();
  EXPECT_GE(stats.task_runs, 202u);
  EXPECT_EQ(stats.task_runs, sum.task_runs);
  EXPECT_EQ(stats.polls, sum.polls);
  EXPECT_EQ(stats.batches.count(), stats.polls);
  EXPECT_GE(stats.poll_times.count(), 1u);
  EXPECT_LE(stats.poll_times.count(), stats.polls);
  EXPECT_LE(stats.turn_times.count(), stats.poll_times.count());
  EXPECT_EQ(stats.tasks, 0);
  EXPECT_EQ(stats.queued, 0);
}

// Others break the poll of the one worker many times before it can take one.
TEST(StatsTest, BreaksThatCostNothingAreCountedToo) {
  Runtime runtime;
  runtime.Spawn([](Runtime& r) -> Task<> {
    std::thread([&r] {
      for (int i = 0; i < 100; ++i) {
        r.Spawn([]() -> Task<> { co_return; }());
      }
    }).join();
    co_return;
  }(runtime));
  EXPECT_TRUE(RunWatched(runtime).ok());
  EXPECT_LE(runtime.stats().breaks_sent, runtime.stats().breaks);
  EXPECT_LE(runtime.stats().breaks_sent, 1u);
}

TEST(PowerHistogramTest, ABucketHoldsWhatIsBetweenPowersOfTwo) {
  internal::PowerCounts<BatchHistogram> counts;
  for (const std::uint64_t value : {0, 1, 2, 3, 4, 1023, 1024, 1 << 30}) {
    counts.Add(value, value);
  }
  const BatchHistogram all = counts.Get();
  EXPECT_EQ(all.buckets[0], 1u);
  EXPECT_EQ(all.buckets[1], 1u);
  EXPECT_EQ(all.buckets[2], 2u);
  EXPECT_EQ(all.buckets[3], 1u);
  EXPECT_EQ(all.buckets[10], 1u);
  EXPECT_EQ(all.buckets[11], 2u) << "whatever is more";
  EXPECT_EQ(all.count(), 8u);
  EXPECT_EQ(BatchHistogram::Last(2), 3u);
}

TEST(WatchdogDeathTest, AHangEndsWithTheState) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(
      {
        Runtime runtime;
        runtime.Spawn([](Runtime& r) -> Task<> {
          co_await r.SleepUntil(Deadline::None());
        }(runtime));
        const Watchdog watchdog(runtime, 50);
        static_cast<void>(runtime.Run());
      },
      "watchdog: no end after 50 ms\nnetpoll runtime on [a-z_]+: running");
}

}  // namespace
}  // namespace netpoll
