// SPDX-License-Identifier: Apache-2.0
//
// What keeps Run at work and what does not, what is called at Stop, and how a
// runtime starts again.

#include <array>
#include <chrono>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/interval.h"
#include "netpoll/runtime/run_guard.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/socket_test_support.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

class LifeTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(LifeTest);

// --- Guards ------------------------------------------------------------------

TEST_P(LifeTest, AGuardKeepsRunAtWorkUntilItIsReleased) {
  Runtime runtime({.threads = threads()});
  RunGuard guard(runtime);
  std::thread outside([&] {
    // One after the other: between them there is no task at all.
    for (int i = 0; i < 20; ++i) {
      auto sleep = [&]() -> Task<> { (void)co_await runtime.Sleep(1us); };
      JoinHandle<void> task = runtime.Spawn(sleep());
      while (!task.ended()) std::this_thread::yield();
      EXPECT_FALSE(runtime.stopping());
    }
    RunGuard moved = std::move(guard);
    moved.Release();
    moved.Release();
  });
  EXPECT_TRUE(RunWatched(runtime).ok());
  outside.join();
}

TEST_P(LifeTest, ATaskMayHoldOneAndRunGoesOnAfterItsEnd) {
  Runtime runtime({.threads = threads()});
  RunGuard guard;
  auto hold = [&]() -> Task<> {
    guard = RunGuard(runtime);
    co_return;
  };
  auto last = [&]() -> Task<> {
    co_await runtime.Yield();
    guard = RunGuard();
  };
  JoinHandle<void> holding = runtime.Spawn(hold());
  std::thread outside([&] {
    while (!holding.ended()) std::this_thread::yield();
    runtime.Spawn(last());
  });
  EXPECT_TRUE(RunWatched(runtime).ok());
  outside.join();
}

TEST_P(LifeTest, StopReleasesGuards) {
  Runtime runtime({.threads = threads()});
  RunGuard one(runtime);
  RunGuard two(runtime);
  std::thread outside([&] { runtime.Stop(); });
  EXPECT_TRUE(RunWatched(runtime).ok());
  outside.join();
  // Of a runtime that has stopped it holds nothing.
  RunGuard late(runtime);
  EXPECT_TRUE(RunWatched(runtime).ok());
}

// --- Background --------------------------------------------------------------

TEST_P(LifeTest, BackgroundTasksEndWhenNobodyElseIsLeft) {
  for (int round = 0; round < 20; ++round) {
    Runtime runtime({.threads = threads()});
    int ticks = 0;
    bool stopped = false;
    auto background = [&]() -> Task<> {
      bool on = true;
      while (on) {
        ++ticks;
        on = co_await runtime.Sleep(10us);
      }
      stopped = true;
    };
    auto work = [&]() -> Task<> {
      for (int i = 0; i < 5; ++i) {
        EXPECT_TRUE(co_await runtime.Sleep(50us));
      }
      EXPECT_FALSE(runtime.stopping());
    };
    runtime.SpawnBackground(background());
    runtime.Spawn(work());
    runtime.Spawn(work());
    EXPECT_TRUE(RunWatched(runtime).ok());
    EXPECT_TRUE(stopped);
    EXPECT_GE(ticks, 1);
  }
}

TEST_P(LifeTest, AloneTheyAreStoppedAtOnce) {
  Runtime runtime({.threads = threads()});
  auto listen = [&]() -> Task<> {
    auto listener = Listener::Listen(runtime, Loopback());
    if (listener.ok()) {
      EXPECT_TRUE((co_await listener->Accept()).status.closing());
    }
  };
  runtime.SpawnBackground(listen());
  runtime.SpawnBackground(listen());
  EXPECT_TRUE(RunWatched(runtime).ok());
  EXPECT_TRUE(runtime.stopping());
}

TEST_P(LifeTest, OneThatEndsEarlyStopsNobody) {
  Runtime runtime({.threads = threads()});
  auto nothing = []() -> Task<int> { co_return 7; };
  auto work = [&]() -> Task<> {
    for (int i = 0; i < 100; ++i) {
      EXPECT_EQ(co_await runtime.SpawnBackground(nothing()), 7);
    }
    EXPECT_FALSE(runtime.stopping());
  };
  runtime.Spawn(work());
  // The last one may still be counted when `work` ends, and be stopped.
  EXPECT_TRUE(RunWatched(runtime).ok());
}

// The task that keeps all going ends on a thread that is no worker.
TEST_P(LifeTest, TheLastMayEndOutside) {
  for (int round = 0; round < 20; ++round) {
    Runtime runtime({.threads = threads()});
    std::thread outside;
    struct Leave {
      std::thread& thread;
      bool await_ready() const { return false; }
      void await_suspend(std::coroutine_handle<> task) {
        std::thread& started = thread;  // Once it runs the frame may be gone.
        started = std::thread([task] { task.resume(); });
      }
      void await_resume() const {}
    };
    auto work = [&]() -> Task<> { co_await Leave{outside}; };
    auto background = [&]() -> Task<> {
      EXPECT_FALSE(co_await runtime.Sleep(1h));
    };
    runtime.SpawnBackground(background());
    runtime.Spawn(work());
    EXPECT_TRUE(RunWatched(runtime).ok());
    outside.join();
  }
}

// --- The hook ----------------------------------------------------------------

TEST_P(LifeTest, WhatIsHookedIsCalledOnceWhenAllIsClosed) {
  Runtime runtime({.threads = threads()});
  int calls = 0;
  bool closed = false;
  std::array<char, 8> buffer;
  auto wait = [&]() -> Task<> {
    auto ends = *Socket::Pair(runtime);
    std::stop_callback hook(runtime.stop_token(), [&] {
      ++calls;
      closed = !ends.first.WithFd([](int) {});
    });
    std::thread outside([&] { runtime.Stop(); });
    EXPECT_TRUE((co_await ends.first.Read(buffer)).status.closing());
    outside.join();
    EXPECT_EQ(calls, 1);
    EXPECT_TRUE(closed);
    runtime.Stop();
  };
  runtime.Spawn(wait());
  EXPECT_TRUE(RunWatched(runtime).ok());
  std::stop_callback late(runtime.stop_token(), [&] { ++calls; });
  EXPECT_EQ(calls, 2);
}

// --- Again -------------------------------------------------------------------

TEST_P(LifeTest, AStoppedRuntimeStartsAgain) {
  const DescriptorGuard guard;
  Runtime runtime({.threads = threads()});
  EXPECT_TRUE(runtime.StartAgain().ok()) << "nothing to be done";
  for (int round = 0; round < 5; ++round) {
    bool served = false;
    bool hooked = false;
    auto serve = [&]() -> Task<> {
      EXPECT_FALSE(runtime.StartAgain().ok()) << "Run is at work";
      auto listener = Listener::Listen(runtime, Loopback());
      EXPECT_TRUE(listener.ok()) << listener.status();
      auto client = co_await Socket::Connect(runtime, listener->address());
      EXPECT_TRUE(client.ok()) << client.status();
      EXPECT_TRUE((co_await listener->Accept()).ok());
      EXPECT_TRUE(co_await runtime.Sleep(1us));
      served = true;
      std::stop_callback hook(runtime.stop_token(), [&] { hooked = true; });
      runtime.Stop();
      EXPECT_TRUE((co_await listener->Accept()).status.closing());
    };
    runtime.Spawn(serve());
    EXPECT_TRUE(RunWatched(runtime).ok());
    EXPECT_TRUE(served);
    EXPECT_TRUE(hooked);
    EXPECT_TRUE(runtime.StartAgain().ok());
    EXPECT_FALSE(runtime.stopping());
  }
}

TEST_P(LifeTest, NotBeforeAllHaveEnded) {
  Runtime runtime({.threads = threads()});
  auto nothing = []() -> Task<> { co_return; };
  runtime.Stop();
  runtime.Spawn(nothing());
  const absl::Status early = runtime.StartAgain();
  EXPECT_EQ(early.code(), absl::StatusCode::kFailedPrecondition);
  ExpectSays(early,
             "StartAgain was called before all tasks had ended: there are 1");
  EXPECT_TRUE(RunWatched(runtime).ok());
  EXPECT_TRUE(runtime.StartAgain().ok());
}

// --- Intervals ---------------------------------------------------------------

// A clock of the test's, which moves when it is told to.
TEST(IntervalTest, TicksAreMultiplesOfThePeriodHoweverLate) {
  static std::int64_t shift;
  shift = 0;
  const internal::SysOverride restore;
  internal::sys.now = [] { return internal::MonotonicNow() + shift; };
  RunTest(1, [](Runtime& runtime) -> Task<> {
    const std::int64_t began = Runtime::Now();
    Interval every(runtime, 1h);
    const std::int64_t hour = std::chrono::nanoseconds(1h).count();
    shift = hour + 1;
    EXPECT_EQ(co_await every.Tick(), 1);
    shift = 2 * hour + hour / 2;
    EXPECT_EQ(co_await every.Tick(), 1) << "half an hour late";
    shift = 5 * hour + hour / 2;
    EXPECT_EQ(co_await every.Tick(), 3) << "two were missed";
    shift = 6 * hour + 1;
    EXPECT_EQ(co_await every.Tick(), 1) << "not drifted";
    EXPECT_GE(Runtime::Now() - began, 6 * hour);
    runtime.Stop();
    EXPECT_EQ(co_await every.Tick(), 0);
  });
}

TEST(IntervalTest, IsNotEarlyNorShorterThanItCanBe) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    const std::int64_t began = Runtime::Now();
    Interval every(runtime, 1ms);
    std::int64_t ticks = 0;
    while (ticks < 5) ticks += co_await every.Tick();
    EXPECT_GE(Runtime::Now() - began, 1'000'000 * ticks);
    Interval never(runtime, std::chrono::nanoseconds::max());
    Interval busy(runtime, 0ns);
    EXPECT_GE(co_await busy.Tick(), 1);
  });
}

}  // namespace
}  // namespace netpoll
