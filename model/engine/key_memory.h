// SPDX-License-Identifier: Apache-2.0
//
// Memory for a table of keys, zero at first. A search touches it at random, so
// that large tables want large pages: with small ones most of its time goes
// into the translation of addresses.

#ifndef NETPOLL_MODEL_ENGINE_KEY_MEMORY_H_
#define NETPOLL_MODEL_ENGINE_KEY_MEMORY_H_

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "netpoll/model/engine/key_layout.h"

namespace netpoll::model {

class KeyMemory {
 public:
  explicit KeyMemory(std::size_t size) : size_(size) {
    // Room to begin at a large page.
    mapped_bytes_ = size * sizeof(PackedKey);
    const bool large = mapped_bytes_ >= kLargePage;
    if (large) mapped_bytes_ += kLargePage;
    mapped_ = mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped_ == MAP_FAILED) throw std::bad_alloc();
    auto begin = reinterpret_cast<std::uintptr_t>(mapped_);
    if (large) begin = (begin + kLargePage - 1) & ~(kLargePage - 1);
    keys_ = reinterpret_cast<PackedKey*>(begin);
#ifdef MADV_HUGEPAGE
    // Only faster: it may refuse.
    if (large) madvise(keys_, size * sizeof(PackedKey), MADV_HUGEPAGE);
#endif
  }
  ~KeyMemory() { munmap(mapped_, mapped_bytes_); }
  KeyMemory(const KeyMemory&) = delete;
  KeyMemory& operator=(const KeyMemory&) = delete;

  void Swap(KeyMemory& other) {
    std::swap(mapped_, other.mapped_);
    std::swap(mapped_bytes_, other.mapped_bytes_);
    std::swap(keys_, other.keys_);
    std::swap(size_, other.size_);
  }

  std::size_t size() const { return size_; }
  PackedKey& operator[](std::size_t index) { return keys_[index]; }
  const PackedKey& operator[](std::size_t index) const { return keys_[index]; }

 private:
  static constexpr std::uintptr_t kLargePage = std::uintptr_t{2} << 20;

  void* mapped_;
  std::size_t mapped_bytes_;
  PackedKey* keys_;
  std::size_t size_;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_ENGINE_KEY_MEMORY_H_
