// SPDX-License-Identifier: Apache-2.0
//
// A fuzzer's input, taken piece by piece; zeros when it has run out.

#ifndef NETPOLL_TESTS_FUZZ_BYTES_H_
#define NETPOLL_TESTS_FUZZ_BYTES_H_

#include <cstddef>
#include <cstdint>

namespace netpoll::fuzz {

class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size)
      : data_(data), left_(size) {}

  bool empty() const { return left_ == 0; }
  std::uint8_t Byte() {
    if (left_ == 0) return 0;
    --left_;
    return *data_++;
  }
  std::uint32_t Below(std::uint32_t limit) { return Byte() % limit; }
  // Four or eight of them.
  std::uint32_t Word() {
    std::uint32_t word = 0;
    for (int i = 0; i < 4; ++i) word = word << 8 | Byte();
    return word;
  }
  std::uint64_t Long() {
    const std::uint64_t high = Word();
    return high << 32 | Word();
  }

 private:
  const std::uint8_t* data_;
  std::size_t left_;
};

}  // namespace netpoll::fuzz

#endif  // NETPOLL_TESTS_FUZZ_BYTES_H_
