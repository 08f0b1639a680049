// SPDX-License-Identifier: Apache-2.0
//
// An array over all 32-bit numbers that has memory only where it is used: a
// tree of pages of 256. What is in it never moves and is freed at the end.
// Not thread-safe.

#ifndef NETPOLL_BACKENDS_IO_URING_SPARSE_ARRAY_H_
#define NETPOLL_BACKENDS_IO_URING_SPARSE_ARRAY_H_

#include "netpoll/core/cpp20.h"

#include <cstdint>
#include <new>

namespace netpoll {

template <class T, int kLevel = 3>
class SparseArray {
 public:
  SparseArray() = default;
  SparseArray(const SparseArray&) = delete;
  SparseArray& operator=(const SparseArray&) = delete;
  ~SparseArray() {
    for (Page* const page : pages_) delete page;
  }

  // Null where nothing was ever made.
  T* Find(std::uint32_t index) const {
    const Page* const page = pages_[Digit(index)];
    return page == nullptr ? nullptr : page->Find(index);
  }

  // Null when there is no memory.
  T* Make(std::uint32_t index) {
    Page*& page = pages_[Digit(index)];
    if (page == nullptr) page = new (std::nothrow) Page;
    return page == nullptr ? nullptr : page->Make(index);
  }

  template <class Visit>
  void EachField(Visit& visit) {
    for (Page* const page : pages_) {
      if (page != nullptr) visit(*page);
    }
  }

 private:
  using Page = SparseArray<T, kLevel - 1>;

  static constexpr std::uint32_t Digit(std::uint32_t index) {
    return (index >> (8 * kLevel)) & 0xff;
  }

  Page* pages_[256] = {};
};

template <class T>
class SparseArray<T, 0> {
 public:
  T* Find(std::uint32_t index) const { return &items_[index & 0xff]; }
  T* Make(std::uint32_t index) { return Find(index); }

  template <class Visit>
  void EachField(Visit& visit) {
    visit.Array(items_, 256);
  }

 private:
  mutable T items_[256] = {};
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_IO_URING_SPARSE_ARRAY_H_
