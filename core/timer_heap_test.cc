// SPDX-License-Identifier: Apache-2.0

#include "netpoll/core/timer_heap.h"

#if !defined(_WIN32)
#include <sys/resource.h>
#endif

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"

namespace netpoll {
namespace {

struct Owner {
  TimerPosition position = 0;
  TimerPosition& timer_position() { return position; }
};

using Heap = TimerHeap<StdEnv, Owner>;

// The times of what is due at `now`, as they come.
using Times = std::vector<std::int64_t>;
Times Due(Heap& heap, std::int64_t now) {
  Times times;
  Heap::Firing firing;
  while (heap.PopDue(now, &firing)) times.push_back(firing.when);
  return times;
}

TEST(TimerHeapTest, FiresInOrderOfTimeAndNeverEarly) {
  Heap heap;
  std::vector<Owner> owners(20);
  for (std::uint32_t i = 0; i < owners.size(); ++i) {
    const std::uint32_t when = 1 + (i * 7) % 20;
    heap.Arm(&owners[i], when);
  }
  for (std::uint32_t now = 0; now <= 21; ++now) {
    EXPECT_EQ(Due(heap, now), now == 0 || now == 21 ? Times{} : Times{now});
  }
  EXPECT_EQ(heap.Next(), kNever);
}

TEST(TimerHeapTest, HandsOutWhatWasArmed) {
  Heap heap;
  Owner owner;
  heap.Arm(&owner, 5);
  Heap::Firing firing;
  ASSERT_TRUE(heap.PopDue(7, &firing));
  EXPECT_EQ(firing.owner, &owner);
  EXPECT_EQ(firing.when, 5);
  EXPECT_EQ(owner.position, 0u);
}

TEST(TimerHeapTest, ATimerMovedLaterFiresOnlyThen) {
  Heap heap;
  Owner owner;
  heap.Arm(&owner, 5);
  EXPECT_FALSE(heap.Arm(&owner, 9));
  EXPECT_LE(heap.Next(), 9);
  EXPECT_EQ(Due(heap, 5), Times{});
  EXPECT_EQ(heap.Next(), 9) << "sorted anew once its old time came";
  EXPECT_EQ(Due(heap, 8), Times{});
  EXPECT_EQ(Due(heap, 9), Times{9});
}

TEST(TimerHeapTest, TimersMovedLaterKeepTheOrderOfTimes) {
  Heap heap;
  Owner moved, other;
  heap.Arm(&moved, 3);
  heap.Arm(&other, 5);
  heap.Arm(&moved, 9);
  EXPECT_EQ(Due(heap, 10), (Times{5, 9}));
}

TEST(TimerHeapTest, SaysWhenTheEarliestTimeMovedForward) {
  Heap heap;
  Owner a, b;
  EXPECT_TRUE(heap.Arm(&a, 50));
  EXPECT_FALSE(heap.Arm(&b, 60));
  EXPECT_TRUE(heap.Arm(&b, 40));
  EXPECT_EQ(heap.Next(), 40);
  EXPECT_FALSE(heap.Arm(&a, 45));
  EXPECT_TRUE(heap.Arm(&a, 39));
}

TEST(TimerHeapTest, AStoppedTimerDoesNotFireAndMayBeArmedAgain) {
  Heap heap;
  Owner owner;
  heap.Stop(&owner);
  heap.Arm(&owner, 5);
  heap.Stop(&owner);
  EXPECT_EQ(Due(heap, 100), Times{});
  EXPECT_EQ(heap.Next(), kNever) << "and is forgotten";
  heap.Arm(&owner, 105);
  heap.Stop(&owner);
  heap.Arm(&owner, 107);
  EXPECT_EQ(Due(heap, 106), Times{});
  EXPECT_EQ(Due(heap, 107), Times{107});
}

TEST(TimerHeapTest, ATimerForNeverDoesNotFire) {
  Heap heap;
  Owner owner;
  EXPECT_FALSE(heap.Arm(&owner, kNever));
  EXPECT_EQ(heap.Next(), kNever);
  EXPECT_EQ(Due(heap, kNever - 1), Times{});
  EXPECT_TRUE(heap.Arm(&owner, 7));
  EXPECT_EQ(Due(heap, 7), Times{7});
}

TEST(TimerHeapTest, ARemovedOwnerMayBeDestroyed) {
  Heap heap;
  std::vector<std::unique_ptr<Owner>> owners;
  for (int i = 0; i < 60; ++i) {
    owners.push_back(std::make_unique<Owner>());
    heap.Arm(owners.back().get(), 10 + i * 7 % 60);
  }
  for (std::size_t i = 0; i < owners.size(); i += 2) {
    EXPECT_TRUE(heap.Remove(owners[i].get()));
    EXPECT_FALSE(heap.Remove(owners[i].get()));
    owners[i].reset();
  }
  EXPECT_EQ(Due(heap, 1000).size(), 30u);
}

// Random calls against a map that holds the truth.
TEST(TimerHeapTest, ARemovedTimerIsNoReasonToLookEarlier) {
  Heap heap;
  Owner first;
  Owner second;
  heap.Arm(&first, 5);
  heap.Arm(&second, 9);
  EXPECT_TRUE(heap.Remove(&first));
  EXPECT_EQ(heap.Next(), 9);
  EXPECT_TRUE(heap.Remove(&second));
  EXPECT_EQ(heap.Next(), kNever);
  EXPECT_FALSE(heap.Remove(&second));
}

TEST(TimerHeapTest, BehavesAsASortedMapUnderRandomCalls) {
  std::mt19937 random(12345);
  const auto pick = [&random](std::uint32_t n) {
    return static_cast<std::uint32_t>(random() % n);
  };
  Heap heap;
  std::vector<Owner> owners(40);
  std::map<const Owner*, std::int64_t> truth;
  std::int64_t now = 1;
  for (int round = 1; round < 40'000; ++round) {
    Owner* const owner = &owners[pick(40)];
    const std::uint32_t what = pick(10);
    if (what < 6) {
      const std::int64_t when = now + pick(60);
      heap.Arm(owner, when);
      truth[owner] = when;
    } else if (what < 7) {
      heap.Stop(owner);
      truth.erase(owner);
    } else if (what < 8) {
      heap.Remove(owner);
      truth.erase(owner);
    } else {
      now += pick(8);
      std::int64_t last = 0;
      Heap::Firing firing;
      while (heap.PopDue(now, &firing)) {
        const auto it = truth.find(firing.owner);
        ASSERT_NE(it, truth.end()) << "fired although stopped";
        ASSERT_EQ(it->second, firing.when) << "fired at an old time";
        ASSERT_LE(it->second, now) << "fired early";
        ASSERT_GE(it->second, last) << "out of order";
        last = it->second;
        truth.erase(it);
      }
      for (const auto& [timer, when] : truth) ASSERT_GT(when, now) << "missed";
    }
    for (const auto& [timer, when] : truth) ASSERT_LE(heap.Next(), when);
  }
}

// Room for more than there can be is refused, and what there is stays.
TEST(TimerHeapTest, RoomIsReservedOrRefusedAndNothingIsLost) {
  Heap heap;
  EXPECT_TRUE(heap.Reserve(0));
  std::vector<Owner> owners(100);
  for (std::uint32_t i = 0; i < owners.size(); ++i) {
    ASSERT_TRUE(heap.Reserve(i + 1));
    EXPECT_FALSE(heap.Reserve(SIZE_MAX));
    heap.Arm(&owners[i], i);
  }
  Times all;
  for (std::uint32_t i = 0; i < owners.size(); ++i) all.push_back(i);
  EXPECT_EQ(Due(heap, 1000), all);
}

// Sanitizers have a word of their own to say when there is no memory; Windows
// has no such limit.
#if !defined(_WIN32) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
TEST(TimerHeapDeathTest, ArmingWithoutRoomOrMemory) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        Heap heap;
        std::vector<Owner> owners(1 << 20);
        rlimit none{};  // What the process has it keeps.
        ::setrlimit(RLIMIT_AS, &none);
        for (Owner& owner : owners) heap.Arm(&owner, 5);
      },
      "netpoll: there is no memory for a timer without room reserved");
}
#endif

}  // namespace
}  // namespace netpoll
