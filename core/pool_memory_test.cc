// SPDX-License-Identifier: Apache-2.0
//
// The pool when there is no memory, and without its lock.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/pool.h"

namespace {

bool no_memory = false;
int taken = 0;
int given_back = 0;

}  // namespace

// What the pool asks.
void* operator new(std::size_t size, std::align_val_t alignment,
                   const std::nothrow_t&) noexcept {
  if (no_memory) return nullptr;
  ++taken;
  const auto align = static_cast<std::size_t>(alignment);
  return std::aligned_alloc(align, (size + align - 1) / align * align);
}
void operator delete(void* room, std::align_val_t) noexcept {
  if (room != nullptr) ++given_back;
  std::free(room);
}

namespace netpoll {
namespace {

// Counts who takes it.
struct CountingEnv : StdEnv {
  class Lock : public StdEnv::Lock {
   public:
    void Acquire(Site site) {
      ++acquired;
      StdEnv::Lock::Acquire(site);
    }
  };
  static inline int acquired = 0;
};

struct alignas(64) Slot {
  explicit Slot(std::uint32_t i) : slot_index(i) {}
  std::uint32_t index() const { return slot_index; }
  std::uint32_t next_free() const { return next; }
  void set_next_free(std::uint32_t n) { next = n; }

  std::uint32_t slot_index;
  std::uint32_t next = 0;
};

using SlotPool = Pool<CountingEnv, Slot>;
constexpr std::uint32_t kFirstChunk = 64;

TEST(PoolMemoryTest, WithoutMemoryThereIsNoSlotAndLaterThereIs) {
  SlotPool pool;
  no_memory = true;
  EXPECT_EQ(pool.Allocate(), nullptr);
  EXPECT_EQ(pool.Allocate(), nullptr);
  EXPECT_EQ(pool.Size(), 0u);
  EXPECT_EQ(pool.Find(0), nullptr);
  no_memory = false;
  Slot* const slot = pool.Allocate();
  ASSERT_NE(slot, nullptr);
  EXPECT_EQ(slot->index(), 0u);
}

TEST(PoolMemoryTest, WithoutMemoryWhatIsThereGoesOn) {
  SlotPool pool;
  std::vector<Slot*> slots;
  for (std::uint32_t i = 0; i < kFirstChunk; ++i) {
    slots.push_back(pool.Allocate());
  }
  no_memory = true;
  EXPECT_EQ(pool.Allocate(), nullptr);
  EXPECT_EQ(pool.Size(), kFirstChunk);
  pool.Free(slots[7]);
  EXPECT_EQ(pool.Allocate(), slots[7]);
  EXPECT_EQ(pool.Find(63), slots[63]);
  no_memory = false;
  EXPECT_EQ(pool.Allocate()->index(), kFirstChunk);
}

TEST(PoolMemoryTest, NothingGoesBackToTheAllocatorWhileThePoolLives) {
  taken = given_back = 0;
  {
    SlotPool pool;
    std::vector<Slot*> slots;
    for (std::uint32_t i = 0; i < 3 * kFirstChunk; ++i) {
      slots.push_back(pool.Allocate());
    }
    const int chunks = taken;
    EXPECT_EQ(chunks, 2) << "one allocation for each chunk";
    for (Slot* const slot : slots) pool.Free(slot);
    for (std::size_t i = 0; i < slots.size(); ++i) (void)pool.Allocate();
    EXPECT_EQ(taken, chunks) << "free slots are used before new ones";
    EXPECT_EQ(given_back, 0);
  }
  EXPECT_EQ(given_back, taken);
}

TEST(PoolMemoryTest, FindTakesNoLock) {
  SlotPool pool;
  Slot* const slot = pool.Allocate();
  const int before = CountingEnv::acquired;
  EXPECT_EQ(pool.Find(0), slot);
  EXPECT_EQ(pool.Find(1), nullptr);
  EXPECT_EQ(pool.FindAt(slot), slot);
  EXPECT_EQ(pool.FindAt(slot + 1), nullptr);
  EXPECT_EQ(pool.Size(), 1u);
  EXPECT_EQ(CountingEnv::acquired, before);
  pool.Free(slot);
  EXPECT_EQ(CountingEnv::acquired, before + 1);
}

}  // namespace
}  // namespace netpoll
