// SPDX-License-Identifier: Apache-2.0
//
// Plain data handed from thread to thread by the words of the sleep protocol
// and by nothing else: under the thread sanitizer an order of the turn, of the
// mask of sleepers or of a parker that is too weak is a race here. Each way is
// taken once with a protocol of its own, for what comes back would order it,
// too. Where a test needs to know how far the other thread is, it looks at a
// relaxed word, which orders nothing.

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/sleep_protocol.h"
#include "netpoll/core/testing/watchdog.h"

namespace netpoll {
namespace {

using Protocol = SleepProtocol<StdEnv>;

// One hand-over.
struct Case {
  void Say(int value) { said.store(value, std::memory_order_relaxed); }
  void Await(int value) const {
    while (said.load(std::memory_order_relaxed) < value) {
      std::this_thread::yield();
    }
  }

  Protocol protocol;
  std::atomic<int> said{0};
  int plain = 0;
};

// `give` and `take` in two threads, for each of many cases.
template <class Give, class Take>
void HandOver(Give give, Take take) {
  constexpr int kCases = 100;
  std::vector<Case> cases(kCases);
  std::atomic<int> given{0};
  std::atomic<int> taken{0};
  const Watchdog watchdog([&] {
    return std::to_string(given) + " were given, " + std::to_string(taken) +
           " taken, of " + std::to_string(kCases);
  });
  std::thread giver([&] {
    for (Case& each : cases) {
      give(each);
      given.fetch_add(1, std::memory_order_relaxed);
    }
  });
  for (Case& each : cases) {
    take(each);
    EXPECT_EQ(each.plain, 1);
    taken.fetch_add(1, std::memory_order_relaxed);
  }
  giver.join();
}

// --- The turn ----------------------------------------------------------------

void HoldTheTurn(Case& with) {
  ASSERT_TRUE(with.protocol.TryLook());
  with.plain = 1;
  with.protocol.EndPoll();
  with.Say(1);
}

TEST(SleepStressTest, TheTurnHandsOverToWhoeverPolls) {
  HandOver(HoldTheTurn, [](Case& with) {
    with.Await(1);
    EXPECT_EQ(with.protocol.Announce(0, 9), IdleRole::kPoller);
  });
}

TEST(SleepStressTest, TheTurnHandsOverToWhoeverLooks) {
  HandOver(HoldTheTurn, [](Case& with) {
    with.Await(1);
    EXPECT_TRUE(with.protocol.TryLook());
  });
}

TEST(SleepStressTest, APollThatWasNotBegunHandsOverTheTurn) {
  HandOver(
      [](Case& with) {
        const IdleRole role = with.protocol.Announce(0, 9);
        with.plain = 1;
        (void)with.protocol.Retract(0, role);
        with.Say(1);
      },
      [](Case& with) {
        with.Await(1);
        EXPECT_TRUE(with.protocol.TryLook());
      });
}

// Who announces a poll shows what it did before to whoever breaks the poll.
TEST(SleepStressTest, WhoBreaksAPollSeesWhatThePollerDidBefore) {
  HandOver(
      [](Case& with) {
        with.plain = 1;
        EXPECT_EQ(with.protocol.Announce(0, 9), IdleRole::kPoller);
        with.Say(1);
      },
      [](Case& with) {
        with.Await(1);
        EXPECT_TRUE(with.protocol.DeadlineMoved(3));
      });
}

TEST(SleepStressTest, WhoFindsNoSleeperSeesWhatThePollerDidBefore) {
  HandOver(
      [](Case& with) {
        with.plain = 1;
        EXPECT_EQ(with.protocol.Announce(0, 9), IdleRole::kPoller);
        with.Say(1);
      },
      [](Case& with) {
        with.Await(1);
        EXPECT_TRUE(with.protocol.Wake());
      });
}

// Many holders, one after the other in any order.
TEST(SleepStressTest, TheTurnGuardsWhatItsHoldersUse) {
  constexpr int kThreads = 3;
  constexpr int kTurns = 500;
  Protocol protocol;
  int plain = 0;
  std::atomic<int> ended{0};
  const Watchdog watchdog([&] {
    return std::to_string(ended) + " of " + std::to_string(kThreads) +
           " threads have ended";
  });
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int turns = 0; turns < kTurns;) {
        if (!protocol.TryLook()) {
          std::this_thread::yield();
          continue;
        }
        ++plain;
        ++turns;
        protocol.EndPoll();
      }
      ended.fetch_add(1, std::memory_order_relaxed);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(plain, kThreads * kTurns);
}

// --- Sleepers ----------------------------------------------------------------

constexpr int kSleeper = 63;

// The turn is taken before: by a thread that says so.
void JoinTheSleepers(Case& with) {
  with.Await(1);
  EXPECT_EQ(with.protocol.Announce(kSleeper, 9), IdleRole::kSleeper);
  with.Say(2);
}

void LetOneSleep(Case& with) {
  EXPECT_TRUE(with.protocol.TryLook());
  with.Say(1);
  with.Await(2);
}

TEST(SleepStressTest, ASleeperSeesWhatItsWakerDid) {
  HandOver(
      [](Case& with) {
        LetOneSleep(with);
        with.plain = 1;
        EXPECT_FALSE(with.protocol.Wake());
      },
      [](Case& with) {
        JoinTheSleepers(with);
        with.protocol.Sleep(kSleeper);
      });
}

// By a deadline, when nobody polls.
TEST(SleepStressTest, ASleeperSeesTheDeadlineThatWokeIt) {
  HandOver(
      [](Case& with) {
        LetOneSleep(with);
        with.protocol.EndPoll();
        with.plain = 1;
        EXPECT_FALSE(with.protocol.DeadlineMoved(3));
      },
      [](Case& with) {
        JoinTheSleepers(with);
        with.protocol.Sleep(kSleeper);
      });
}

// It was chosen, did not sleep after all, and passes on what it was meant for.
TEST(SleepStressTest, WhoPassesAWakeOnSeesWhatItWasFor) {
  HandOver(
      [](Case& with) {
        LetOneSleep(with);
        with.plain = 1;
        EXPECT_TRUE(with.protocol.WakeSleeper());
        with.Say(3);
      },
      [](Case& with) {
        JoinTheSleepers(with);
        with.Await(3);
        EXPECT_TRUE(with.protocol.Retract(kSleeper, IdleRole::kSleeper));
      });
}

TEST(SleepStressTest, AWakerSeesWhatTheSleeperDidBefore) {
  HandOver(
      [](Case& with) {
        with.Await(1);
        with.plain = 1;
        EXPECT_EQ(with.protocol.Announce(kSleeper, 9), IdleRole::kSleeper);
        with.Say(2);
      },
      [](Case& with) {
        LetOneSleep(with);
        EXPECT_TRUE(with.protocol.WakeSleeper());
      });
}

TEST(SleepStressTest, WhoFindsASleeperSeesWhatItDidBefore) {
  HandOver(
      [](Case& with) {
        with.Await(1);
        with.plain = 1;
        EXPECT_EQ(with.protocol.Announce(kSleeper, 9), IdleRole::kSleeper);
        with.Say(2);
      },
      [](Case& with) {
        LetOneSleep(with);
        EXPECT_TRUE(with.protocol.AnySleeper());
      });
}

}  // namespace
}  // namespace netpoll
