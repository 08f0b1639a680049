// SPDX-License-Identifier: Apache-2.0
//
// Plain data handed from thread to thread by the seam's lock and parker, by the
// descriptor lock, the wake token and the pool, and by nothing else: under the
// thread sanitizer an order that is too weak is a race here. Where a test needs
// to know how far another thread is, it looks at a relaxed word, which orders
// nothing. Without the sanitizer x86 shows none of it, and the tests count.

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/descriptor_lock.h"
#include "netpoll/core/pool.h"
#include "netpoll/core/testing/watchdog.h"
#include "netpoll/core/types.h"
#include "netpoll/core/wake_token.h"

namespace netpoll {
namespace {

// A word that says how far somebody is, and orders nothing.
class Relaxed {
 public:
  void Set(int value) { word_.store(value, std::memory_order_relaxed); }
  int Get() const { return word_.load(std::memory_order_relaxed); }
  void AwaitAtLeast(int value) const {
    while (Get() < value) std::this_thread::yield();
  }

 private:
  std::atomic<int> word_{0};
};

// All begin together: of a thread that has ended before another began the
// sanitizer says nothing.
template <class Body>
void InThreads(int count, Body body) {
  std::atomic<int> begun{0};
  std::atomic<int> ended{0};
  const Watchdog watchdog([&] {
    return std::to_string(ended) + " of " + std::to_string(count) +
           " threads have ended";
  });
  std::vector<std::thread> threads;
  for (int t = 0; t < count; ++t) {
    threads.emplace_back([&, t] {
      begun.fetch_add(1, std::memory_order_relaxed);
      while (begun.load(std::memory_order_relaxed) < count) {
        std::this_thread::yield();
      }
      body(t);
      ended.fetch_add(1, std::memory_order_relaxed);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// --- Lock --------------------------------------------------------------------

TEST(SeamStressTest, TheLockHandsOverWhatItGuards) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 2000;
  StdEnv::Lock lock;
  int plain = 0;
  InThreads(kThreads, [&](int) {
    for (int i = 0; i < kRounds; ++i) {
      const LockHolder hold(lock, "test.lock");
      ++plain;
    }
  });
  EXPECT_EQ(plain, kThreads * kRounds);
}

// The holder lets others run, so that they find it held, and sleep.
TEST(SeamStressTest, TheLockHandsOverToWhoeverSlept) {
  constexpr int kThreads = 3;
  constexpr int kRounds = 100;
  StdEnv::Lock lock;
  int plain = 0;
  InThreads(kThreads, [&](int) {
    for (int i = 0; i < kRounds; ++i) {
      const LockHolder hold(lock, "test.lock");
      const int before = plain;
      std::this_thread::yield();
      plain = before + 1;
    }
  });
  EXPECT_EQ(plain, kThreads * kRounds);
}

TEST(SeamStressTest, ATriedLockHandsOverWhatItGuards) {
  constexpr int kThreads = 3;
  constexpr int kRounds = 500;
  StdEnv::Lock lock;
  int plain = 0;
  InThreads(kThreads, [&](int) {
    for (int i = 0; i < kRounds;) {
      if (!lock.TryAcquire("test.try")) {
        std::this_thread::yield();
        continue;
      }
      ++plain;
      ++i;
      lock.Release("test.release");
    }
  });
  EXPECT_EQ(plain, kThreads * kRounds);
}

// --- Parker ------------------------------------------------------------------

// One way only: what comes back would order the next round.
TEST(SeamStressTest, WhatWasWrittenBeforeUnparkIsSeenAfterPark) {
  constexpr int kSleepers = 200;
  struct Sleeper {
    StdEnv::Parker parker;
    Relaxed here;
    int plain = 0;
  };
  std::vector<Sleeper> sleepers(kSleepers);
  InThreads(2, [&](int thread) {
    for (int i = 0; i < kSleepers; ++i) {
      Sleeper& sleeper = sleepers[i];
      if (thread == 0) {
        sleeper.here.AwaitAtLeast(1);
        sleeper.plain = i + 1;
        sleeper.parker.Unpark("test.unpark");
      } else {
        sleeper.here.Set(1);
        sleeper.parker.Park("test.park");
        EXPECT_EQ(sleeper.plain, i + 1);
      }
    }
  });
}

// --- Descriptor lock ---------------------------------------------------------

using FdLock = DescriptorLock<StdEnv>;

// In turns, so that nobody parks: the queue's lock would order too.
TEST(SeamStressTest, ADirectionHandsOverWhatItGuards) {
  constexpr int kThreads = 3;
  constexpr int kRounds = 100;
  for (const Mode direction : {Mode::kRead, Mode::kWrite}) {
    FdLock lock;
    Relaxed turn;
    int plain = 0;
    InThreads(kThreads, [&](int t) {
      for (int i = 0; i < kRounds; ++i) {
        const int mine = i * kThreads + t;
        turn.AwaitAtLeast(mine);
        ASSERT_EQ(lock.Acquire(direction), LockOutcome::kDone);
        EXPECT_EQ(plain++, mine);
        WaiterList wake;
        (void)lock.Release(direction, wake);
        turn.Set(mine + 1);
      }
    });
    EXPECT_EQ(plain, kThreads * kRounds);
  }
}

// All are in when it is closed, and leave a mark before they go; the last to
// leave destroys what all have used. Nothing but their leaving orders that.
template <class Take, class Give>
void LastSeesAll(int users, Take take, Give give) {
  constexpr int kRounds = 100;
  for (int round = 0; round < kRounds; ++round) {
    FdLock lock;
    std::vector<Relaxed> in(users);
    Relaxed closed;
    std::vector<int> marks(users + 1);
    std::atomic<int> destroyed{0};
    InThreads(users + 1, [&](int t) {
      bool last = false;
      if (t < users) {
        ASSERT_TRUE(take(lock, t));
        in[t].Set(1);
        closed.AwaitAtLeast(1);
        marks[t] = 1;
        last = give(lock, t);
      } else {
        for (const Relaxed& each : in) each.AwaitAtLeast(1);
        WaiterList wake;
        ASSERT_TRUE(lock.Close(wake));
        closed.Set(1);
        marks[t] = 1;
        last = lock.DropReference();
      }
      if (!last) return;
      for (int& mark : marks) mark = -mark;
      destroyed.fetch_add(1, std::memory_order_relaxed);
    });
    EXPECT_EQ(destroyed.load(), 1);
    EXPECT_EQ(marks, std::vector<int>(users + 1, -1));
  }
}

TEST(SeamStressTest, TheLastReferenceSeesWhatTheOthersDid) {
  LastSeesAll(
      4, [](FdLock& lock, int) { return lock.AddReference(); },
      [](FdLock& lock, int) { return lock.DropReference(); });
}

TEST(SeamStressTest, TheLastDirectionSeesWhatTheOthersDid) {
  constexpr Mode kDirections[] = {Mode::kRead, Mode::kWrite};
  LastSeesAll(
      2,
      [&](FdLock& lock, int t) {
        return lock.Acquire(kDirections[t]) == LockOutcome::kDone;
      },
      [&](FdLock& lock, int t) {
        WaiterList wake;
        return lock.Release(kDirections[t], wake);
      });
}

TEST(SeamStressTest, WhoeverFindsItClosedSeesWhatTheCloserDid) {
  constexpr int kFinders = 4;
  for (int round = 0; round < 100; ++round) {
    FdLock lock;
    int why = 0;
    InThreads(kFinders + 1, [&](int t) {
      if (t == kFinders) {
        why = 1;
        WaiterList wake;
        lock.Close(wake);
        return;
      }
      const auto found_closed = [&] {
        if (t == 0) return lock.closed();
        if (t == 1) {
          WaiterList wake;
          const LockOutcome outcome = lock.Acquire(Mode::kRead);
          if (outcome == LockOutcome::kDone)
            (void)lock.Release(Mode::kRead, wake);
          return outcome == LockOutcome::kClosed;
        }
        if (t == 2) {
          const bool open = lock.AddReference();
          if (open) (void)lock.DropReference();
          return !open;
        }
        // Nothing is taken, so nothing is given up: it may only look.
        return lock.closed();
      };
      while (!found_closed()) std::this_thread::yield();
      EXPECT_EQ(why, 1);
    });
  }
}

// A reference, too, comes after what was given up before.
TEST(SeamStressTest, AReferenceSeesWhatADirectionLeft) {
  for (int round = 0; round < 200; ++round) {
    FdLock lock;
    Relaxed left;
    int plain = 0;
    InThreads(2, [&](int t) {
      if (t == 0) {
        ASSERT_EQ(lock.Acquire(Mode::kWrite), LockOutcome::kDone);
        plain = 1;
        WaiterList wake;
        (void)lock.Release(Mode::kWrite, wake);
        left.Set(1);
        return;
      }
      left.AwaitAtLeast(1);
      ASSERT_TRUE(lock.AddReference());
      EXPECT_EQ(plain, 1);
      (void)lock.DropReference();
    });
  }
}

// --- Wake token --------------------------------------------------------------

// Whoever finds a token on its way is covered by the Clear that comes: of what
// all wrote before Request nothing is missing after it.
TEST(SeamStressTest, WhatWasWrittenBeforeRequestIsSeenAfterClear) {
  constexpr int kRequesters = 3;
  for (int round = 0; round < 200; ++round) {
    WakeToken<StdEnv> token;
    Relaxed requested[kRequesters];
    int plain[kRequesters] = {};
    InThreads(kRequesters + 1, [&](int t) {
      if (t < kRequesters) {
        plain[t] = t + 1;
        (void)token.Request();
        requested[t].Set(1);
        return;
      }
      for (const Relaxed& each : requested) each.AwaitAtLeast(1);
      token.Clear();
      for (int r = 0; r < kRequesters; ++r) EXPECT_EQ(plain[r], r + 1);
    });
    EXPECT_FALSE(token.pending());
  }
}

// --- Pool --------------------------------------------------------------------

struct Slot {
  explicit Slot(std::uint32_t i) : slot_index(i) {}
  std::uint32_t index() const { return slot_index; }
  std::uint32_t next_free() const { return next; }
  void set_next_free(std::uint32_t n) { next = n; }

  std::uint32_t slot_index;
  std::uint32_t next = 0;
};

// The finder never takes the pool's lock.
TEST(SeamStressTest, FindSeesTheSlotThatItFinds) {
  constexpr std::uint32_t kSlots = 500;  // Four chunks.
  Pool<StdEnv, Slot> pool;
  InThreads(2, [&](int t) {
    for (std::uint32_t i = 0; i < kSlots; ++i) {
      if (t == 0) {
        ASSERT_NE(pool.Allocate(), nullptr);
        continue;
      }
      Slot* slot = nullptr;
      while ((slot = pool.Find(i)) == nullptr) std::this_thread::yield();
      EXPECT_EQ(slot->index(), i);
      EXPECT_EQ(pool.FindAt(slot), slot);
    }
  });
}

// What the last user of a slot wrote, the next one may overwrite.
TEST(SeamStressTest, AFreedSlotGoesToTheNextWithWhatWasWritten) {
  constexpr int kThreads = 3;
  struct Used : Slot {
    using Slot::Slot;
    int plain = 0;
  };
  Pool<StdEnv, Used> pool;
  InThreads(kThreads, [&](int) {
    for (int i = 0; i < 500; ++i) {
      Used* const slot = pool.Allocate();
      ++slot->plain;
      pool.Free(slot);
    }
  });
  int sum = 0;
  for (std::uint32_t i = 0; i < pool.Size(); ++i) sum += pool.Find(i)->plain;
  EXPECT_EQ(sum, kThreads * 500);
}

}  // namespace
}  // namespace netpoll
