// SPDX-License-Identifier: Apache-2.0
//
// What the header of the wake token says, a test for each sentence.

#include "netpoll/core/wake_token.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/testing/watchdog.h"

namespace netpoll {
namespace {

using Token = WakeToken<StdEnv>;

TEST(WakeTokenTest, ManyBreaksCostOnePost) {
  Token token;
  EXPECT_FALSE(token.pending());
  EXPECT_TRUE(token.Request());
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(token.pending());
    EXPECT_FALSE(token.Request());
  }
}

TEST(WakeTokenTest, AfterAClearTheNextBreakPosts) {
  Token token;
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(token.Request());
    token.Clear();
    EXPECT_FALSE(token.pending());
  }
}

TEST(WakeTokenTest, AfterAPostThatFailedTheNextBreakTriesAgain) {
  Token token;
  ASSERT_TRUE(token.Request());
  token.Retract();
  EXPECT_FALSE(token.pending());
  EXPECT_TRUE(token.Request());
}

TEST(WakeTokenTest, AClearWithoutATokenLeavesItIdle) {
  Token token;
  token.Clear();
  EXPECT_FALSE(token.pending());
  EXPECT_TRUE(token.Request());
}

// A kernel object that counts, as the systems' do, and threads that break. Each
// break is asked for once and waited for.
TEST(WakeTokenTest, NoBreakIsLostAndEachPostHasItsClear) {
  constexpr int kThreads = 3;
  constexpr int kRounds = 2000;
  Token token;
  std::atomic<std::uint64_t> object{0};
  std::atomic<int> posts{0};
  std::atomic<int> wanted{0};
  std::atomic<int> served{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kRounds; ++i) {
        const int mine = ++wanted;
        if (token.Request()) {
          ++posts;
          ++object;
        }
        while (served < mine) std::this_thread::yield();
      }
    });
  }
  const Watchdog watchdog([&] {
    return "a break was lost: " + std::to_string(wanted) + " wanted, " +
           std::to_string(served) + " served, " + std::to_string(posts) +
           " posts";
  });
  int clears = 0;
  while (served < kThreads * kRounds) {
    if (object == 0) {
      std::this_thread::yield();
      continue;
    }
    object.exchange(0);
    token.Clear();
    ++clears;
    // All who asked before the Clear are covered by this return.
    served = wanted.load();
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(posts, clears);
  EXPECT_LE(posts, kThreads * kRounds);
}

}  // namespace
}  // namespace netpoll
