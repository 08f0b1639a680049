// SPDX-License-Identifier: Apache-2.0
//
// A histogram of durations: 32 buckets for each power of two, so a percentile
// is right within 3 %. Fixed size; recording allocates nothing.

#ifndef NETPOLL_TOOLS_COMMON_HISTOGRAM_H_
#define NETPOLL_TOOLS_COMMON_HISTOGRAM_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace netpoll::tools {

class Histogram {
 public:
  void Record(std::uint64_t value) {
    ++counts_[Bucket(value)];
    ++total_;
    max_ = std::max(max_, value);
  }

  void Add(const Histogram& other) {
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      counts_[i] += other.counts_[i];
    }
    total_ += other.total_;
    max_ = std::max(max_, other.max_);
  }

  std::uint64_t total() const { return total_; }
  std::uint64_t max() const { return max_; }

  // The value that `percent` of all are not above, rounded up to a bucket's
  // end; 0 if there are none.
  std::uint64_t Percentile(double percent) const {
    const auto wanted = static_cast<std::uint64_t>(
        std::ceil(percent / 100 * static_cast<double>(total_)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen >= wanted && seen > 0) return std::min(Last(i), max_);
    }
    return 0;
  }

 private:
  static constexpr unsigned kBits = 5;
  static constexpr std::uint64_t kPart = 1u << kBits;

  // Below kPart each value has its own; then kPart for each power of two.
  static constexpr std::size_t Bucket(std::uint64_t value) {
    if (value < kPart) return value;
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - 1 - kBits;
    return (shift + 1) * kPart + ((value >> shift) - kPart);
  }
  static constexpr std::uint64_t Last(std::size_t bucket) {
    if (bucket < kPart) return bucket;
    const std::size_t shift = bucket / kPart - 1;
    const std::uint64_t first = (kPart + bucket % kPart) << shift;
    return first + ((std::uint64_t{1} << shift) - 1);
  }

  static constexpr std::size_t kBuckets = (64 - kBits + 1) * kPart;
  std::array<std::uint32_t, kBuckets> counts_{};
  std::uint64_t total_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace netpoll::tools

#endif  // NETPOLL_TOOLS_COMMON_HISTOGRAM_H_
