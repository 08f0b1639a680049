// SPDX-License-Identifier: Apache-2.0
//
// The poller inside somebody else's loop, on the fake: what each step does, in
// which order, and how often a loop wakes that has real threads around it.

#include "netpoll/core/foreign_loop.h"

#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/fake/fake_backend.h"
#include "netpoll/backends/fake/fake_kernel.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/testing/watchdog.h"
#include "netpoll/core/types.h"

namespace netpoll {
namespace {

using FakePoller = Poller<FakeBackend<>>;

struct Scheduler {
  std::int64_t Now() { return kernel.now(); }
  void Run(Waiter* waiter) { ran.push_back(waiter); }
  bool WorkVisible() { return work; }

  FakeKernel<>& kernel;
  std::vector<Waiter*> ran = {};
  bool work = false;
};

class ForeignLoopTest : public testing::Test {
 protected:
  ForeignLoopTest() {
    EXPECT_EQ(poller_.Init(), 0);
    desc_ = poller_.Open(fd_).desc;
  }
  ~ForeignLoopTest() override {
    loop_.Deliver(poller_.Unblock(desc_));
    EXPECT_EQ(poller_.Close(desc_), 0);
  }

  void ParkReader() {
    ASSERT_EQ(poller_.Reset(desc_, Mode::kRead), PollError::kNone);
    ASSERT_TRUE(poller_.Park(desc_, Mode::kRead, &waiter_).parked());
  }
  void SetDeadline(std::int64_t when) {
    loop_.Deliver(poller_.SetDeadline(desc_, Mode::kRead, Deadline::At(when)));
  }

  FakeKernel<> kernel_;
  FakePoller poller_{kernel_};
  Scheduler scheduler_{kernel_};
  ForeignLoop<FakePoller, Scheduler> loop_{poller_, scheduler_};
  const Fd fd_ = kernel_.MakeFd();
  FakePoller::Desc* desc_ = nullptr;
  Waiter waiter_;
};

TEST_F(ForeignLoopTest, AnEventIsHandedOnWhenTheLoopIsBack) {
  ParkReader();
  const auto rest = loop_.Prepare();
  EXPECT_FALSE(rest.work);
  EXPECT_EQ(rest.until, kNever);
  EXPECT_EQ(loop_.MillisecondsUntil(rest.until), -1);
  EXPECT_FALSE(kernel_.readable());
  kernel_.SetReady(fd_, Mode::kRead);
  EXPECT_TRUE(kernel_.readable());
  loop_.Return();
  EXPECT_FALSE(kernel_.readable());
  EXPECT_EQ(scheduler_.ran, std::vector<Waiter*>{&waiter_});
  EXPECT_EQ(poller_.waiters(), 0);
}

TEST_F(ForeignLoopTest, WorkThatCameBeforeTheSleepIsSeen) {
  scheduler_.work = true;
  EXPECT_TRUE(loop_.Prepare().work);
  loop_.WorkCame();  // The loop is awake: nobody is told.
  EXPECT_EQ(kernel_.posts(), 0);
}

TEST_F(ForeignLoopTest, WorkThatComesLaterEndsTheSleepOnce) {
  for (int i = 1; i <= 3; ++i) {
    ASSERT_FALSE(loop_.Prepare().work);
    loop_.WorkCame();
    loop_.WorkCame();
    EXPECT_TRUE(kernel_.readable());
    loop_.Return();
    EXPECT_FALSE(kernel_.readable());
    EXPECT_EQ(kernel_.posts(), i);
  }
}

TEST_F(ForeignLoopTest, ADeadlineThatComesForwardEndsTheSleepALaterOneDoesNot) {
  const std::int64_t now = kernel_.now();
  SetDeadline(now + 500);
  EXPECT_EQ(loop_.Prepare().until, now + 500);
  SetDeadline(now + 900);
  EXPECT_FALSE(kernel_.readable());
  SetDeadline(now + 100);
  EXPECT_TRUE(kernel_.readable());
  loop_.Return();
  EXPECT_EQ(loop_.Prepare().until, now + 100);
  loop_.Return(false);
}

TEST_F(ForeignLoopTest, ADeadlineThatIsDueEndsTheWaitThoughNothingIsReadable) {
  ParkReader();
  const std::int64_t now = kernel_.now();
  SetDeadline(now + 1'000'001);
  const auto rest = loop_.Prepare();
  EXPECT_EQ(loop_.MillisecondsUntil(rest.until), 2);  // Never early.
  kernel_.Advance(1'000'001);
  loop_.Return(false);
  EXPECT_EQ(scheduler_.ran.size(), 1u);
  EXPECT_EQ(poller_.Resume(desc_, Mode::kRead, &waiter_).error(),
            PollError::kTimeout);
}

TEST_F(ForeignLoopTest, AnEventComesBeforeADeadlineThatIsDueToo) {
  ParkReader();
  SetDeadline(kernel_.now() + 10);
  ASSERT_FALSE(loop_.Prepare().work);
  kernel_.SetReady(fd_, Mode::kRead);
  kernel_.Advance(10);
  loop_.Return(false);  // The loop did not look at the descriptor.
  EXPECT_TRUE(poller_.Resume(desc_, Mode::kRead, &waiter_).ready());
}

TEST_F(ForeignLoopTest, WhatIsNotReadableIsLeftAlone) {
  ASSERT_FALSE(loop_.Prepare().work);
  const int polls = kernel_.polls();
  loop_.Return(false);
  EXPECT_EQ(kernel_.polls(), polls);
}

TEST_F(ForeignLoopTest, HooksThatAreCalledTwiceOrNotAtAllDoNoHarm) {
  loop_.Return();
  EXPECT_EQ(kernel_.polls(), 0);
  ASSERT_FALSE(loop_.Prepare().work);
  SetDeadline(kernel_.now() + 7);
  ASSERT_FALSE(loop_.Prepare().work);
  EXPECT_EQ(loop_.Prepare().until, kernel_.now() + 7);
  loop_.WorkCame();
  EXPECT_TRUE(kernel_.readable());
  loop_.Return();
  loop_.Return();
  EXPECT_FALSE(kernel_.readable());
}

// Breaks of several threads, each with work, against a loop that sleeps on the
// fake: it ends, so no wake is lost, and no break wakes it twice.
TEST(ForeignLoopThreadsTest, NoWorkIsLostAndNoBreakWakesTwice) {
  constexpr int kThreads = 3;
  constexpr int kEach = 5000;
  FakeKernel<> kernel;
  FakePoller poller(kernel);
  ASSERT_EQ(poller.Init(), 0);
  struct Work {
    std::int64_t Now() { return kernel.now(); }
    void Run(Waiter*) {}
    bool WorkVisible() {
      const std::lock_guard hold(mutex);
      return pushed != 0;
    }
    int Take() {
      const std::lock_guard hold(mutex);
      return std::exchange(pushed, 0);
    }
    FakeKernel<>& kernel;
    std::mutex mutex = {};
    int pushed = 0;
  } work{kernel};
  ForeignLoop<FakePoller, Work> loop(poller, work);
  std::vector<std::thread> pushers;
  for (int i = 0; i < kThreads; ++i) {
    pushers.emplace_back([&] {
      for (int j = 0; j < kEach; ++j) {
        {
          const std::lock_guard hold(work.mutex);
          ++work.pushed;
        }
        loop.WorkCame();
      }
    });
  }
  int done = 0;
  int woken = 0;
  const Watchdog watchdog([&] {
    return std::to_string(done) + " done, woken " + std::to_string(woken);
  });
  while (done < kThreads * kEach) {
    done += work.Take();
    if (done == kThreads * kEach) break;
    if (loop.Prepare().work) continue;
    while (!kernel.readable()) std::this_thread::yield();
    ++woken;
    loop.Return();
  }
  for (std::thread& pusher : pushers) pusher.join();
  EXPECT_LE(woken, kernel.posts());
}

}  // namespace
}  // namespace netpoll
