// SPDX-License-Identifier: Apache-2.0
//
// The sleep protocol and the wake token among threads: each stimulus is given
// once and waited for, so a wake-up that is lost hangs the test.

#include "netpoll/core/sleep_protocol.h"

#include <atomic>
#include <climits>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/wake_token.h"

namespace netpoll {
namespace {

using Protocol = SleepProtocol<StdEnv>;

// A kernel object with a token, as a backend has it: level-triggered, drained
// by the blocking poll alone.
class Kernel {
 public:
  void Break() {
    if (token_.Request()) object_.Unpark("test.post");
  }
  void BlockingPoll() {
    object_.Park("test.poll");
    token_.Clear();
  }

 private:
  WakeToken<StdEnv> token_;
  StdEnv::Parker object_;
};

TEST(WakeTokenTest, OnlyTheFirstOfManyRequestsPosts) {
  WakeToken<StdEnv> token;
  EXPECT_FALSE(token.pending());
  EXPECT_TRUE(token.Request());
  EXPECT_FALSE(token.Request());
  EXPECT_TRUE(token.pending());
  token.Clear();
  EXPECT_TRUE(token.Request());
  token.Retract();
  EXPECT_TRUE(token.Request()) << "a failed post is forgotten";
}

TEST(SleepProtocolTest, WorkForOneWorkerBreaksNoPollOfAnother) {
  Protocol protocol;
  ASSERT_EQ(protocol.Announce(0, kNever), IdleRole::kPoller);
  EXPECT_TRUE(protocol.WakeOne(0));
  EXPECT_FALSE(protocol.WakeOne(1)) << "it is busy, and looks before it rests";
  ASSERT_FALSE(protocol.Retract(0, IdleRole::kPoller));
  ASSERT_EQ(protocol.Announce(1, kNever), IdleRole::kPoller);
  EXPECT_TRUE(protocol.WakeOne(1));
  EXPECT_FALSE(protocol.WakeOne(0));
  ASSERT_EQ(protocol.Announce(0, kNever), IdleRole::kSleeper);
  EXPECT_FALSE(protocol.WakeOne(0)) << "it slept, and was woken";
  EXPECT_FALSE(protocol.AnySleeper());
}

TEST(WakeTokenTest, WhatWasWrittenBeforeABreakIsSeenAfterAPoll) {
  constexpr int kRounds = 5000;
  constexpr int kBreakers = 3;
  Kernel kernel;
  std::atomic<int> wanted[kBreakers] = {};
  std::atomic<int> done[kBreakers] = {};
  StdEnv::Parker seen[kBreakers];
  std::atomic<bool> stop{false};
  std::thread poller([&] {
    while (!stop) {
      kernel.BlockingPoll();
      for (int b = 0; b < kBreakers; ++b) {
        done[b].store(wanted[b].load(std::memory_order_relaxed));
        seen[b].Unpark("test.seen");
      }
    }
  });
  std::vector<std::thread> breakers;
  for (int b = 0; b < kBreakers; ++b) {
    breakers.emplace_back([&, b] {
      for (int i = 1; i <= kRounds; ++i) {
        wanted[b].store(i, std::memory_order_relaxed);
        kernel.Break();
        // Waits for this very break to have been seen.
        while (done[b] != i) seen[b].Park("test.seen");
      }
    });
  }
  for (std::thread& breaker : breakers) breaker.join();
  stop = true;
  kernel.Break();
  poller.join();
}

TEST(SleepProtocolTest, OnePollsTheRestSleeps) {
  Protocol protocol;
  EXPECT_EQ(protocol.Announce(3, 100), IdleRole::kPoller);
  EXPECT_EQ(protocol.Announce(5, 100), IdleRole::kSleeper);
  EXPECT_EQ(protocol.Announce(63, kNever), IdleRole::kSleeper);
  EXPECT_TRUE(protocol.AnyPoller());
  EXPECT_FALSE(protocol.Wake()) << "a sleeper is woken first";
  EXPECT_FALSE(protocol.Wake());
  EXPECT_FALSE(protocol.AnySleeper());
  EXPECT_TRUE(protocol.Wake()) << "nobody sleeps: break the poll";
  // Both wakes are remembered.
  protocol.Sleep(5);
  protocol.Sleep(63);
  protocol.EndPoll();
  EXPECT_FALSE(protocol.Wake()) << "everybody is awake";
}

TEST(SleepProtocolTest, RetractUndoesAnnounce) {
  Protocol protocol;
  (void)protocol.Retract(0, protocol.Announce(0, 9));
  EXPECT_FALSE(protocol.AnyPoller());
  const IdleRole poller = protocol.Announce(1, 9);
  (void)protocol.Retract(0, protocol.Announce(0, 9));
  EXPECT_FALSE(protocol.AnySleeper());
  (void)protocol.Retract(1, poller);
  EXPECT_FALSE(protocol.AnyPoller());
}

TEST(SleepProtocolTest, OnlyAnEarlierDeadlineBreaks) {
  Protocol protocol;
  EXPECT_FALSE(protocol.DeadlineMoved(5)) << "nobody polls, nobody sleeps";
  (void)protocol.Announce(0, 100);
  EXPECT_TRUE(protocol.DeadlineMoved(99));
  EXPECT_FALSE(protocol.DeadlineMoved(100));
  EXPECT_FALSE(protocol.DeadlineMoved(101));
  protocol.EndPoll();
  (void)protocol.Announce(0, kNever);
  EXPECT_TRUE(protocol.DeadlineMoved(INT64_MAX - 1));
  EXPECT_FALSE(protocol.DeadlineMoved(INT64_MAX)) << "that is never";
}

TEST(SleepProtocolTest, ADeadlineWhileNobodyPollsWakesASleeper) {
  Protocol protocol;
  (void)protocol.Announce(0, kNever);
  (void)protocol.Announce(1, kNever);
  protocol.EndPoll();
  ASSERT_TRUE(protocol.AnySleeper());
  EXPECT_FALSE(protocol.DeadlineMoved(5)) << "there is no poll to break";
  EXPECT_FALSE(protocol.AnySleeper());
  protocol.Sleep(1);  // Returns at once, or the test hangs.
}

// No time is mistaken for a state of the turn.
TEST(SleepProtocolTest, AnyTimeMayBeAnnounced) {
  for (const std::int64_t until :
       {INT64_MIN, std::int64_t{-2}, std::int64_t{-1}, std::int64_t{0},
        std::int64_t{1}, INT64_MAX}) {
    Protocol protocol;
    ASSERT_EQ(protocol.Announce(0, until), IdleRole::kPoller);
    EXPECT_TRUE(protocol.AnyPoller()) << until;
    EXPECT_TRUE(protocol.Wake()) << until;
    EXPECT_FALSE(protocol.TryLook()) << until;
    EXPECT_EQ(protocol.Announce(1, until), IdleRole::kSleeper);
    protocol.EndPoll();
    EXPECT_FALSE(protocol.AnyPoller()) << until;
    EXPECT_TRUE(protocol.TryLook()) << until;
  }
}

// One piece of work after the other, of one submitter. Outlives the workers.
class Job {
 public:
  void Prepare() { done_ = 0; }
  void Do() {
    done_ = 1;
    changed_.Unpark("test.done");
  }
  // Without sleeping, unless it takes long: the point is to be back while the
  // worker is still looking for more.
  void AwaitAtOnce() {
    for (int spins = 0; spins < 1000; ++spins) {
      if (done_ != 0) return;
    }
    while (done_ == 0) changed_.Park("test.done");
  }

 private:
  std::atomic<int> done_{0};
  StdEnv::Parker changed_;
};

class SleepProtocolDeathTest : public testing::Test {
 protected:
  SleepProtocolDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
  static constexpr char kSentence[] =
      "netpoll: a worker's number is not one of 0 to 63";
};

TEST_F(SleepProtocolDeathTest, ANumberThatNoWorkerHasIsNotAnnounced) {
  for (const int worker : {-1, 64, 128, INT_MIN, INT_MAX}) {
    EXPECT_DEATH(
        {
          Protocol protocol;
          (void)protocol.Announce(worker, kNever);
        },
        kSentence)
        << worker;
  }
}

TEST_F(SleepProtocolDeathTest, ANumberThatNoWorkerHasDoesNotSleepOrRetract) {
  for (const int worker : {-1, 64}) {
    EXPECT_DEATH(Protocol().Sleep(worker), kSentence);
    EXPECT_DEATH((void)Protocol().Retract(worker, IdleRole::kSleeper),
                 kSentence);
    EXPECT_DEATH((void)Protocol().Retract(worker, IdleRole::kPoller),
                 kSentence);
  }
}

// Workers of the documented form, and submitters who give one piece of work
// and wait for it to be done before the next. What the holders of the turn
// count is plain. (sleep_stress_test.cc: data that only one word orders.)
class Workers {
 public:
  explicit Workers(int count) {
    for (int w = 0; w < count; ++w) {
      threads_.emplace_back([this, w] { Work(w); });
    }
  }

  void Submit(Job* work) {
    {
      const std::lock_guard<std::mutex> hold(mutex_);
      queue_.push_back(work);
    }
    if (protocol_.Wake()) kernel_.Break();
  }

  void Join() {
    stop_ = true;
    for (std::size_t i = 0; i < threads_.size(); ++i) {
      if (protocol_.Wake()) kernel_.Break();
    }
    // Whoever announced after that has looked at the flag again.
    for (std::thread& thread : threads_) thread.join();
  }

  // Until all is quiet: somebody polls.
  void AwaitPoll() {
    std::unique_lock<std::mutex> hold(mutex_);
    polls_now_.wait(hold, [this] { return polling_; });
  }
  // Once all have joined.
  std::uint64_t polls() const { return polls_; }
  std::uint64_t sleeps() const { return sleeps_; }

 private:
  // Makes the gaps between a worker's steps wide enough to be met. Seldom by
  // giving the processor away: whoever else is there may keep it for long.
  static void Hesitate() {
    thread_local unsigned calls = 0;
    if (++calls % 32 == 0) return std::this_thread::yield();
    std::atomic<unsigned> pause{calls % 32 * 4};
    while (pause > 0) --pause;
  }

  void SetPolling(bool polling) {
    const std::lock_guard<std::mutex> hold(mutex_);
    polling_ = polling;
    if (polling) polls_now_.notify_all();
  }

  void Work(int worker) {
    while (!stop_) {
      if (RunOne()) continue;
      Hesitate();
      const IdleRole role = protocol_.Announce(worker, kNever);
      Hesitate();
      if (stop_ || AnyWork()) {
        (void)protocol_.Retract(worker, role);
      } else if (role == IdleRole::kPoller) {
        ++polls_;
        SetPolling(true);
        kernel_.BlockingPoll();
        SetPolling(false);
        protocol_.EndPoll();
      } else {
        ++sleeps_;
        protocol_.Sleep(worker);
      }
    }
    // The turn may have been left with sleepers behind.
    if (protocol_.Wake()) kernel_.Break();
  }

  bool AnyWork() {
    const std::lock_guard<std::mutex> hold(mutex_);
    return !queue_.empty();
  }

  bool RunOne() {
    Job* work = nullptr;
    {
      const std::lock_guard<std::mutex> hold(mutex_);
      if (queue_.empty()) return false;
      work = queue_.back();
      queue_.pop_back();
    }
    work->Do();
    return true;
  }

  Protocol protocol_;
  Kernel kernel_;
  std::mutex mutex_;
  std::vector<Job*> queue_;
  std::atomic<bool> stop_{false};
  bool polling_ = false;  // Under the mutex.
  std::condition_variable polls_now_;
  std::uint64_t polls_ = 0;  // By the holder of the turn.
  std::atomic<std::uint64_t> sleeps_{0};
  std::vector<std::thread> threads_;
};

TEST(SleepProtocolTest, NoWorkIsLeftLyingWhileWorkersSleep) {
  for (const int workers : {1, 2, 4}) {
    for (const int submitters : {1, 3}) {
      std::vector<Job> works(static_cast<std::size_t>(submitters));
      Workers pool(workers);
      std::vector<std::thread> threads;
      for (Job& work : works) {
        threads.emplace_back([&pool, &work] {
          for (int i = 0; i < 1200; ++i) {
            work.Prepare();
            // Some come when all is quiet, most while workers are on their way.
            if (i % 8 == 0) pool.AwaitPoll();
            pool.Submit(&work);
            work.AwaitAtOnce();
            // The next comes at any point of the worker's way to sleep.
            std::atomic<int> pause{i % 128};
            while (pause > 0) --pause;
          }
        });
      }
      for (std::thread& thread : threads) thread.join();
      pool.Join();
      EXPECT_GT(pool.polls(), 0u);
    }
  }
}

}  // namespace
}  // namespace netpoll
