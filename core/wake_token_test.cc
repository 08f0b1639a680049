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

TEST(WakeTokenTest, AWholeBreakPostsOnceUntilItIsTaken) {
  Token token;
  int posts = 0;
  const auto post = [&] { return ++posts; };
  EXPECT_EQ(token.Break(post), 0);
  EXPECT_EQ(token.Break(post), 0);
  EXPECT_EQ(posts, 1);
  EXPECT_EQ(token.Take(true, [] { return 0; }), 0);
  EXPECT_FALSE(token.pending());
  EXPECT_EQ(token.Break(post), 0);
  EXPECT_EQ(posts, 2);
}

TEST(WakeTokenTest, AWholeBreakThatFailedSaysWhyAndIsTriedAgain) {
  Token token;
  EXPECT_EQ(token.Break([] { return -5; }), -5);
  EXPECT_FALSE(token.pending());
  EXPECT_EQ(token.Break([] { return 0; }), 0);
  EXPECT_TRUE(token.pending());
}

TEST(WakeTokenTest, ThePollThatBlocksClearsWhatItHasUsedUp) {
  Token token;
  ASSERT_TRUE(token.Request());
  EXPECT_EQ(token.Take(false, [] { return 3; }), 3);
  EXPECT_TRUE(token.pending()) << "it was passed on";
  EXPECT_EQ(token.Take(true, [] { return -5; }), -5);
  EXPECT_TRUE(token.pending()) << "it was not used up";
  bool pending = false;
  EXPECT_EQ(token.Take(true,
                       [&] {
                         pending = token.pending();
                         return 0;
                       }),
            0);
  EXPECT_TRUE(pending) << "the object is emptied first";
  EXPECT_FALSE(token.pending());
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
          object.notify_one();
        }
        for (int now; (now = served) < mine;) served.wait(now);
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
    object.wait(0);
    if (object.exchange(0) == 0) continue;
    token.Clear();
    ++clears;
    // All who asked before the Clear are covered by this return.
    served = wanted.load();
    served.notify_all();
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(posts, clears);
  EXPECT_LE(posts, kThreads * kRounds);
}

}  // namespace
}  // namespace netpoll
