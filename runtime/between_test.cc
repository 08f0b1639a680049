// SPDX-License-Identifier: Apache-2.0
//
// What tasks and threads do with each other: wake-ups, events, mutexes,
// semaphores, conditions, channels; between runtimes; ended by Stop and by
// scopes. In what orders is explored (model/scenarios); here it is all put
// together, with real threads.

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
#include "netpoll/runtime/select.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"
#include "netpoll/runtime/wakeup.h"
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
  RunTest(threads(), [&](Runtime& runtime) -> Task<> {
    auto second = runtime.Spawn(Count(mutex, count, kRounds));
    co_await Count(mutex, count, kRounds);
    co_await std::move(second);
    EXPECT_TRUE(RunsIn(runtime));
  });
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

TEST_P(BetweenTest, AChannelKeepsOrderAndWhatIsInsideWhenItCloses) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    Channel<std::unique_ptr<int>> channel(3);
    auto sender = runtime.Spawn([](decltype(channel)& to) -> Task<> {
      for (int i = 0; i < 500; ++i) {
        EXPECT_TRUE((co_await to.Send(std::make_unique<int>(i))).ok());
      }
      to.Close();
      auto kept = std::make_unique<int>(7);
      EXPECT_TRUE((co_await to.Send(std::move(kept))).closing());
      EXPECT_NE(kept, nullptr);  // It was not sent.
    }(channel));
    for (int i = 0; i < 500; ++i) {
      Received<std::unique_ptr<int>> got = co_await channel.Receive();
      EXPECT_TRUE(got.ok());
      if (got.ok()) {
        EXPECT_EQ(**got.item, i);
      }
    }
    EXPECT_TRUE((co_await channel.Receive()).status.closing());
    EXPECT_FALSE(channel.Close());
    co_await std::move(sender);
  });
}

TEST_P(BetweenTest, ItemsAreNotLostToCancellations) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    constexpr int kItems = 3000;
    Channel<int> channel(2);
    auto sender = runtime.Spawn([](Channel<int>& to) -> Task<> {
      for (int i = 1; i <= kItems;) {
        int item = i;
        const IoStatus sent = co_await WithTimeout(
            std::chrono::microseconds(i % 17), to.Send(std::move(item)));
        if (sent.ok()) ++i;
      }
      to.Close();
    }(channel));
    int last = 0;
    for (int n = 0;; ++n) {
      const auto got = co_await WithTimeout(std::chrono::microseconds(n % 23),
                                            channel.Receive());
      if (got.ok()) {
        EXPECT_EQ(*got.item, last + 1);
        last = *got.item;
      } else if (got.status.closing()) {
        break;
      }
    }
    EXPECT_EQ(last, kItems);
    co_await std::move(sender);
  });
}

TEST_P(BetweenTest, AChannelBetweenAThreadAndATask) {
  RunTest(threads(), [](Runtime&) -> Task<> {
    Channel<std::string> questions(1);
    Channel<std::string> answers(1);
    std::thread answerer([&] {
      for (;;) {
        auto question = Blocking(questions.Receive());
        if (!question.ok()) break;
        EXPECT_TRUE(Blocking(answers.Send(*question.item + "!")).ok());
      }
      answers.Close();
    });
    for (int i = 0; i < 100; ++i) {
      EXPECT_TRUE((co_await questions.Send(std::to_string(i))).ok());
      const auto answer = co_await answers.Receive();
      EXPECT_EQ(answer.item, std::to_string(i) + "!");
    }
    questions.Close();
    EXPECT_TRUE((co_await answers.Receive()).status.closing());
    answerer.join();
  });
}

TEST_P(BetweenTest, ASelectDoesOneThingAndTheOthersNot) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    Channel<int> numbers(1);
    Channel<std::string> words(1);
    EXPECT_TRUE(words.TrySend("one"));
    {
      auto got = co_await Select(numbers.Receive(), words.Receive());
      EXPECT_EQ(got.index, 1);
      EXPECT_EQ(std::get<1>(got.results).item, "one");
      EXPECT_FALSE(std::get<0>(got.results).ok());
    }
    EXPECT_TRUE(words.TrySend("two"));
    {
      // Room there, and none here.
      auto got = co_await Select(words.Send("three"), numbers.Send(3));
      EXPECT_EQ(got.index, 1);
    }
    EXPECT_EQ(words.TryReceive(), "two");
    EXPECT_EQ(words.TryReceive(), std::nullopt);
    EXPECT_EQ(numbers.TryReceive(), 3);
    {
      auto got =
          co_await WithTimeout(1ms, Select(numbers.Receive(), words.Receive()));
      EXPECT_EQ(got.index, -1);
      EXPECT_TRUE(got.status.timeout());
    }
    auto closer = runtime.Spawn([](Runtime& r, Channel<int>& c) -> Task<> {
      co_await r.Sleep(1ms);
      c.Close();
    }(runtime, numbers));
    auto got = co_await Select(words.Receive(), numbers.Receive());
    EXPECT_EQ(got.index, 1);
    EXPECT_TRUE(std::get<1>(got.results).status.closing());
    co_await std::move(closer);
  });
}

// Several tasks select over two channels that others fill: each item once.
TEST_P(BetweenTest, SelectsShareWhatComes) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    constexpr int kItems = 1500;
    Channel<int> even(1);
    Channel<int> odd(2);
    const auto send = [](Channel<int>& to, int first) -> Task<> {
      for (int i = first; i < kItems; i += 2) {
        EXPECT_TRUE((co_await to.Send(i)).ok());
      }
    };
    auto evens = runtime.Spawn(send(even, 0));
    auto odds = runtime.Spawn(send(odd, 1));
    std::vector<int> seen(kItems);
    Mutex guards_seen;
    Event all;
    int count = 0;
    std::vector<JoinHandle<void>> takers;
    for (int i = 0; i < 3; ++i) {
      takers.push_back(runtime.Spawn([](Channel<int>& a, Channel<int>& b,
                                        Mutex& m, std::vector<int>& s, int& n,
                                        Event& done) -> Task<> {
        for (int turn = 0;; ++turn) {
          auto got =
              co_await WithTimeout(std::chrono::microseconds(20 + turn % 80),
                                   Select(a.Receive(), b.Receive()));
          std::optional<int> item = std::get<0>(got.results).item;
          if (!item) item = std::get<1>(got.results).item;
          const MutexGuard guard = co_await m.Lock();
          if (item) {
            ++s[static_cast<std::size_t>(*item)];
            ++n;
          }
          if (n == kItems) {
            done.Set();
            co_return;
          }
        }
      }(even, odd, guards_seen, seen, count, all)));
    }
    EXPECT_TRUE((co_await all.Wait()).ok());
    for (auto& taker : takers) co_await std::move(taker);
    co_await std::move(evens);
    co_await std::move(odds);
    EXPECT_EQ(seen, std::vector<int>(kItems, 1));
  });
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
