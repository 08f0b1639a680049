// SPDX-License-Identifier: Apache-2.0
//
// Where the elements of an array lie that grows and never moves any: in chunks,
// each twice as large as the one before. Chunk k has kFirstChunk << k elements
// and begins at number kFirstChunk * (2^k - 1).

#ifndef NETPOLL_CORE_CHUNKS_H_
#define NETPOLL_CORE_CHUNKS_H_

#include "netpoll/core/cpp20.h"

#include <bit>
#include <cstddef>
#include <cstdint>

namespace netpoll::chunks {

inline constexpr std::uint32_t kFirstChunk = 64;

struct Position {
  std::size_t chunk;
  std::uint32_t offset;
};

constexpr Position Locate(std::uint32_t number) {
  // Counted from kFirstChunk on, each chunk begins at a power of two.
  const std::uint32_t counted = number + kFirstChunk;
  // (bit_width is an unsigned one in some libraries.)
  constexpr int kFirstWidth = static_cast<int>(std::bit_width(kFirstChunk));
  const int width = static_cast<int>(std::bit_width(counted));
  return {static_cast<std::size_t>(width - kFirstWidth),
          counted ^ std::bit_floor(counted)};
}
static_assert(Locate(0).chunk == 0 && Locate(63).offset == 63);
static_assert(Locate(64).chunk == 1 && Locate(64).offset == 0);
static_assert(Locate(191).chunk == 1 && Locate(192).chunk == 2);

// How many elements a chunk has.
constexpr std::size_t SizeOf(std::size_t chunk) {
  return std::size_t{kFirstChunk} << chunk;
}

// How many elements `count` chunks have.
constexpr std::uint64_t SizeOfAll(std::size_t count) {
  return (std::uint64_t{kFirstChunk} << count) - kFirstChunk;
}
static_assert(SizeOfAll(2) == 192);

}  // namespace netpoll::chunks

#endif  // NETPOLL_CORE_CHUNKS_H_
