// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/report/big_count.h"

#include <algorithm>

namespace netpoll::model {

void BigCount::Add(const BigCount& other) {
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < words_.size(); ++i) {
    const std::uint64_t sum = words_[i] + other.words_[i];
    const std::uint64_t with = sum + carry;
    carry = (sum < words_[i] ? 1 : 0) + (with < sum ? 1 : 0);
    words_[i] = with;
  }
  overflowed_ = overflowed_ || other.overflowed_ || carry != 0;
}

std::string BigCount::Text() const {
  if (overflowed_) return "more than 2^256";
  std::array<std::uint64_t, 4> rest = words_;
  std::string text;
  for (;;) {
    // Divides by 10, in steps of 32 bits.
    std::uint64_t remainder = 0;
    bool zero = true;
    for (std::size_t i = rest.size(); i-- > 0;) {
      const std::uint64_t high = remainder << 32 | rest[i] >> 32;
      const std::uint64_t low = (high % 10) << 32 | (rest[i] & 0xffffffffu);
      rest[i] = (high / 10) << 32 | low / 10;
      remainder = low % 10;
      zero = zero && rest[i] == 0;
    }
    text += static_cast<char>('0' + remainder);
    if (zero) break;
  }
  std::reverse(text.begin(), text.end());
  return text;
}

}  // namespace netpoll::model
