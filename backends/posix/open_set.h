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

#include "netpoll/core/event_key.h"
#include "netpoll/core/growable.h"

namespace netpoll {

class OpenSet {
 public:
  // 0, or: EBADF no descriptor has that number; EEXIST it is in the set;
  // ENOMEM.
  int Insert(int fd, EventKey key) {
    if (fd < 0) return EBADF;
    const auto at = static_cast<std::size_t>(fd);
    if (!keys_.Reserve(at + 1)) return ENOMEM;
    if (keys_[at] != 0) return EEXIST;
    keys_[at] = key.bits();
    return 0;
  }

  // Does nothing if the number is not in the set, or under another key.
  void Erase(int fd, EventKey key) {
    const bool found = key.bits() != 0 && Find(fd) == key;
    if (found) keys_[static_cast<std::size_t>(fd)] = 0;
  }

  // The key of a number; one of all zeros, if it is not in the set.
  EventKey Find(int fd) const {
    if (fd < 0) return EventKey::FromBits(0);
    const auto at = static_cast<std::size_t>(fd);
    return EventKey::FromBits(at < keys_.capacity() ? keys_[at] : 0);
  }

  template <class Visit>
  void EachField(Visit& visit) {
    visit(keys_);
  }

 private:
  Growable<std::uint64_t> keys_;
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_POSIX_OPEN_SET_H_
