// SPDX-License-Identifier: Apache-2.0
//
// Watch and Broadcast: the latest is seen, every item once, in order, and who
// is slow is told what it missed.

#include "netpoll/runtime/watch.h"

#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/runtime/cancel.h"
#include "netpoll/runtime/queue_wait.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

constexpr int kItems = 2000;

class WatchTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(WatchTest);

TEST_P(WatchTest, TheLatestValueIsSeen) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    constexpr int kLast = 500;
    Watch<int> watch(0);
    std::vector<JoinHandle<void>> watchers;
    for (int i = 0; i < 3; ++i) {
      watchers.push_back(runtime.Spawn([](Watch<int>& w) -> Task<> {
        int last = -1;
        for (;;) {
          const Watch<int>::Seen seen = w.Get();
          EXPECT_GT(seen.value, last);
          last = seen.value;
          if (last == kLast) co_return;
          const IoStatus changed = co_await w.Changed(seen.version);
          EXPECT_TRUE(changed.ok()) << changed.ToString();
          if (!changed.ok()) co_return;
        }
      }(watch)));
    }
    std::thread setter([&watch] {
      for (int i = 1; i <= kLast; ++i) watch.Set(i);
    });
    for (auto& watcher : watchers) co_await std::move(watcher);
    setter.join();
    const Watch<int>::Seen seen = watch.Get();
    const IoStatus none =
        co_await WithTimeout(1ms, watch.Changed(seen.version));
    EXPECT_TRUE(none.timeout());
    const IoStatus old = co_await watch.Changed(0);
    EXPECT_TRUE(old.ok());
  });
}

TEST_P(WatchTest, EveryReceiverGetsEveryItemOrIsToldWhatItMissed) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    Broadcast<int> items(16);
    const auto receive = [](Broadcast<int>::Receiver from,
                            int limit) -> Task<> {
      int next = 0;
      for (int turn = 0;; ++turn) {
        const auto got = co_await WithTimeout(
            std::chrono::microseconds(limit == 0 ? 60'000'000 : turn % limit),
            from.Receive());
        if (got.status.closing()) break;
        if (!got.ok()) continue;
        next += static_cast<int>(got.missed);
        EXPECT_EQ(*got.item, next);
        ++next;
      }
      EXPECT_EQ(next, kItems);
    };
    auto patient = runtime.Spawn(receive(Broadcast<int>::Receiver(items), 0));
    auto hasty = runtime.Spawn(receive(Broadcast<int>::Receiver(items), 40));
    for (int i = 0; i < kItems; ++i) {
      EXPECT_TRUE(items.Send(i));
      if (i % 5 == 0) co_await runtime.Yield();
    }
    items.Close();
    EXPECT_FALSE(items.Send(0));
    co_await std::move(patient);
    co_await std::move(hasty);
  });
}

TEST_P(WatchTest, WhoIsTooSlowMissesTheOldest) {
  RunTest(threads(), [](Runtime&) -> Task<> {
    Broadcast<int> items(2);
    Broadcast<int>::Receiver mine(items);
    for (int i = 0; i < 5; ++i) items.Send(i);
    Broadcast<int>::Receiver late(items);
    auto got = co_await mine.Receive();
    EXPECT_EQ(got.item, 3);
    EXPECT_EQ(got.missed, 3u);
    got = co_await mine.Receive();
    EXPECT_EQ(got.item, 4);
    EXPECT_EQ(got.missed, 0u);
    items.Close();
    got = co_await late.Receive();
    EXPECT_TRUE(got.status.closing());
  });
}

// Does something as it ends.
class Farewell {
 public:
  explicit Farewell(std::function<void()> say) : say_(std::move(say)) {}
  Farewell(const Farewell&) = delete;
  Farewell& operator=(const Farewell&) = delete;
  ~Farewell() { say_(); }

 private:
  const std::function<void()> say_;
};

TEST(WatchValueTest, AValueThatEndsMayLookAtWhereItWas) {
  using Value = std::shared_ptr<Farewell>;
  int ended = 0;
  Watch<Value> watch(nullptr);
  watch.Set(std::make_shared<Farewell>([&] {
    EXPECT_EQ(watch.Get().value, nullptr);
    ++ended;
  }));
  watch.Set(nullptr);
  EXPECT_EQ(ended, 1);
  Broadcast<Value> broadcast(1);
  broadcast.Send(std::make_shared<Farewell>([&] {
    EXPECT_TRUE(broadcast.Send(nullptr));
    ++ended;
  }));
  EXPECT_TRUE(broadcast.Send(nullptr));
  EXPECT_EQ(ended, 2);
}

}  // namespace
}  // namespace netpoll
