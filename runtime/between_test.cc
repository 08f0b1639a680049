// SPDX-License-Identifier: Apache-2.0
//
// What tasks and threads do with each other: wake-ups, events, mutexes,
// semaphores, conditions; between runtimes; ended by Stop and by scopes. In
// what orders is explored (model/scenarios); here it is all put together, with
// real threads.

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/runtime/cancel.h"
#include "netpoll/runtime/channel.h"
#include "netpoll/runtime/event.h"
#include "netpoll/runtime/mutex.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"
#include "netpoll/runtime/wakeup.h"
#include "netpoll/runtime/watch.h"
#include "netpoll/runtime/worker.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

class BetweenTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(BetweenTest);

bool RunsIn(Runtime& runtime) {
  return internal::this_worker != nullptr &&
         internal::this_worker->scheduler == &internal::SchedulerOf(runtime);
}

TEST_P(BetweenTest, AThreadWakesATaskAndAWakeIsRemembered) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    Wakeup wakeup;
    wakeup.Wake();
    wakeup.Wake();
    EXPECT_TRUE((co_await wakeup.Wait()).ok());
    // The second was the same one.
    EXPECT_TRUE((co_await WithTimeout(1ms, wakeup.Wait())).timeout());
    int written = 0;
    std::thread waker([&] {
      written = 1;
      wakeup.Wake();
    });
    EXPECT_TRUE((co_await wakeup.Wait()).ok());
    EXPECT_EQ(written, 1);
    EXPECT_TRUE(RunsIn(runtime));
    waker.join();
  });
}

TEST_P(BetweenTest, StopEndsEveryWait) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    Event never;
    Mutex mutex;
    Condition condition;
    Channel<int> channel(1);
    MutexGuard held = co_await mutex.Lock();
    std::vector<JoinHandle<IoStatus>> waits;
    waits.push_back(runtime.Spawn([](Event& e) -> Task<IoStatus> {
      co_return co_await e.Wait();
    }(never)));
    waits.push_back(runtime.Spawn([](Mutex& m) -> Task<IoStatus> {
      MutexGuard guard = co_await m.Lock();
      co_return guard.status();
    }(mutex)));
    waits.push_back(runtime.Spawn([](Channel<int>& c) -> Task<IoStatus> {
      co_return (co_await c.Receive()).status;
    }(channel)));
    waits.push_back(
        runtime.Spawn([](Runtime& r, Channel<int>& c) -> Task<IoStatus> {
          co_return (co_await WithTimeout(r.After(1h), c.Receive())).status;
        }(runtime, channel)));
    co_await runtime.Sleep(2ms);
    runtime.Stop();
    for (auto& wait : waits) {
      const IoStatus status = co_await std::move(wait);
      EXPECT_TRUE(status.closing()) << status.ToString();
    }
    // And those to come; the mutex is given up and had again.
    EXPECT_TRUE((co_await never.Wait()).closing());
    EXPECT_TRUE((co_await condition.Wait(held)).closing());
    EXPECT_TRUE(held.ok());
  });
}

Task<> Count(Mutex& mutex, int& count, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    const MutexGuard guard = co_await mutex.Lock();
    EXPECT_TRUE(guard.ok());
    ++count;
  }
}

TEST_P(BetweenTest, AMutexGuardsBetweenRuntimesAndThreads) {
  constexpr int kRounds = 2000;
  Mutex mutex;
  int count = 0;
  Runtime other({.threads = threads()});
  for (int i = 0; i < 3; ++i) other.Spawn(Count(mutex, count, kRounds));
  std::thread runs([&other] { EXPECT_TRUE(RunWatched(other).ok()); });
  std::thread plain([&] {
    for (int i = 0; i < kRounds; ++i) {
      const MutexGuard guard = Blocking(mutex.Lock());
      ++count;
    }
  });
  Runtime home({.threads = threads()});
  home.Spawn([](Runtime& runtime, Mutex& m, int& c) -> Task<> {
    auto second = runtime.Spawn(Count(m, c, kRounds));
    co_await Count(m, c, kRounds);
    co_await std::move(second);
    EXPECT_TRUE(RunsIn(runtime));
  }(home, mutex, count));
  EXPECT_TRUE(RunWatched(home).ok());
  runs.join();
  plain.join();
  EXPECT_EQ(count, 6 * kRounds);
}

TEST_P(BetweenTest, AMutexIsFirstComeFirstServed) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    Mutex mutex;
    std::vector<int> order;
    std::vector<JoinHandle<void>> tasks;
    MutexGuard held = co_await mutex.Lock();
    for (int i = 0; i < 8; ++i) {
      Event joined;
      tasks.push_back(runtime.Spawn(
          [](Mutex& m, std::vector<int>& o, int number) -> Task<> {
            const MutexGuard guard = co_await m.Lock();
            o.push_back(number);
          }(mutex, order, i)));
      // It waits, once nobody can overtake it.
      co_await runtime.Sleep(2ms);
    }
    EXPECT_FALSE(mutex.TryLock().ok());
    held.Unlock();
    for (auto& task : tasks) co_await std::move(task);
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7}));
    EXPECT_TRUE(mutex.TryLock().ok());
  });
}

TEST_P(BetweenTest, WhoWantsManyIsNotStarved) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    Semaphore semaphore(2);
    EXPECT_TRUE((co_await semaphore.Acquire()).ok());
    auto many = runtime.Spawn([](Semaphore& s) -> Task<IoStatus> {
      co_return co_await s.Acquire(2);
    }(semaphore));
    co_await runtime.Sleep(2ms);
    EXPECT_EQ(semaphore.available(), 1u);
    EXPECT_FALSE(semaphore.TryAcquire());
    EXPECT_TRUE((co_await WithTimeout(1ms, semaphore.Acquire())).timeout());
    semaphore.Release();
    EXPECT_TRUE((co_await std::move(many)).ok());
    semaphore.Release(2);
    EXPECT_EQ(semaphore.available(), 2u);
  });
}

// A queue with a condition: what is put is got, though gets are cancelled.
TEST_P(BetweenTest, NotificationsAreNotLostToCancellations) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    struct Queue {
      Mutex mutex;
      Condition changed;
      int items = 0;
      int taken = 0;
    } queue;
    constexpr int kItems = 600;
    const auto get = [](Queue& q) -> Task<bool> {
      MutexGuard guard = co_await q.mutex.Lock();
      if (!guard.ok()) co_return false;
      while (q.items == 0) {
        const IoStatus status = co_await q.changed.Wait(guard);
        EXPECT_TRUE(guard.ok());
        if (!status.ok() && q.items == 0) co_return false;
      }
      --q.items;
      ++q.taken;
      co_return true;
    };
    std::vector<JoinHandle<void>> getters;
    for (int i = 0; i < 3; ++i) {
      getters.push_back(
          runtime.Spawn([](decltype(get) one, Queue& q, int number) -> Task<> {
            for (int n = number;; ++n) {
              co_await WithTimeout(std::chrono::microseconds(n % 60), one(q));
              const MutexGuard guard = co_await q.mutex.Lock();
              if (q.taken == kItems) co_return;
            }
          }(get, queue, i)));
    }
    for (int i = 0; i < kItems; ++i) {
      {
        const MutexGuard guard = co_await queue.mutex.Lock();
        ++queue.items;
      }
      queue.changed.NotifyOne();
      if (i % 9 == 0) co_await runtime.Sleep(30us);
    }
    for (auto& getter : getters) co_await std::move(getter);
    EXPECT_EQ(queue.taken, kItems);
  });
}

TEST(BetweenMisuseTest, TwoThatWaitForOneWakeUpAreNoticed) {
  EXPECT_DEATH(
      {
        Runtime runtime;
        Wakeup wakeup;
        const auto wait = [](Wakeup& w) -> Task<> { (void)co_await w.Wait(); };
        runtime.Spawn(wait(wakeup));
        runtime.Spawn(wait(wakeup));
        (void)runtime.Run();
      },
      "two tasks wait for one wake-up");
}

// A coroutine of no library's, that nobody runs.
struct Loose {
  struct promise_type {
    Loose get_return_object() { return {}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

TEST(BetweenMisuseTest, ACoroutineThatNobodyRunsIsNoticed) {
  EXPECT_DEATH(
      {
        Event event;
        [](Event& e) -> Loose { (void)co_await e.Wait(); }(event);
      },
      "a coroutine waits that no Runtime runs");
}

TEST(BetweenMisuseTest, AConditionWithoutItsMutexIsNoticed) {
  EXPECT_DEATH(
      {
        Runtime runtime;
        Condition condition;
        runtime.Spawn([](Condition& c) -> Task<> {
          MutexGuard none;
          (void)co_await c.Wait(none);
        }(condition));
        (void)runtime.Run();
      },
      "a Condition was awaited with a guard that holds nothing");
}

// Makes one, has a task wait for it, and destroys it.
template <class T, class Wait, class... Args>
void DestroyWhileATaskWaits(Wait wait, Args... args) {
  Runtime runtime;
  runtime.Spawn([](Runtime& r, Wait w, Args... with) -> Task<> {
    auto what = std::make_unique<T>(with...);
    const auto waits = [](Wait begin, T& on) -> Task<> {
      (void)co_await begin(on);
    };
    r.Spawn(waits(w, *what));
    for (int i = 0; i < 3; ++i) co_await r.Yield();
    what.reset();
  }(runtime, wait, args...));
  (void)runtime.Run();
}

TEST(BetweenMisuseTest, WhatIsWaitedForIsNotDestroyed) {
  EXPECT_DEATH(DestroyWhileATaskWaits<Event>([](Event& e) { return e.Wait(); }),
               "an Event was destroyed while tasks wait for it");
  EXPECT_DEATH(
      DestroyWhileATaskWaits<Wakeup>([](Wakeup& w) { return w.Wait(); }),
      "a Wakeup was destroyed while a task waits for it");
  EXPECT_DEATH(DestroyWhileATaskWaits<Semaphore>(
                   [](Semaphore& s) { return s.Acquire(2); }, 1u),
               "a Semaphore was destroyed while tasks wait for it");
  EXPECT_DEATH(DestroyWhileATaskWaits<Channel<int>>(
                   [](Channel<int>& c) { return c.Receive(); }, 1u),
               "a Channel was destroyed while tasks wait for it");
  EXPECT_DEATH(DestroyWhileATaskWaits<Watch<int>>(
                   [](Watch<int>& w) { return w.Changed(0); }, 7),
               "a Watch was destroyed while tasks wait for it");
  EXPECT_DEATH(DestroyWhileATaskWaits<Broadcast<int>>(
                   [](Broadcast<int>& b) -> Task<> {
                     Broadcast<int>::Receiver receiver(b);
                     (void)co_await receiver.Receive();
                   },
                   1u),
               "a Broadcast was destroyed while tasks wait for it");
  EXPECT_DEATH(DestroyWhileATaskWaits<Condition>([](Condition& c) -> Task<> {
                 Mutex mutex;
                 MutexGuard guard = co_await mutex.Lock();
                 (void)co_await c.Wait(guard);
               }),
               "a Condition was destroyed while tasks wait for it");
}

TEST(BetweenMisuseTest, AMutexIsNotDestroyedWhileItIsHeld) {
  EXPECT_DEATH(DestroyWhileATaskWaits<Mutex>([](Mutex& m) -> Task<> {
                 const MutexGuard guard = co_await m.Lock();
                 Event never;
                 (void)co_await never.Wait();
               }),
               "a Mutex was destroyed while it was held");
}

TEST(BetweenMisuseTest, MorePermitsThanThereCanBeAreNoticed) {
  Semaphore semaphore(0xffff'fffe);
  semaphore.Release();
  EXPECT_EQ(semaphore.available(), 0xffff'ffffu);
  EXPECT_DEATH(semaphore.Release(),
               "more permits were released than a Semaphore counts");
}

TEST(BetweenMisuseTest, AWorkerThatBlocksIsNoticed) {
  EXPECT_DEATH(
      {
        Runtime runtime;
        Event event;
        runtime.Spawn([](Event& e) -> Task<> {
          (void)Blocking(e.Wait());
          co_return;
        }(event));
        (void)runtime.Run();
      },
      "Blocking was called by a worker");
}

}  // namespace
}  // namespace netpoll
