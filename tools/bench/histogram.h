// SPDX-License-Identifier: Apache-2.0
//
// Durations counted in buckets that are 1/32 of their value wide: quantiles are
// right to 3 %, recording costs a few instructions and no memory.

#ifndef NETPOLL_TOOLS_BENCH_HISTOGRAM_H_
#define NETPOLL_TOOLS_BENCH_HISTOGRAM_H_

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace netpoll::bench {

class Histogram {
 public:
  Histogram() : buckets_(kBuckets) {}

  void Record(std::int64_t nanos) {
    const auto value =
        static_cast<std::uint64_t>(std::max<std::int64_t>(nanos, 0));
    ++buckets_[Bucket(value)];
    ++count_;
    max_ = std::max(max_, value);
  }

  std::uint64_t count() const { return count_; }
  std::uint64_t max() const { return max_; }

  // The smallest value that at least the share `q` of the records do not
  // exceed, rounded up to its bucket's end; 0 if there are none.
  std::uint64_t Quantile(double q) const {
    const auto wanted =
        static_cast<std::uint64_t>(q * static_cast<double>(count_) + 0.5);
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
      seen += buckets_[bucket];
      if (seen > 0 && seen >= wanted) return std::min(End(bucket), max_);
    }
    return max_;
  }

 private:
  static constexpr int kSubBits = 5;
  static constexpr std::uint64_t kSub = std::uint64_t{1} << kSubBits;
  static constexpr std::size_t kBuckets = (64 - kSubBits + 1) * kSub;

  // Values below 2 * kSub have a bucket each; above, the leading kSubBits + 1
  // bits choose it.
  static std::size_t Bucket(std::uint64_t value) {
    const auto width = static_cast<int>(std::bit_width(value));
    if (width <= kSubBits + 1) return static_cast<std::size_t>(value);
    const int shift = width - kSubBits - 1;
    return static_cast<std::size_t>(shift) * kSub +
           static_cast<std::size_t>(value >> shift);
  }

  // The greatest value in the bucket.
  static std::uint64_t End(std::size_t bucket) {
    if (bucket < 2 * kSub) return bucket;
    const std::size_t shift = bucket / kSub - 1;
    const std::uint64_t top = bucket % kSub + kSub;
    return ((top + 1) << shift) - 1;
  }

  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace netpoll::bench

#endif  // NETPOLL_TOOLS_BENCH_HISTOGRAM_H_
