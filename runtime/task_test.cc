// SPDX-License-Identifier: Apache-2.0
//
// Tasks: results, exceptions, stack use, spawning and joining.

#include "netpoll/runtime/task.h"

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

class TaskTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(TaskTest);

Task<int> Number(int value) { co_return value; }
Task<> Nothing() { co_return; }
Task<int> Fail(std::string what) {
  throw std::runtime_error(what);
  co_return 0;
}

TEST_P(TaskTest, AMillionReadyChildrenTakeNoStack) {
  std::int64_t sum = 0;
  RunTest(threads(), [&sum](Runtime&) -> Task<> {
    for (int i = 0; i < 1'000'000; ++i) sum += co_await Number(1);
  });
  EXPECT_EQ(sum, 1'000'000);
}

Task<int> ChainOf(int depth) {
  if (depth == 0) co_return 0;
  co_return 1 + co_await ChainOf(depth - 1);
}

TEST_P(TaskTest, AChainUnwindsToItsRoot) {
  int depth = 0;
  RunTest(threads(),
          [&depth](Runtime&) -> Task<> { depth = co_await ChainOf(500); });
  EXPECT_EQ(depth, 500);
}

Task<int> YieldThen(Runtime& runtime, int value) {
  co_await runtime.Yield();
  co_return value;
}

TEST_P(TaskTest, SuspendedChildrenResumeTheirParents) {
  std::int64_t sum = 0;
  RunTest(threads(), [&sum](Runtime& runtime) -> Task<> {
    for (int i = 0; i < 20'000; ++i) sum += co_await YieldThen(runtime, 2);
  });
  EXPECT_EQ(sum, 40'000);
}

TEST_P(TaskTest, AnExceptionReachesWhoeverAwaits) {
  std::string caught;
  RunTest(threads(), [&caught](Runtime&) -> Task<> {
    try {
      co_await Fail("lost");
    } catch (const std::runtime_error& error) {
      caught = error.what();
    }
  });
  EXPECT_EQ(caught, "lost");
}

Task<> FailLater(Runtime& runtime) {
  co_await runtime.Yield();
  co_await Fail("later");
}

TEST_P(TaskTest, AnExceptionCrossesTasksThatSuspended) {
  std::string caught;
  RunTest(threads(), [&caught](Runtime& runtime) -> Task<> {
    try {
      co_await FailLater(runtime);
    } catch (const std::runtime_error& error) {
      caught = error.what();
    }
  });
  EXPECT_EQ(caught, "later");
}

TEST_P(TaskTest, JoinYieldsTheResultOfASpawnedTask) {
  int sum = 0;
  RunTest(threads(), [&sum](Runtime& runtime) -> Task<> {
    std::vector<JoinHandle<int>> handles;
    for (int i = 0; i < 100; ++i) {
      handles.push_back(runtime.Spawn(YieldThen(runtime, i)));
    }
    for (auto& handle : handles) sum += co_await std::move(handle);
  });
  EXPECT_EQ(sum, 4950);
}

TEST_P(TaskTest, JoinRethrows) {
  std::string caught;
  RunTest(threads(), [&caught](Runtime& runtime) -> Task<> {
    JoinHandle<void> handle = runtime.Spawn(FailLater(runtime));
    try {
      co_await std::move(handle);
    } catch (const std::runtime_error& error) {
      caught = error.what();
    }
  });
  EXPECT_EQ(caught, "later");
}

TEST_P(TaskTest, AnExceptionThatNobodyAwaitsStopsRunAndIsThrownByIt) {
  Runtime runtime({.threads = threads()});
  bool slept_to_the_end = true;
  runtime.Spawn([](Runtime& r, bool& done) -> Task<> {
    done = co_await r.Sleep(1h);
  }(runtime, slept_to_the_end));
  runtime.Spawn(FailLater(runtime));
  EXPECT_THROW(static_cast<void>(runtime.Run()), std::runtime_error);
  EXPECT_FALSE(slept_to_the_end);
}

TEST_P(TaskTest, MoveOnlyResultsAreMoved) {
  RunTest(threads(), [](Runtime&) -> Task<> {
    auto make = []() -> Task<std::unique_ptr<int>> {
      co_return std::make_unique<int>(7);
    };
    std::unique_ptr<int> got = co_await make();
    EXPECT_EQ(*got, 7);
  });
}

TEST_P(TaskTest, ATaskThatIsNeverAwaitedDoesNothingAndLeaksNothing) {
  bool ran = false;
  {
    auto task = [](bool& flag) -> Task<> {
      flag = true;
      co_return;
    }(ran);
  }
  EXPECT_FALSE(ran);
}

TEST_P(TaskTest, RunWithoutTasksReturnsAtOnceAndMayBeRepeated) {
  Runtime runtime({.threads = threads()});
  EXPECT_TRUE(RunWatched(runtime).ok());
  for (int i = 0; i < 3; ++i) {
    runtime.Spawn(Nothing());
    EXPECT_TRUE(RunWatched(runtime).ok());
  }
}

TEST_P(TaskTest, TasksMayBeSpawnedFromOtherThreadsWhileRunning) {
  int ended = 0;
  Runtime runtime({.threads = threads()});
  StdEnv::Atomic<int> count{0};
  constexpr int kTasks = 1000;
  runtime.Spawn([](Runtime& r, StdEnv::Atomic<int>& n) -> Task<> {
    // Sleeps in the poll between spawns: each must wake it.
    while (n.Load("test", Order::kAcquire) < kTasks) {
      co_await r.Sleep(1ms);
    }
  }(runtime, count));
  std::thread spawner([&runtime, &count] {
    for (int i = 0; i < kTasks; ++i) {
      runtime.Spawn([](StdEnv::Atomic<int>& n) -> Task<> {
        n.FetchAdd("test", 1, Order::kAcqRel);
        co_return;
      }(count));
    }
  });
  EXPECT_TRUE(RunWatched(runtime).ok());
  spawner.join();
  ended = count.Load("test", Order::kAcquire);
  EXPECT_EQ(ended, kTasks);
}

TEST_P(TaskTest, SleepIsNeverEarly) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    for (const auto delay : {1ns, 100'000ns, 1'000'000ns, 20'000'000ns}) {
      const std::int64_t begin = Runtime::Now();
      EXPECT_TRUE(co_await runtime.Sleep(delay));
      EXPECT_GE(Runtime::Now() - begin, delay.count());
    }
  });
}

TEST_P(TaskTest, SleepersWakeInTheOrderOfTheirTimes) {
  std::vector<int> order;
  Runtime runtime({.threads = 1});
  const std::int64_t now = Runtime::Now();
  for (const int i : {3, 1, 2, 5, 4}) {
    runtime.Spawn([](Runtime& r, std::int64_t when, std::vector<int>& log,
                     int me) -> Task<> {
      co_await r.SleepUntil(Deadline::At(when));
      log.push_back(me);
    }(runtime, now + i * 2'000'000, order, i));
  }
  EXPECT_TRUE(RunWatched(runtime).ok());
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3, 4, 5}));
}

TEST_P(TaskTest, StopEndsSleepsPresentAndFuture) {
  Runtime runtime({.threads = threads()});
  int interrupted = 0;
  runtime.Spawn([](Runtime& r, int& count) -> Task<> {
    if (!co_await r.Sleep(1h)) ++count;
    if (!co_await r.Sleep(1h)) ++count;
    if (!co_await r.SleepUntil(Deadline::None())) ++count;
  }(runtime, interrupted));
  runtime.Spawn([](Runtime& r) -> Task<> {
    co_await r.Yield();
    r.Stop();
  }(runtime));
  EXPECT_TRUE(RunWatched(runtime).ok());
  EXPECT_EQ(interrupted, 3);
}

// What a task was given goes before anybody is told that it has ended.
TEST_P(TaskTest, TheFrameOfATaskGoesBeforeItsEndIsTold) {
  struct Given {
    explicit Given(std::optional<JoinHandle<void>>* h, bool* t)
        : handle(h), told(t) {}
    Given(Given&& other) noexcept
        : handle(std::exchange(other.handle, nullptr)), told(other.told) {}
    ~Given() {
      if (handle != nullptr) *told = (*handle)->ended();
    }
    std::optional<JoinHandle<void>>* handle;
    bool* told;
  };
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    std::optional<JoinHandle<void>> handle;
    bool told = true;
    // Not before there is a handle.
    StdEnv::Atomic<int> go{0};
    auto task = [](Runtime& r, StdEnv::Atomic<int>& may, Given) -> Task<> {
      while (may.Load("test", Order::kAcquire) == 0) co_await r.Yield();
    };
    handle.emplace(runtime.Spawn(task(runtime, go, Given(&handle, &told))));
    go.Store("test", 1, Order::kRelease);
    while (!handle->ended()) co_await runtime.Yield();
    EXPECT_FALSE(told);
  });
}

// Children that have ended or suspended are in nobody's way.
TEST_P(TaskTest, OnlyChildrenWithinEachOtherCountAsNested) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto child = [](Runtime& r, bool yields) -> Task<int> {
      if (yields) co_await r.Yield();
      co_return internal::nested_children;
    };
    for (int i = 0; i < 100; ++i) {
      const int nested = co_await child(runtime, i % 2 == 1);
      EXPECT_LE(nested, 2);
    }
  });
}

TEST(RuntimeDeathTest, DestroyingARuntimeWithTasksIsRefused) {
  EXPECT_DEATH(
      {
        Runtime runtime;
        runtime.Spawn(Nothing());
      },
      "a Runtime was destroyed before its tasks had ended");
}

TEST_P(TaskTest, RunFromWithinATaskIsAnError) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    EXPECT_EQ(runtime.Run().code(), absl::StatusCode::kFailedPrecondition);
    co_return;
  });
}

}  // namespace
}  // namespace netpoll
