// SPDX-License-Identifier: Apache-2.0

#include "netpoll/core/descriptor_lock.h"

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/descriptor_lock_word.h"
#include "netpoll/core/types.h"

namespace netpoll {
namespace {

using Lock = DescriptorLock<StdEnv>;

constexpr Mode kDirections[] = {Mode::kRead, Mode::kWrite};

// A thread that can be parked.
struct Thread : Waiter {
  StdEnv::Parker parker;
};

void Wake(WaiterList& list) {
  while (Waiter* const waiter = list.Pop()) {
    static_cast<Thread*>(waiter)->parker.Unpark("test.wake");
  }
}

// Takes the direction, sleeping as long as it must. False: closed.
bool AcquireBlocking(Lock& lock, Mode direction, Thread& self) {
  for (;;) {
    const LockOutcome outcome = lock.Acquire(direction);
    if (outcome != LockOutcome::kMustWait) return outcome == LockOutcome::kDone;
    if (lock.Park(direction, &self)) self.parker.Park("test.park");
  }
}

bool Release(Lock& lock, Mode direction) {
  WaiterList wake;
  const bool last = lock.Release(direction, wake);
  Wake(wake);
  return last;
}

bool Close(Lock& lock) {
  WaiterList wake;
  const bool closed = lock.Close(wake);
  Wake(wake);
  return closed;
}

TEST(DescriptorLockTest, WhileOpenNothingIsTheLastReference) {
  Lock lock;
  ASSERT_TRUE(lock.AddReference());
  EXPECT_FALSE(lock.DropReference());
  for (const Mode direction : kDirections) {
    ASSERT_EQ(lock.Acquire(direction), LockOutcome::kDone);
    EXPECT_FALSE(Release(lock, direction));
  }
  // Both directions at once, and a reference beside them.
  ASSERT_EQ(lock.Acquire(Mode::kRead), LockOutcome::kDone);
  ASSERT_EQ(lock.Acquire(Mode::kWrite), LockOutcome::kDone);
  ASSERT_TRUE(lock.AddReference());
  EXPECT_FALSE(Release(lock, Mode::kRead));
  EXPECT_FALSE(lock.DropReference());
  EXPECT_FALSE(Release(lock, Mode::kWrite));
  EXPECT_FALSE(lock.closed());
}

TEST(DescriptorLockTest, OnceClosedNothingCanBeTaken) {
  Lock lock;
  ASSERT_TRUE(Close(lock));
  EXPECT_TRUE(lock.closed());
  EXPECT_FALSE(lock.AddReference());
  EXPECT_EQ(lock.Acquire(Mode::kRead), LockOutcome::kClosed);
  EXPECT_EQ(lock.Acquire(Mode::kWrite), LockOutcome::kClosed);
  EXPECT_FALSE(Close(lock));
  EXPECT_TRUE(lock.DropReference()) << "the closer's is the last";
}

TEST(DescriptorLockTest, TheLastToLeaveAfterCloseIsToldSo) {
  Lock lock;
  ASSERT_TRUE(lock.AddReference());
  ASSERT_EQ(lock.Acquire(Mode::kRead), LockOutcome::kDone);
  ASSERT_TRUE(Close(lock));
  EXPECT_FALSE(lock.DropReference());
  EXPECT_FALSE(lock.DropReference());
  EXPECT_TRUE(Release(lock, Mode::kRead));
}

TEST(DescriptorLockTest, CloseLetsAllGoWhoWait) {
  for (const Mode direction : kDirections) {
    Lock lock;
    ASSERT_EQ(lock.Acquire(direction), LockOutcome::kDone);
    Waiter waiters[4];
    for (Waiter& waiter : waiters) {
      ASSERT_EQ(lock.Acquire(direction), LockOutcome::kMustWait);
      ASSERT_TRUE(lock.Park(direction, &waiter));
    }
    WaiterList wake;
    ASSERT_TRUE(lock.Close(wake));
    for (Waiter& waiter : waiters) EXPECT_EQ(wake.Pop(), &waiter);
    EXPECT_TRUE(wake.empty());
    EXPECT_EQ(lock.Acquire(direction), LockOutcome::kClosed);
    EXPECT_FALSE(lock.DropReference());
    EXPECT_TRUE(Release(lock, direction));
  }
}

// So the last reference must not free the lock.
TEST(DescriptorLockTest, WhoIsLetGoComesBackToTheLockAfterTheLastReference) {
  Lock lock;
  Waiter queued;
  ASSERT_EQ(lock.Acquire(Mode::kRead), LockOutcome::kDone);
  ASSERT_EQ(lock.Acquire(Mode::kRead), LockOutcome::kMustWait);
  ASSERT_TRUE(lock.Park(Mode::kRead, &queued));
  WaiterList wake;
  ASSERT_TRUE(lock.Close(wake));
  EXPECT_EQ(wake.Pop(), &queued);
  EXPECT_FALSE(lock.Release(Mode::kRead, wake));
  EXPECT_TRUE(lock.DropReference());
  EXPECT_TRUE(wake.empty());
  EXPECT_EQ(lock.Acquire(Mode::kRead), LockOutcome::kClosed);
}

TEST(DescriptorLockTest, CloseUnblocksFourThreads) {
  Lock lock;
  ASSERT_EQ(lock.Acquire(Mode::kRead), LockOutcome::kDone);
  std::atomic<int> refused{0};
  std::vector<std::thread> threads;
  std::vector<Thread> parked(4);
  for (Thread& self : parked) {
    threads.emplace_back([&lock, &refused, &self] {
      if (!AcquireBlocking(lock, Mode::kRead, self)) ++refused;
    });
  }
  ASSERT_TRUE(Close(lock));
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(refused, 4);
  EXPECT_FALSE(lock.DropReference());
  EXPECT_TRUE(Release(lock, Mode::kRead));
}

TEST(DescriptorLockTest, AReleaseBeforeTheParkIsNotLost) {
  Lock lock;
  ASSERT_EQ(lock.Acquire(Mode::kRead), LockOutcome::kDone);
  ASSERT_EQ(lock.Acquire(Mode::kRead), LockOutcome::kMustWait);
  WaiterList wake;
  (void)lock.Release(Mode::kRead, wake);
  EXPECT_TRUE(wake.empty());
  Waiter waiter;
  EXPECT_FALSE(lock.Park(Mode::kRead, &waiter));
  EXPECT_EQ(lock.Acquire(Mode::kRead), LockOutcome::kDone);
}

TEST(DescriptorLockTest, ACloseBeforeTheParkIsNotLost) {
  for (const Mode direction : kDirections) {
    Lock lock;
    ASSERT_EQ(lock.Acquire(direction), LockOutcome::kDone);
    ASSERT_EQ(lock.Acquire(direction), LockOutcome::kMustWait);
    WaiterList wake;
    ASSERT_TRUE(lock.Close(wake));
    EXPECT_TRUE(wake.empty());
    Waiter waiter;
    EXPECT_FALSE(lock.Park(direction, &waiter));
    EXPECT_EQ(lock.Acquire(direction), LockOutcome::kClosed);
  }
}

TEST(DescriptorLockTest, CloseLetsThoseOfBothDirectionsGo) {
  Lock lock;
  Waiter waiters[2];
  for (const Mode direction : kDirections) {
    Waiter& waiter = waiters[direction == Mode::kRead ? 0 : 1];
    ASSERT_EQ(lock.Acquire(direction), LockOutcome::kDone);
    ASSERT_EQ(lock.Acquire(direction), LockOutcome::kMustWait);
    ASSERT_TRUE(lock.Park(direction, &waiter));
  }
  WaiterList wake;
  ASSERT_TRUE(lock.Close(wake));
  EXPECT_EQ(wake.Pop(), &waiters[0]);
  EXPECT_EQ(wake.Pop(), &waiters[1]);
  EXPECT_TRUE(wake.empty());
}

TEST(DescriptorLockTest, AReleaseWakesNobodyOfTheOtherDirection) {
  for (const Mode direction : kDirections) {
    const Mode other = direction == Mode::kRead ? Mode::kWrite : Mode::kRead;
    Lock lock;
    for (const Mode each : kDirections) {
      ASSERT_EQ(lock.Acquire(each), LockOutcome::kDone);
    }
    Waiter waiter;
    ASSERT_EQ(lock.Acquire(other), LockOutcome::kMustWait);
    ASSERT_TRUE(lock.Park(other, &waiter));
    WaiterList wake;
    (void)lock.Release(direction, wake);
    EXPECT_TRUE(wake.empty());
    (void)lock.Release(other, wake);
    EXPECT_EQ(wake.Pop(), &waiter);
  }
}

TEST(DescriptorLockTest, ATaskThatComesAlongMayBeFaster) {
  Lock lock;
  ASSERT_EQ(lock.Acquire(Mode::kRead), LockOutcome::kDone);
  Waiter parked;
  ASSERT_EQ(lock.Acquire(Mode::kRead), LockOutcome::kMustWait);
  ASSERT_TRUE(lock.Park(Mode::kRead, &parked));
  WaiterList wake;
  (void)lock.Release(Mode::kRead, wake);
  ASSERT_EQ(wake.Pop(), &parked);
  // Another, before the one that was woken runs; who then waits again.
  EXPECT_EQ(lock.Acquire(Mode::kRead), LockOutcome::kDone);
  EXPECT_EQ(lock.Acquire(Mode::kRead), LockOutcome::kMustWait);
  EXPECT_TRUE(lock.Park(Mode::kRead, &parked));
  (void)lock.Release(Mode::kRead, wake);
  EXPECT_EQ(wake.Pop(), &parked);
  EXPECT_EQ(lock.Acquire(Mode::kRead), LockOutcome::kDone);
}

TEST(DescriptorLockTest, AReferenceKeepsNobodyFromADirection) {
  Lock lock;
  ASSERT_TRUE(lock.AddReference());
  for (const Mode direction : kDirections) {
    EXPECT_EQ(lock.Acquire(direction), LockOutcome::kDone);
    EXPECT_EQ(lock.Acquire(direction), LockOutcome::kMustWait);
  }
}

TEST(DescriptorLockTest, AReleaseWakesOneInTheOrderOfParking) {
  Lock lock;
  ASSERT_EQ(lock.Acquire(Mode::kWrite), LockOutcome::kDone);
  Waiter first, second;
  for (Waiter* const waiter : {&first, &second}) {
    ASSERT_EQ(lock.Acquire(Mode::kWrite), LockOutcome::kMustWait);
    ASSERT_TRUE(lock.Park(Mode::kWrite, waiter));
  }
  WaiterList wake;
  (void)lock.Release(Mode::kWrite, wake);
  EXPECT_EQ(wake.Pop(), &first);
  EXPECT_TRUE(wake.empty());
  ASSERT_EQ(lock.Acquire(Mode::kWrite), LockOutcome::kDone);
  (void)lock.Release(Mode::kWrite, wake);
  EXPECT_EQ(wake.Pop(), &second);
}

TEST(DescriptorLockDeathTest, OverReleaseIsMisuse) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const char* const rule = "a descriptor lock was released that was not held";
  EXPECT_DEATH({ (void)Lock().DropReference(); }, rule);
  EXPECT_DEATH(
      {
        Lock lock;
        Release(lock, Mode::kRead);
      },
      rule);
  EXPECT_DEATH(
      {
        Lock lock;
        (void)lock.Acquire(Mode::kRead);
        Release(lock, Mode::kWrite);
      },
      rule);
  EXPECT_DEATH(
      {
        Lock lock;
        (void)lock.AddReference();
        (void)lock.DropReference();
        (void)lock.DropReference();
      },
      rule);
}

TEST(DescriptorLockDeathTest, TooManyWaitersAreMisuse) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        Lock lock;
        for (int i = 0; i < 1'048'577; ++i) (void)lock.Acquire(Mode::kWrite);
      },
      "more than 1,048,575 operations on one descriptor at once");
}

TEST(DescriptorLockDeathTest, ClosingOneReferenceTooManyIsMisuse) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        Lock lock;
        for (int i = 0; i < 1'048'575; ++i) (void)lock.AddReference();
        Close(lock);
      },
      "more than 1,048,575 operations on one descriptor at once");
}

TEST(DescriptorLockDeathTest, TooManyReferencesAreMisuse) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        Lock lock;
        for (int i = 0; i < 1'048'576; ++i) (void)lock.AddReference();
      },
      "more than 1,048,575 operations on one descriptor at once");
}

// Threads take, give up, and at some moment close; never two in a direction,
// and exactly one is the last.
TEST(DescriptorLockTest, StressKeepsOneHolderPerDirectionAndOneLast) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 2000;
  Lock lock;
  int plain[2] = {0, 0};  // Guarded by the direction.
  std::atomic<int> taken{0};
  std::atomic<int> last{0};
  std::vector<Thread> selves(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRounds; ++i) {
        if (t == 0 && i == kRounds / 2) {
          if (Close(lock) && lock.DropReference()) ++last;
        }
        if ((i + t) % 3 == 0) {
          if (lock.AddReference() && lock.DropReference()) ++last;
          continue;
        }
        const int which = (i + t) % 2;
        if (!AcquireBlocking(lock, kDirections[which], selves[t])) continue;
        ++plain[which];
        ++taken;
        if (Release(lock, kDirections[which])) ++last;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(last, 1);
  EXPECT_EQ(plain[0] + plain[1], taken);
  EXPECT_GT(taken, 0);
}

}  // namespace
}  // namespace netpoll
