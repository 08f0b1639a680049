// SPDX-License-Identifier: Apache-2.0
//
// Channels between tasks and threads, and selects over several: order, close,
// and no item lost to a cancellation.

#include "netpoll/runtime/channel.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/runtime/cancel.h"
#include "netpoll/runtime/event.h"
#include "netpoll/runtime/mutex.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/select.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

class ChannelTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(ChannelTest);

TEST_P(ChannelTest, AChannelKeepsOrderAndWhatIsInsideWhenItCloses) {
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

TEST_P(ChannelTest, ItemsAreNotLostToCancellations) {
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

TEST_P(ChannelTest, AChannelBetweenAThreadAndATask) {
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

TEST_P(ChannelTest, ASelectDoesOneThingAndTheOthersNot) {
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
TEST_P(ChannelTest, SelectsShareWhatComes) {
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

}  // namespace
}  // namespace netpoll
