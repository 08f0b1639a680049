// SPDX-License-Identifier: Apache-2.0
//
// The type-stable pool of descriptor slots. A slot is never given back to the
// allocator while the pool lives, only to a free list, because the kernel may
// still report an event under its old key. Slots are found by index, so keys
// need no pointer bits and 32-bit systems lose nothing.
//
// Guarded by the lock: free list, directory writes. Lock-free: Find, from any
// thread, for any 31-bit number, also one that never was an index. The size is
// stored with release when chunk and slot are there, and loaded with acquire
// before either is looked at: so the directory's own accesses are relaxed.
//
// Stronger than a configuration asks for, because:
//   pool.size: Find must see the slot that a stray number finds; the slots of
//     configurations are there when their story begins

#ifndef NETPOLL_CORE_POOL_H_
#define NETPOLL_CORE_POOL_H_

#include <cstddef>
#include <cstdint>
#include <new>

#include "netpoll/core/chunks.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/event_key.h"

namespace netpoll {

template <class Env, class Slot>
class Pool {
 public:
  Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  ~Pool() {
    const std::uint32_t size = Size();
    for (std::uint32_t index = 0; index < size; ++index) At(index)->~Slot();
    for (auto& entry : directory_) {
      Slot* const chunk = entry.Load("pool.free_chunk", Order::kRelaxed);
      ::operator delete (chunk, std::align_val_t{alignof(Slot)});
    }
  }

  // A slot for one incarnation, last freed first, or null when there is no
  // memory for another.
  [[nodiscard]] Slot* Allocate() {
    const LockHolder hold(lock_, "pool.alloc.lock");
    const std::uint32_t first = first_free_.Get();
    if (first == kNone) return Carve();
    Slot* const slot = At(first);
    first_free_.Set(slot->next_free());
    return slot;
  }

  // The slot's generation must have been bumped before: from here on another
  // thread may allocate it.
  void Free(Slot* slot) {
    const LockHolder hold(lock_, "pool.free.lock");
    slot->set_next_free(first_free_.Get());
    first_free_.Set(slot->index());
  }

  // The slot with that index, or null if there is none.
  Slot* Find(std::uint32_t index) {
    return index < Size() ? At(index) : nullptr;
  }

  // The slot that begins at `address`, or null if none does. Any address is
  // safe: it is compared, not followed.
  Slot* FindAt(const void* address) {
    const std::uint32_t size = Size();
    for (std::uint32_t first = 0; first < size;) {
      const auto whole = static_cast<std::uint32_t>(
          chunks::SizeOf(chunks::Locate(first).chunk));
      const std::uint32_t count = whole < size - first ? whole : size - first;
      // Wraps round, to something large, when `address` is before the chunk.
      const std::uintptr_t offset = reinterpret_cast<std::uintptr_t>(address) -
                                    reinterpret_cast<std::uintptr_t>(At(first));
      if (offset < std::uintptr_t{count} * sizeof(Slot)) {
        if (offset % sizeof(Slot) != 0) return nullptr;
        return At(first + static_cast<std::uint32_t>(offset / sizeof(Slot)));
      }
      first += whole;
    }
    return nullptr;
  }

  // Calls `f` with each slot, used or free.
  template <class F>
  void Each(F f) const {
    const std::uint32_t size = Size();
    for (std::uint32_t index = 0; index < size; ++index) f(*At(index));
  }

  // Slots that exist, used or free.
  std::uint32_t Size() const {
    return size_.Load("pool.size", Order::kAcquire);
  }

 private:
  static constexpr std::size_t kChunks = 25;
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  static_assert(chunks::SizeOfAll(kChunks) <= EventKey::kMaxIndex);

  [[gnu::returns_nonnull]] Slot* At(std::uint32_t index) const {
    const chunks::Position at = chunks::Locate(index);
    return directory_[at.chunk].Load("pool.chunk", Order::kRelaxed) + at.offset;
  }

  // Takes the next slot that never was used. Under the lock.
  Slot* Carve() {
    const std::uint32_t index = Size();
    const chunks::Position at = chunks::Locate(index);
    if (at.chunk >= kChunks) return nullptr;
    Slot* chunk = directory_[at.chunk].Load("pool.carve", Order::kRelaxed);
    if (chunk == nullptr) {
      chunk = static_cast<Slot*>(
          ::operator new (sizeof(Slot) * chunks::SizeOf(at.chunk),
                          std::align_val_t{alignof(Slot)}, std::nothrow));
      if (chunk == nullptr) return nullptr;
      directory_[at.chunk].Store("pool.publish", chunk, Order::kRelaxed);
    }
    Slot* const slot = ::new (chunk + at.offset) Slot(index);
    // Publishes the chunk and the slot to Find.
    size_.Store("pool.grow", index + 1, Order::kRelease);
    return slot;
  }

  typename Env::Lock lock_;
  typename Env::template Var<std::uint32_t> first_free_{kNone};
  typename Env::template Atomic<std::uint32_t> size_{0};
  typename Env::template Atomic<Slot*> directory_[kChunks];
};

}  // namespace netpoll

#endif  // NETPOLL_CORE_POOL_H_
