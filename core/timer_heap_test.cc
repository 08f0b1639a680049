// SPDX-License-Identifier: Apache-2.0

#include "netpoll/core/timer_heap.h"

#if !defined(_WIN32)
#include <sys/resource.h>
#endif

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/types.h"

namespace netpoll {
namespace {

struct Owner {
  TimerPosition positions[2] = {0, 0};
  TimerPosition& timer_position(int which) { return positions[which]; }
};

using Heap = TimerHeap<StdEnv, Owner>;

// The times of what is due at `now`, as they come.
std::vector<std::uint32_t> Due(Heap& heap, std::int64_t now) {
  std::vector<std::uint32_t> seqs;
  Heap::Firing firing;
  while (heap.PopDue(now, &firing)) seqs.push_back(firing.seq);
  return seqs;
}

using Seqs = std::vector<std::uint32_t>;

TEST(TimerHeapTest, FiresInOrderOfTimeAndNeverEarly) {
  Heap heap;
  std::vector<Owner> owners(20);
  for (std::uint32_t i = 0; i < owners.size(); ++i) {
    const std::uint32_t when = 1 + (i * 7) % 20;
    heap.Arm(&owners[i], 0, when, Mode::kRead, when);
  }
  for (std::uint32_t now = 0; now <= 21; ++now) {
    EXPECT_EQ(Due(heap, now), now == 0 || now == 21 ? Seqs{} : Seqs{now});
  }
  EXPECT_EQ(heap.Next(), kNever);
}

TEST(TimerHeapTest, HandsOutWhatWasArmed) {
  Heap heap;
  Owner owner;
  heap.Arm(&owner, 1, 5, Mode::kWrite, 42);
  Heap::Firing firing;
  ASSERT_TRUE(heap.PopDue(5, &firing));
  EXPECT_EQ(firing.owner, &owner);
  EXPECT_EQ(firing.which, 1);
  EXPECT_EQ(firing.serves, Mode::kWrite);
  EXPECT_EQ(firing.seq, 42u);
  EXPECT_EQ(owner.positions[1], 0u);
}

TEST(TimerHeapTest, ATimerMovedLaterFiresOnlyThenWithItsNewSeq) {
  Heap heap;
  Owner owner;
  heap.Arm(&owner, 0, 5, Mode::kRead, 1);
  EXPECT_FALSE(heap.Arm(&owner, 0, 9, Mode::kReadWrite, 2));
  EXPECT_LE(heap.Next(), 9);
  EXPECT_EQ(Due(heap, 5), Seqs{});
  EXPECT_EQ(heap.Next(), 9) << "sorted anew once its old time came";
  EXPECT_EQ(Due(heap, 8), Seqs{});
  EXPECT_EQ(Due(heap, 9), Seqs{2});
}

TEST(TimerHeapTest, TimersMovedLaterKeepTheOrderOfTimes) {
  Heap heap;
  Owner moved, other;
  heap.Arm(&moved, 0, 3, Mode::kRead, 1);
  heap.Arm(&other, 0, 5, Mode::kRead, 2);
  heap.Arm(&moved, 0, 9, Mode::kRead, 3);
  EXPECT_EQ(Due(heap, 10), (Seqs{2, 3}));
}

TEST(TimerHeapTest, SaysWhenTheEarliestTimeMovedForward) {
  Heap heap;
  Owner a, b;
  EXPECT_TRUE(heap.Arm(&a, 0, 50, Mode::kRead, 0));
  EXPECT_FALSE(heap.Arm(&b, 0, 60, Mode::kRead, 0));
  EXPECT_TRUE(heap.Arm(&b, 0, 40, Mode::kRead, 1));
  EXPECT_EQ(heap.Next(), 40);
  EXPECT_FALSE(heap.Arm(&a, 0, 45, Mode::kRead, 1));
  EXPECT_TRUE(heap.Arm(&a, 0, 39, Mode::kRead, 2));
}

TEST(TimerHeapTest, AStoppedTimerDoesNotFireAndMayBeArmedAgain) {
  Heap heap;
  Owner owner;
  heap.Stop(&owner, 0);
  heap.Arm(&owner, 0, 5, Mode::kRead, 1);
  heap.Stop(&owner, 0);
  EXPECT_EQ(Due(heap, 100), Seqs{});
  EXPECT_EQ(heap.Next(), kNever) << "and is forgotten";
  heap.Arm(&owner, 0, 105, Mode::kRead, 2);
  heap.Stop(&owner, 0);
  heap.Arm(&owner, 0, 107, Mode::kRead, 3);
  EXPECT_EQ(Due(heap, 106), Seqs{});
  EXPECT_EQ(Due(heap, 107), Seqs{3});
}

TEST(TimerHeapTest, ATimerForNeverDoesNotFire) {
  Heap heap;
  Owner owner;
  EXPECT_FALSE(heap.Arm(&owner, 0, kNever, Mode::kRead, 1));
  EXPECT_EQ(heap.Next(), kNever);
  EXPECT_EQ(Due(heap, kNever - 1), Seqs{});
  EXPECT_TRUE(heap.Arm(&owner, 0, 7, Mode::kRead, 2));
  EXPECT_EQ(Due(heap, 7), Seqs{2});
}

TEST(TimerHeapTest, ARemovedOwnerMayBeDestroyed) {
  Heap heap;
  std::vector<std::unique_ptr<Owner>> owners;
  for (std::uint32_t i = 0; i < 30; ++i) {
    owners.push_back(std::make_unique<Owner>());
    heap.Arm(owners.back().get(), 0, 10 + i, Mode::kRead, i);
    heap.Arm(owners.back().get(), 1, 60 - i, Mode::kWrite, 100 + i);
  }
  for (std::size_t i = 0; i < owners.size(); i += 2) {
    heap.Remove(owners[i].get(), 0);
    heap.Remove(owners[i].get(), 1);
    heap.Remove(owners[i].get(), 1);
    owners[i].reset();
  }
  EXPECT_EQ(Due(heap, 1000).size(), 30u);
}

// Random calls against a map that holds the truth.
TEST(TimerHeapTest, ARemovedTimerIsNoReasonToLookEarlier) {
  Heap heap;
  Owner first;
  Owner second;
  heap.Arm(&first, 0, 5, Mode::kRead, 1);
  heap.Arm(&second, 0, 9, Mode::kRead, 2);
  EXPECT_TRUE(heap.Remove(&first, 0));
  EXPECT_EQ(heap.Next(), 9);
  EXPECT_TRUE(heap.Remove(&second, 0));
  EXPECT_EQ(heap.Next(), kNever);
  EXPECT_FALSE(heap.Remove(&second, 0));
}

TEST(TimerHeapTest, BehavesAsASortedMapUnderRandomCalls) {
  std::mt19937 random(12345);
  const auto pick = [&random](std::uint32_t n) {
    return static_cast<std::uint32_t>(random() % n);
  };
  Heap heap;
  std::vector<Owner> owners(40);
  using Timer = std::pair<const Owner*, int>;
  struct Truth {
    std::int64_t when;
    std::uint32_t seq;
  };
  std::map<Timer, Truth> truth;
  std::int64_t now = 1;
  for (std::uint32_t seq = 1; seq < 40'000; ++seq) {
    Owner* const owner = &owners[pick(40)];
    const int which = static_cast<int>(pick(2));
    const std::uint32_t what = pick(10);
    if (what < 6) {
      const std::int64_t when = now + pick(60);
      heap.Arm(owner, which, when, Mode::kRead, seq);
      truth[{owner, which}] = {when, seq};
    } else if (what < 7) {
      heap.Stop(owner, which);
      truth.erase({owner, which});
    } else if (what < 8) {
      heap.Remove(owner, which);
      truth.erase({owner, which});
    } else {
      now += pick(8);
      std::int64_t last = 0;
      Heap::Firing firing;
      while (heap.PopDue(now, &firing)) {
        const auto it = truth.find({firing.owner, firing.which});
        ASSERT_NE(it, truth.end()) << "fired although stopped";
        ASSERT_EQ(it->second.seq, firing.seq) << "fired with an old seq";
        ASSERT_LE(it->second.when, now) << "fired early";
        ASSERT_GE(it->second.when, last) << "out of order";
        last = it->second.when;
        truth.erase(it);
      }
      for (const auto& [timer, t] : truth) ASSERT_GT(t.when, now) << "missed";
    }
    for (const auto& [timer, t] : truth) ASSERT_LE(heap.Next(), t.when);
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
    heap.Arm(&owners[i], 0, i, Mode::kRead, i);
  }
  Seqs all;
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
        for (Owner& owner : owners) heap.Arm(&owner, 0, 5, Mode::kRead, 1);
      },
      "netpoll: there is no memory for a timer without room reserved");
}
#endif

}  // namespace
}  // namespace netpoll
