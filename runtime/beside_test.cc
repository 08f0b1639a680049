// SPDX-License-Identifier: Apache-2.0
//
// Tasks side by side: WhenAll, WhenAny, groups, streams of results. Whatever
// fails or is cancelled, all are waited for, and nothing is lost.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/runtime/cancel.h"
#include "netpoll/runtime/channel.h"
#include "netpoll/runtime/event.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/task_group.h"
#include "netpoll/runtime/test_support.h"
#include "netpoll/runtime/when_all.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

class BesideTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(BesideTest);

Task<int> Number(Runtime& runtime, int number,
                 std::chrono::microseconds after = 0us) {
  if (after > 0us) co_await runtime.Sleep(after);
  co_return number;
}
Task<> Nothing(Runtime& runtime) { co_await runtime.Sleep(1ms); }

// Says whether it was cancelled, a while after it was. Several may leave at
// once, on workers of their own.
Task<bool> Sleepy(Runtime& runtime, std::atomic<int>& left) {
  const bool slept = co_await runtime.Sleep(1h);
  co_await Shielded(runtime.Sleep(2ms));
  ++left;
  co_return !slept;
}
Task<int> Fails(Runtime& runtime, const char* how,
                std::chrono::microseconds after) {
  co_await Shielded(runtime.Sleep(after));
  throw std::runtime_error(how);
}

TEST_P(BesideTest, AllResultsComeInTheOrderOfTheTasks) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    const auto [one, nothing, two] = co_await WhenAll(
        Number(runtime, 1, 2ms), Nothing(runtime), Number(runtime, 2));
    EXPECT_EQ(one, 1);
    EXPECT_EQ(two, 2);
    static_cast<void>(nothing);
    std::vector<Task<int>> many;
    for (int i = 0; i < 100; ++i) {
      many.push_back(
          Number(runtime, i, std::chrono::microseconds(i * 37 % 50)));
    }
    const std::vector<int> all = co_await WhenAll(std::move(many));
    for (int i = 0; i < 100; ++i) EXPECT_EQ(all[static_cast<size_t>(i)], i);
    EXPECT_TRUE((co_await WhenAll(std::vector<Task<int>>())).empty());
    // Many that are ready at once take no stack, and are not resumed twice.
    for (int i = 0; i < 20000; ++i) {
      const auto [a, b] =
          co_await WhenAll(Number(runtime, i), Number(runtime, -i));
      EXPECT_EQ(a + b, 0);
    }
  });
}

TEST_P(BesideTest, TheFirstFailureCancelsTheOthersAndIsThrownWhenTheyHaveLeft) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    std::atomic<int> left = 0;
    std::string what;
    try {
      co_await WhenAll(Sleepy(runtime, left), Fails(runtime, "first", 1ms),
                       Sleepy(runtime, left));
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
    EXPECT_EQ(what, "first");
    EXPECT_EQ(left, 2);
  });
}

TEST_P(BesideTest, NoExceptionIsLost) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    std::vector<std::string> what;
    try {
      co_await WhenAll(Fails(runtime, "second", 8ms),
                       Fails(runtime, "first", 1ms), Number(runtime, 1));
    } catch (const TaskErrors& errors) {
      for (const std::exception_ptr& error : errors.errors()) {
        try {
          std::rethrow_exception(error);
        } catch (const std::runtime_error& one) {
          what.push_back(one.what());
        }
      }
    }
    EXPECT_EQ(what, (std::vector<std::string>{"first", "second"}));
  });
}

TEST_P(BesideTest, TheFirstToEndCancelsTheOthersAndAllAreWaitedFor) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    std::atomic<int> left = 0;
    auto any = co_await WhenAny(Sleepy(runtime, left), Number(runtime, 7, 1ms),
                                Sleepy(runtime, left));
    EXPECT_EQ(any.first, 1u);
    EXPECT_EQ(std::get<1>(any.results).Get(), 7);
    EXPECT_TRUE(std::get<0>(any.results).Get());
    EXPECT_TRUE(std::get<2>(any.results).Get());
    EXPECT_EQ(left, 2);
  });
}

// Two receives race; an item that the loser was given is in its result.
TEST_P(BesideTest, ALoserKeepsWhatItWasGiven) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    constexpr int kItems = 400;
    Channel<int> first(1);
    Channel<int> second(1);
    const auto send = [](Channel<int>& to) -> Task<> {
      for (int i = 0; i < kItems; ++i) (void)co_await to.Send(1);
      to.Close();
    };
    auto sends = runtime.Spawn(send(first));
    auto others = runtime.Spawn(send(second));
    int got = 0;
    for (;;) {
      auto any =
          co_await WhenAny(AsTask(first.Receive()), AsTask(second.Receive()));
      auto& one = std::get<0>(any.results).Get();
      auto& two = std::get<1>(any.results).Get();
      got += one.ok() + two.ok();
      if (!one.ok() && !two.ok()) break;
    }
    while ((co_await first.Receive()).ok()) ++got;
    while ((co_await second.Receive()).ok()) ++got;
    EXPECT_EQ(got, 2 * kItems);
    co_await std::move(sends);
    co_await std::move(others);
  });
}

TEST_P(BesideTest, AnOuterScopeReachesAllOfThem) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    std::atomic<int> left = 0;
    const auto [a, b] = co_await WithTimeout(
        2ms, WhenAll(Sleepy(runtime, left), Sleepy(runtime, left)));
    EXPECT_TRUE(a && b);
    EXPECT_EQ(left, 2);
    // One within the other.
    const auto nested = [](Runtime& r, std::atomic<int>& n) -> Task<bool> {
      auto any = co_await WhenAny(Sleepy(r, n), Sleepy(r, n));
      co_return std::get<0>(any.results).Get();
    };
    const auto [c] = co_await WithTimeout(2ms, WhenAll(nested(runtime, left)));
    EXPECT_TRUE(c);
    EXPECT_EQ(left, 4);
  });
}

TEST_P(BesideTest, AGroupEndsWhenItsTasksHave) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    int left = 0;
    Mutex mutex;
    const auto work = [](Runtime& r, Mutex& m, int& n) -> Task<> {
      co_await r.Sleep(1ms);
      const MutexGuard guard = co_await m.Lock();
      ++n;
    };
    co_await WithTaskGroup(runtime, [&](TaskGroup& group) -> Task<> {
      for (int i = 0; i < 50; ++i) group.Spawn(work(runtime, mutex, left));
      co_return;
    });
    EXPECT_EQ(left, 50);
    TaskGroup group(runtime);
    co_await group.Join();  // Of nobody.
    group.Spawn(work(runtime, mutex, left));
    co_await group.Join();
    EXPECT_EQ(left, 51);
  });
}

Task<> Forget(Task<int> task) { (void)co_await std::move(task); }
Task<> Forget(Task<bool> task) { (void)co_await std::move(task); }

TEST_P(BesideTest, AGroupCancelsTheRestAndThrowsAll) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    std::atomic<int> left = 0;
    std::size_t count = 0;
    try {
      co_await WithTaskGroup(runtime, [&](TaskGroup& group) -> Task<> {
        group.Spawn(Forget(Sleepy(runtime, left)));
        group.Spawn(Forget(Fails(runtime, "one", 1ms)));
        group.Spawn(Forget(Fails(runtime, "two", 2ms)));
        co_await runtime.Sleep(500us);
        throw std::runtime_error("the body");
      });
    } catch (const TaskErrors& errors) {
      count = errors.errors().size();
    }
    EXPECT_EQ(count, 3u);
    EXPECT_EQ(left, 1);
  });
}

// A server that accepts in the body of a group hears that a session failed.
TEST_P(BesideTest, AFailureEndsWhatSpawnsTheTasks) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    const auto fails = [](Runtime& r) -> Task<> {
      co_await r.Yield();
      throw std::runtime_error("session");
    };
    Event never;
    IoStatus told;
    std::string said;
    try {
      co_await WithTaskGroup(runtime, [&](TaskGroup& group) -> Task<> {
        group.Spawn(fails(runtime));
        told = co_await never.Wait();
        throw Cancelled(told);
      });
    } catch (const std::exception& error) {
      said = error.what();
    }
    EXPECT_TRUE(told.cancelled()) << told.ToString();
    EXPECT_EQ(said, "session");
    // By hand.
    TaskGroup group(runtime);
    group.Cancel();
    told = co_await group.Within(never.Wait());
    EXPECT_TRUE(told.cancelled()) << told.ToString();
    co_await group.Join();
  });
}

TEST_P(BesideTest, WhoeverAwaitsAGroupIsCancelledWithItAndWaits) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    std::atomic<int> left = 0;
    co_await WithTimeout(
        2ms, WithTaskGroup(runtime, [&](TaskGroup& group) -> Task<> {
          for (int i = 0; i < 5; ++i)
            group.Spawn(Forget(Sleepy(runtime, left)));
          co_return;
        }));
    EXPECT_EQ(left, 5);
  });
}

TEST_P(BesideTest, StopEndsAGroup) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    Event never;
    TaskGroup group(runtime);
    group.Spawn([](Event& event) -> Task<> {
      EXPECT_TRUE((co_await event.Wait()).closing());
    }(never));
    group.Spawn([](Runtime& r) -> Task<> {
      co_await r.Sleep(1ms);
      r.Stop();
    }(runtime));
    co_await group.Join();
  });
}

Task<int> After(Event& event, int number) {
  const IoStatus status = co_await event.Wait();
  EXPECT_TRUE(status.ok()) << status.ToString();
  if (number == 2) throw std::runtime_error("two");
  co_return number;
}

TEST_P(BesideTest, ResultsComeAsTheyAreReady) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    Event first, second, third;
    TaskResults<int> results(runtime);
    results.Spawn(After(third, 3));
    results.Spawn(After(first, 1));
    results.Spawn(After(second, 2));
    EXPECT_EQ(results.outstanding(), 3u);
    first.Set();
    auto got = co_await results.Next();
    EXPECT_EQ(got->Get(), 1);
    second.Set();
    got = co_await results.Next();
    EXPECT_FALSE(got->ok());
    got = co_await WithTimeout(Deadline::Past(), results.Next());
    EXPECT_FALSE(got.has_value());
    EXPECT_EQ(results.outstanding(), 1u);
    third.Set();
    got = co_await results.Next();
    EXPECT_EQ(got->Get(), 3);
    got = co_await results.Next();
    EXPECT_FALSE(got.has_value());
  });
}

TEST(BesideMisuseTest, AFailureThatIsNoneIsNoticed) {
  Runtime runtime;
  TaskGroup group(runtime);
  EXPECT_DEATH(group.Fail(nullptr), "TaskGroup::Fail was given no exception");
}

TEST(BesideMisuseTest, AGroupThatGoesTooEarlyIsNoticed) {
  EXPECT_DEATH(
      {
        Runtime runtime;
        runtime.Spawn([](Runtime& r) -> Task<> {
          TaskGroup group(r);
          group.Spawn(Nothing(r));
          co_return;
        }(runtime));
        (void)runtime.Run();
      },
      "before its tasks were joined");
}

}  // namespace
}  // namespace netpoll
