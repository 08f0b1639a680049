// SPDX-License-Identifier: Apache-2.0
//
// The states that a search has met.

#ifndef NETPOLL_MODEL_ENGINE_STATE_STORE_H_
#define NETPOLL_MODEL_ENGINE_STATE_STORE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "netpoll/model/engine/object.h"

namespace netpoll::model {

// States by number, in the order of discovery, and a set to find them by.
class StateStore {
 public:
  explicit StateStore(int width) : width_(width), table_(1 << 12, 0) {}

  std::uint32_t size() const {
    return static_cast<std::uint32_t>(arena_.size() / width_);
  }
  const Value* At(std::uint32_t number) const {
    return &arena_[std::size_t{number} * width_];
  }

  // The state's number, and whether it is new.
  std::pair<std::uint32_t, bool> Insert(const Value* state) {
    if (std::size_t{size()} * 2 >= table_.size()) Grow();
    for (std::size_t at = Hash(state);; ++at) {
      std::uint32_t& entry = table_[at & (table_.size() - 1)];
      if (entry == 0) {
        arena_.insert(arena_.end(), state, state + width_);
        entry = size();
        return {entry - 1, true};
      }
      if (std::memcmp(At(entry - 1), state, width_ * sizeof(Value)) == 0) {
        return {entry - 1, false};
      }
    }
  }

 private:
  std::size_t Hash(const Value* state) const {
    std::uint64_t hash = 0x9e3779b97f4a7c15u;
    for (int i = 0; i < width_; ++i) {
      hash = (hash ^ state[i]) * 0xff51afd7ed558ccdu;
      hash ^= hash >> 29;
    }
    return hash ^ (hash >> 32);
  }

  void Grow() {
    table_.assign(table_.size() * 4, 0);
    for (std::uint32_t number = 0; number < size(); ++number) {
      std::size_t at = Hash(At(number));
      while (table_[at & (table_.size() - 1)] != 0) ++at;
      table_[at & (table_.size() - 1)] = number + 1;
    }
  }

  const int width_;
  std::vector<Value> arena_;
  std::vector<std::uint32_t> table_;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_ENGINE_STATE_STORE_H_
