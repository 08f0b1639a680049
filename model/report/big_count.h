// SPDX-License-Identifier: Apache-2.0
//
// Runs are counted exactly, and there are more than 64 bits of them.

#ifndef NETPOLL_MODEL_REPORT_BIG_COUNT_H_
#define NETPOLL_MODEL_REPORT_BIG_COUNT_H_

#include <array>
#include <cstdint>
#include <string>

namespace netpoll::model {

// A natural number below 2^256.
class BigCount {
 public:
  BigCount() = default;
  explicit BigCount(std::uint64_t value) { words_[0] = value; }

  void Add(const BigCount& other);
  std::string Text() const;

 private:
  std::array<std::uint64_t, 4> words_{};
  bool overflowed_ = false;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_REPORT_BIG_COUNT_H_
