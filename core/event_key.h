// SPDX-License-Identifier: Apache-2.0
//
// The key of a registration: what travels through the kernel and back, and
// tells a descriptor's events from those of an earlier use of its slot.

#ifndef NETPOLL_CORE_EVENT_KEY_H_
#define NETPOLL_CORE_EVENT_KEY_H_

#include "netpoll/core/cpp20.h"

#include <cstdint>

namespace netpoll {

// The 64 bits handed to the kernel with a registration and back with an event:
//
//   63..32  generation of the slot (0 for an internal descriptor)
//   31      1: a descriptor of the backend itself (its wake-up)
//   30..0   slot index, or the number of the internal descriptor
//
// The whole key is compared, never a half of it.
class EventKey {
 public:
  static constexpr std::uint32_t kMaxIndex = 0x7fff'ffffu;

  static constexpr EventKey ForSlot(std::uint32_t index,
                                    std::uint32_t generation) {
    return EventKey((std::uint64_t{generation} << 32) | (index & kMaxIndex));
  }
  static constexpr EventKey Internal(std::uint32_t number) {
    return EventKey(kInternalBit | (number & kMaxIndex));
  }
  static constexpr EventKey FromBits(std::uint64_t bits) {
    return EventKey(bits);
  }

  constexpr std::uint64_t bits() const { return bits_; }
  constexpr bool internal() const { return (bits_ & kInternalBit) != 0; }
  constexpr std::uint32_t index() const {
    return static_cast<std::uint32_t>(bits_) & kMaxIndex;
  }
  constexpr std::uint32_t generation() const {
    return static_cast<std::uint32_t>(bits_ >> 32);
  }
  // Whether it can be the key of a slot. A cookie of all zeros, which some
  // kernels have delivered, is not.
  constexpr bool valid_slot() const { return !internal() && generation() != 0; }

  friend constexpr bool operator==(EventKey, EventKey) = default;

 private:
  static constexpr std::uint64_t kInternalBit = std::uint64_t{1} << 31;

  explicit constexpr EventKey(std::uint64_t bits) : bits_(bits) {}

  std::uint64_t bits_;
};
static_assert(EventKey::ForSlot(7, 9).index() == 7);
static_assert(EventKey::ForSlot(7, 9).generation() == 9);
static_assert(EventKey::ForSlot(0, 0xffff'ffffu).valid_slot());
static_assert(!EventKey::FromBits(0).valid_slot());
static_assert(EventKey::Internal(1).internal());
static_assert(!EventKey::ForSlot(EventKey::kMaxIndex, 1).internal());

}  // namespace netpoll

#endif  // NETPOLL_CORE_EVENT_KEY_H_
