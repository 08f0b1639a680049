// SPDX-License-Identifier: Apache-2.0
//
// A state as one number: where in it each thread and each object has its bits.

#ifndef NETPOLL_MODEL_ENGINE_KEY_LAYOUT_H_
#define NETPOLL_MODEL_ENGINE_KEY_LAYOUT_H_

#include <bit>
#include <cstddef>
#include <cstdint>

namespace netpoll::model {

// A state in at most 127 bits: one field for each thread and object.
__extension__ typedef unsigned __int128 PackedKey;

struct KeyField {
  int shift = 0;
  std::uint32_t mask = 0;  // 0: there is only one value.

  std::uint32_t Of(PackedKey key) const {
    return static_cast<std::uint32_t>(key >> shift) & mask;
  }
  PackedKey Put(std::uint32_t value) const { return PackedKey{value} << shift; }
  // What to add to a key.
  PackedKey Change(std::uint32_t from, std::uint32_t to) const {
    return Put(to) - Put(from);
  }
};

// Gives out fields, one beside the other.
class KeyLayout {
 public:
  // For so many values, and `room` bits more. Not to be used unless all fit.
  KeyField New(std::size_t values, int room = 0) {
    const int width = static_cast<int>(std::bit_width(values - 1)) + room;
    const KeyField field{bits_, (std::uint32_t{1} << width) - 1};
    bits_ += width;
    return field;
  }

  int bits() const { return bits_; }
  bool fits() const { return bits_ <= 127; }

 private:
  int bits_ = 0;
};

// What a thread is about to do in a local state. It has an entry for each value
// of the object, or for each branch of a choice.
struct KeyStep {
  std::uint32_t first = 0;  // Of its entries.
  KeyField object;          // None: no bits.
  int branches = 1;
  bool optional = false;
  bool ends = false;
  bool stops = false;

  std::uint32_t Value(PackedKey key, int branch) const {
    return object.mask == 0 ? static_cast<std::uint32_t>(branch)
                            : object.Of(key);
  }
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_ENGINE_KEY_LAYOUT_H_
