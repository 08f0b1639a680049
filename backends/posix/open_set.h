// SPDX-License-Identifier: Apache-2.0
//
// Which descriptors a backend has open, and under which key. For systems that
// would let a second registration replace the first without a word, so that
// Open answers EEXIST alike on every backend.
//
// A container, no more: the backend holds a lock of its own around each call.
// An entry is the key's bits; 0, which no registration has, is an empty one.
// Descriptors are small numbers, so it is a table: 8 bytes for each number up
// to the highest that was ever open.

#ifndef NETPOLL_BACKENDS_POSIX_OPEN_SET_H_
#define NETPOLL_BACKENDS_POSIX_OPEN_SET_H_

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "netpoll/core/generation.h"

namespace netpoll {

class OpenSet {
 public:
  OpenSet() = default;
  OpenSet(const OpenSet&) = delete;
  OpenSet& operator=(const OpenSet&) = delete;
  ~OpenSet() { std::free(keys_); }

  // 0, or: EBADF no descriptor has that number; EEXIST it is in the set;
  // ENOMEM.
  int Insert(int fd, EventKey key) {
    if (fd < 0) return EBADF;
    const auto at = static_cast<std::size_t>(fd);
    if (at >= size_ && !Grow(at + 1)) return ENOMEM;
    if (keys_[at] != 0) return EEXIST;
    keys_[at] = key.bits();
    return 0;
  }

  // Does nothing if the number is not in the set, or under another key.
  void Erase(int fd, EventKey key) {
    if (Find(fd) == key) keys_[fd] = 0;
  }

  // The key of a number; one of all zeros, if it is not in the set.
  EventKey Find(int fd) const {
    const bool known = fd >= 0 && static_cast<std::size_t>(fd) < size_;
    return EventKey::FromBits(known ? keys_[fd] : 0);
  }

 private:
  static constexpr std::size_t kFirst = 64;

  bool Grow(std::size_t least) {
    std::size_t size = size_ == 0 ? kFirst : size_;
    while (size < least) size *= 2;
    void* const memory = std::realloc(keys_, size * sizeof(*keys_));
    if (memory == nullptr) return false;
    keys_ = static_cast<std::uint64_t*>(memory);
    for (; size_ < size; ++size_) keys_[size_] = 0;
    return true;
  }

  std::uint64_t* keys_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_POSIX_OPEN_SET_H_
