// SPDX-License-Identifier: Apache-2.0
//
// An array that grows, for code without exceptions: running out of memory is
// an answer.

#ifndef NETPOLL_CORE_GROWABLE_H_
#define NETPOLL_CORE_GROWABLE_H_

#include "netpoll/core/cpp20.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <type_traits>
#include <utility>

namespace netpoll {

// New elements are all zeros. Never shrinks.
template <class T>
class Growable {
 public:
  static_assert(std::is_trivially_copyable_v<T>);

  Growable() = default;
  Growable(const Growable&) = delete;
  Growable& operator=(const Growable&) = delete;
  ~Growable() { std::free(data_); }

  std::size_t capacity() const { return capacity_; }
  T* data() { return data_; }
  T& operator[](std::size_t index) { return data_[index]; }
  const T& operator[](std::size_t index) const { return data_[index]; }

  // Room for `size` elements. False: there is no memory, and nothing changed.
  [[nodiscard]] bool Reserve(std::size_t size) {
    constexpr std::size_t kLeast = 64;
    if (size <= capacity_) return true;
    const std::size_t wanted = std::max({size, kLeast, 2 * capacity_});
    if (wanted > std::numeric_limits<std::size_t>::max() / sizeof(T)) {
      return false;
    }
    void* const grown = std::realloc(data_, wanted * sizeof(T));
    if (grown == nullptr) return false;
    data_ = static_cast<T*>(grown);
    std::fill(data_ + capacity_, data_ + wanted, T{});
    capacity_ = wanted;
    return true;
  }

  template <class Visit>
  void EachField(Visit& visit) {
    visit.Array(data_, capacity_);
  }

  void Swap(Growable& other) {
    std::swap(data_, other.data_);
    std::swap(capacity_, other.capacity_);
  }

 private:
  T* data_ = nullptr;
  std::size_t capacity_ = 0;
};

}  // namespace netpoll

#endif  // NETPOLL_CORE_GROWABLE_H_
