// SPDX-License-Identifier: Apache-2.0
//
// The bytes of a stream: each depends on the stream's key and on its place, so
// that a byte that is lost, doubled, moved or another stream's is seen. The
// first eight are the key itself: whoever receives learns it from them.

#ifndef NETPOLL_TOOLS_TORTURE_PATTERN_H_
#define NETPOLL_TOOLS_TORTURE_PATTERN_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "netpoll/tools/torture/random.h"

namespace netpoll::torture {

inline constexpr std::uint64_t kKeyBytes = 8;

constexpr char PatternByte(std::uint64_t key, std::uint64_t at) {
  const std::uint64_t word = at < kKeyBytes ? key : Mix(key ^ (at / 8));
  return static_cast<char>(word >> (8 * (at % 8)));
}

// Writes the bytes from `at` on.
constexpr void FillPattern(std::uint64_t key, std::uint64_t at,
                           std::span<char> bytes) {
  for (char& byte : bytes) byte = PatternByte(key, at++);
}

// How many of `bytes`, which stand at `at`, are right before the first that is
// wrong.
constexpr std::size_t RightBytes(std::uint64_t key, std::uint64_t at,
                                 std::span<const char> bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] != PatternByte(key, at + i)) return i;
  }
  return bytes.size();
}

// The key, from the first eight bytes.
constexpr std::uint64_t KeyOf(std::span<const char, kKeyBytes> bytes) {
  std::uint64_t key = 0;
  for (std::size_t i = 0; i < kKeyBytes; ++i) {
    key |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  return key;
}

}  // namespace netpoll::torture

#endif  // NETPOLL_TOOLS_TORTURE_PATTERN_H_
