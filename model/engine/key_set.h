// SPDX-License-Identifier: Apache-2.0
//
// The set of states that a search over packed keys has met.

#ifndef NETPOLL_MODEL_ENGINE_KEY_SET_H_
#define NETPOLL_MODEL_ENGINE_KEY_SET_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "netpoll/model/engine/key_layout.h"
#include "netpoll/model/engine/key_memory.h"

namespace netpoll::model {

inline std::uint64_t HashOf(PackedKey key) {
  std::uint64_t hash = static_cast<std::uint64_t>(key) * 0x9e3779b97f4a7c15u;
  hash ^= static_cast<std::uint64_t>(key >> 64) * 0xc2b2ae3d27d4eb4fu;
  hash ^= hash >> 32;
  hash *= 0xff51afd7ed558ccdu;
  return hash ^ (hash >> 29);
}

// Keys, in the table itself; the top bit says that an entry is taken.
class KeySet {
 public:
  bool Insert(PackedKey key, std::uint64_t hash) {
    if (size_ * 10 > table_.size() * 7) Grow();
    const PackedKey taken = key | kTaken;
    for (std::uint64_t at = hash;; ++at) {
      PackedKey& entry = table_[at & (table_.size() - 1)];
      if (entry == taken) return false;
      if (entry == 0) {
        entry = taken;
        ++size_;
        return true;
      }
    }
  }

  void Prefetch(std::uint64_t hash) const {
    __builtin_prefetch(&table_[hash & (table_.size() - 1)], 1);
  }

  std::uint64_t size() const { return size_; }

  // Before so many keys are inserted in the order of Each: in a table that
  // grows meanwhile they would stand in each other's way.
  void Reserve(std::uint64_t keys) {
    std::size_t size = table_.size();
    while ((size_ + keys) * 10 > size * 7) size *= 2;
    if (size == table_.size()) return;
    Refill(size, [](PackedKey key) { return key; });
  }

  template <class Function>
  void Each(Function function) const {
    for (std::size_t i = 0; i < table_.size(); ++i) {
      if (table_[i] != 0) function(table_[i] & ~kTaken);
    }
  }

  // Replaces each key by another; no two become one.
  template <class Function>
  void Replace(Function other) {
    Refill(table_.size(), other);
  }

 private:
  static constexpr PackedKey kTaken = static_cast<PackedKey>(1) << 127;

  void Grow() {
    Refill(table_.size() * 2, [](PackedKey key) { return key; });
  }

  template <class Function>
  void Refill(std::size_t size, Function other) {
    KeyMemory old(size);
    old.Swap(table_);
    for (std::size_t i = 0; i < old.size(); ++i) {
      if (old[i] == 0) continue;
      const PackedKey key = other(old[i] & ~kTaken);
      std::uint64_t at = HashOf(key);
      while (table_[at & (table_.size() - 1)] != 0) ++at;
      table_[at & (table_.size() - 1)] = key | kTaken;
    }
  }

  KeyMemory table_{1 << 14};
  std::uint64_t size_ = 0;
};

// New keys in the order in which they were offered. They are looked up a
// little later, when the table's lines have arrived.
class KeyQueue {
 public:
  void Offer(PackedKey key, std::uint64_t hash) {
    seen_.Prefetch(hash);
    if (pending_ == kRing) Flush();
    ring_[pending_++] = {key, hash};
  }
  void Offer(PackedKey key) { Offer(key, HashOf(key)); }

  // Looks up what was offered.
  void Flush() {
    for (std::size_t i = 0; i < pending_; ++i) {
      const Pending& one = ring_[i];
      if (!seen_.Insert(one.key, one.hash)) continue;
      next_.push_back(one.key);
    }
    pending_ = 0;
  }

  // What is new since the last call replaces `keys`.
  void Take(std::vector<PackedKey>& keys) {
    Flush();
    keys.swap(next_);
    next_.clear();
  }

  void Reserve(std::uint64_t keys) { seen_.Reserve(keys); }
  // What is not new: it is never taken.
  void Know(PackedKey key) { seen_.Insert(key, HashOf(key)); }
  // Everything that was offered, or is known.
  template <class Function>
  void Each(Function function) {
    Flush();
    seen_.Each(function);
  }

  // Replaces every key, see KeySet.
  template <class Function>
  void Replace(Function other) {
    Flush();
    seen_.Replace(other);
    for (PackedKey& key : next_) key = other(key);
  }

  std::uint64_t size() const { return seen_.size(); }
  // At most this many once everything offered is looked up.
  std::uint64_t most() const { return seen_.size() + pending_; }

 private:
  struct Pending {
    PackedKey key;
    std::uint64_t hash;
  };
  static constexpr std::size_t kRing = 32;

  KeySet seen_;
  Pending ring_[kRing];
  std::size_t pending_ = 0;
  std::vector<PackedKey> next_;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_ENGINE_KEY_SET_H_
