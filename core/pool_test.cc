// SPDX-License-Identifier: Apache-2.0

#include "netpoll/core/pool.h"

#include <atomic>
#include <cstdint>
#include <set>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"

namespace netpoll {
namespace {

struct Slot {
  explicit Slot(std::uint32_t i) : slot_index(i) { ++alive; }
  ~Slot() { --alive; }
  std::uint32_t index() const { return slot_index; }
  std::uint32_t next_free() const { return next; }
  void set_next_free(std::uint32_t n) { next = n; }

  std::uint32_t slot_index;
  std::uint32_t next = 0;
  static inline std::atomic<int> alive{0};
};

using SlotPool = Pool<StdEnv, Slot>;

TEST(PoolTest, GivesTheSlotThatWasFreedLast) {
  SlotPool pool;
  Slot* const a = pool.Allocate();
  Slot* const b = pool.Allocate();
  Slot* const c = pool.Allocate();
  pool.Free(a);
  pool.Free(c);
  EXPECT_EQ(pool.Allocate(), c);
  EXPECT_EQ(pool.Allocate(), a);
  EXPECT_NE(pool.Allocate(), b);
  EXPECT_EQ(pool.Size(), 4u);
}

TEST(PoolTest, FindsASlotByItsAddressAndNothingByAnyOther) {
  constexpr std::uint32_t kCount = 200;  // Three chunks.
  SlotPool pool;
  std::vector<Slot*> slots;
  for (std::uint32_t i = 0; i < kCount; ++i) slots.push_back(pool.Allocate());
  for (Slot* const slot : slots) {
    EXPECT_EQ(pool.FindAt(slot), slot);
    EXPECT_EQ(pool.FindAt(reinterpret_cast<char*>(slot) + 1), nullptr);
  }
  // The third chunk has room for more, which are not slots yet.
  EXPECT_EQ(pool.FindAt(slots.back() + 1), nullptr);
  const int elsewhere = 0;
  EXPECT_EQ(pool.FindAt(&elsewhere), nullptr);
  EXPECT_EQ(pool.FindAt(nullptr), nullptr);
}

TEST(PoolTest, GrowsOverTheBordersOfItsChunksAndMovesNothing) {
  // Chunks end after 64, 192, 448 and 960 slots.
  constexpr std::uint32_t kCount = 1000;
  {
    SlotPool pool;
    std::vector<Slot*> slots;
    for (std::uint32_t i = 0; i < kCount; ++i) {
      EXPECT_EQ(pool.Find(i), nullptr);
      Slot* const slot = pool.Allocate();
      ASSERT_NE(slot, nullptr);
      EXPECT_EQ(slot->index(), i);
      slots.push_back(slot);
    }
    for (std::uint32_t i = 0; i < kCount; ++i)
      EXPECT_EQ(pool.Find(i), slots[i]);
    EXPECT_EQ(std::set<Slot*>(slots.begin(), slots.end()).size(), kCount);
    for (Slot* const slot : slots) pool.Free(slot);
    for (std::uint32_t i = 0; i < kCount; ++i) {
      EXPECT_EQ(pool.Find(i), slots[i]) << "a free slot is still there";
      EXPECT_EQ(pool.Allocate(), slots[kCount - 1 - i]);
    }
    EXPECT_EQ(Slot::alive, static_cast<int>(kCount));
  }
  EXPECT_EQ(Slot::alive, 0);
}

TEST(PoolTest, FindTakesAnyNumber) {
  SlotPool pool;
  (void)pool.Allocate();
  // Volatile: a compiler that knows the number warns of the directory's end,
  // which Find checks at run time.
  volatile std::uint32_t one = 1;
  for (int bit = 0; bit < 31; ++bit) {
    const std::uint32_t power = one << bit;
    for (const std::uint32_t number : {power - 1, power, power + 1}) {
      EXPECT_EQ(pool.Find(number) != nullptr, number == 0) << number;
    }
  }
  EXPECT_EQ(pool.Find(0x7fffffffu * one), nullptr);
}

TEST(PoolTest, NoSlotIsGivenTwiceAmongThreads) {
  SlotPool pool;
  std::atomic<int> owners[4096] = {};
  std::atomic<bool> wrong{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::vector<Slot*> mine;
      for (std::uint32_t i = 0; i < 4000; ++i) {
        if (mine.size() < 200 && (i * 7 + t) % 3 != 0) {
          Slot* const slot = pool.Allocate();
          if (owners[slot->index()].exchange(1) != 0) wrong = true;
          mine.push_back(slot);
        } else if (!mine.empty()) {
          owners[mine.back()->index()] = 0;
          pool.Free(mine.back());
          mine.pop_back();
        }
        Slot* const any = pool.Find(i % 1024);
        if (any != nullptr && any->index() != i % 1024) wrong = true;
      }
      for (Slot* const slot : mine) {
        owners[slot->index()] = 0;
        pool.Free(slot);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(wrong);
  EXPECT_LE(pool.Size(), 800u);
}

}  // namespace
}  // namespace netpoll
