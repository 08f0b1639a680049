// SPDX-License-Identifier: Apache-2.0
//
// Reuse counters.
//
// A slot of the pool is used again and again; the generation tells one use
// (incarnation) from the next, so that a late event or timer of an earlier use
// is recognised. With k bits, 0 being reserved, a late report is mistaken for a
// current one only when at least 2^k - 1 reuses of the very slot fall between
// the moment when it was taken from the kernel and its check. The shipped width
// is 32 bits: 4,294,967,295 reuses.

#ifndef NETPOLL_CORE_GENERATION_H_
#define NETPOLL_CORE_GENERATION_H_

#include "netpoll/core/cpp20.h"

#include <cstdint>

namespace netpoll {

template <int kBits>
struct GenerationOf {
  static_assert(kBits >= 1 && kBits <= 32);
  static constexpr std::uint32_t kMax =
      kBits == 32 ? 0xffff'ffffu : (1u << (kBits % 32)) - 1;

  // The generation after `generation`; never 0, which no incarnation has.
  static constexpr std::uint32_t Next(std::uint32_t generation) {
    return generation >= kMax ? 1 : generation + 1;
  }
};
static_assert(GenerationOf<32>::Next(0) == 1);
static_assert(GenerationOf<32>::Next(0xffff'ffffu) == 1);
static_assert(GenerationOf<2>::Next(3) == 1);
static_assert(GenerationOf<1>::Next(1) == 1);

}  // namespace netpoll

#endif  // NETPOLL_CORE_GENERATION_H_
