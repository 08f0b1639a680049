// SPDX-License-Identifier: Apache-2.0
//
// Seeded random numbers: whoever has a seed of its own draws the same ones in
// every run, whatever the threads do.

#ifndef NETPOLL_TOOLS_TORTURE_RANDOM_H_
#define NETPOLL_TOOLS_TORTURE_RANDOM_H_

#include <bit>
#include <chrono>
#include <cstdint>

namespace netpoll::torture {

// A bijection without structure (the finaliser of SplitMix64).
constexpr std::uint64_t Mix(std::uint64_t word) {
  word += 0x9e3779b97f4a7c15u;
  word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9u;
  word = (word ^ (word >> 27)) * 0x94d049bb133111ebu;
  return word ^ (word >> 31);
}

class Random {
 public:
  explicit constexpr Random(std::uint64_t seed) : state_(seed) {}

  constexpr std::uint64_t Next() { return state_ = Mix(state_); }
  // 0 to limit - 1; `limit` is not 0.
  constexpr std::uint64_t Below(std::uint64_t limit) { return Next() % limit; }
  constexpr bool OneIn(std::uint64_t count) { return Below(count) == 0; }
  // 1 to 2^bits, every size as likely as its double.
  constexpr std::uint64_t Size(int bits) {
    const std::uint64_t top = std::uint64_t{1}
                              << Below(static_cast<std::uint64_t>(bits) + 1);
    return top - Below(top - top / 2);
  }
  constexpr std::chrono::microseconds Micros(std::uint64_t limit) {
    return std::chrono::microseconds(static_cast<std::int64_t>(Below(limit)));
  }

 private:
  std::uint64_t state_;
};

}  // namespace netpoll::torture

#endif  // NETPOLL_TOOLS_TORTURE_RANDOM_H_
