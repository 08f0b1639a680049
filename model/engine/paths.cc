// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/engine/paths.h"

#include <algorithm>
#include <array>
#include <map>
#include <unordered_map>
#include <vector>

#include "netpoll/model/engine/packed_tables.h"

namespace netpoll_model {
namespace {

// A natural number below 2^256; enough for 10^77 schedules.
class Big {
 public:
  explicit Big(std::uint64_t value = 0) : parts_{value, 0, 0, 0} {}

  void Add(const Big& other) {
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const PackedKey sum = PackedKey{parts_[i]} + other.parts_[i] + carry;
      parts_[i] = static_cast<std::uint64_t>(sum);
      carry = static_cast<std::uint64_t>(sum >> 64);
    }
    overflowed_ = overflowed_ || other.overflowed_ || carry != 0;
  }

  std::string Text() const {
    if (overflowed_) return "more than 10^77";
    Big rest = *this;
    std::string digits;
    while (rest.parts_ != std::array<std::uint64_t, 4>{}) {
      std::uint64_t remainder = 0;
      for (std::size_t i = rest.parts_.size(); i-- > 0;) {
        const PackedKey value = (PackedKey{remainder} << 64) | rest.parts_[i];
        rest.parts_[i] = static_cast<std::uint64_t>(value / 10);
        remainder = static_cast<std::uint64_t>(value % 10);
      }
      digits += static_cast<char>('0' + remainder);
    }
    std::reverse(digits.begin(), digits.end());
    return digits.empty() ? "0" : digits;
  }

 private:
  std::array<std::uint64_t, 4> parts_;
  bool overflowed_ = false;
};

struct KeyHash {
  std::size_t operator()(PackedKey key) const {
    return static_cast<std::size_t>(
        (static_cast<std::uint64_t>(key) ^
         static_cast<std::uint64_t>(key >> 64) * 31) *
        0x9e3779b97f4a7c15u);
  }
};

class Graph {
 public:
  explicit Graph(const PackedTables& packed) : packed_(packed) {}

  bool Build(std::uint64_t most_states) {
    Number(packed_.initial());
    for (std::size_t at = 0; at < keys_.size(); ++at) {
      if (keys_.size() > most_states) return false;
      first_.push_back(edges_.size());
      Expand(keys_[at]);
    }
    first_.push_back(edges_.size());
    return true;
  }

  PathCount Count() const {
    const std::size_t states = keys_.size();
    std::vector<std::uint32_t> incoming(states, 0);
    for (const std::uint32_t to : edges_) ++incoming[to];
    std::vector<Big> ways(states);
    std::vector<int> longest(states, 0);
    std::vector<std::uint32_t> ready;
    if (incoming[0] == 0) ready.push_back(0);
    ways[0] = Big(1);
    Big total;
    std::uint64_t done = 0;
    PathCount count;
    while (!ready.empty()) {
      const std::uint32_t at = ready.back();
      ready.pop_back();
      ++done;
      count.longest = std::max(count.longest, longest[at]);
      if (first_[at] == first_[at + 1]) total.Add(ways[at]);
      for (std::size_t e = first_[at]; e < first_[at + 1]; ++e) {
        const std::uint32_t to = edges_[e];
        ways[to].Add(ways[at]);
        longest[to] = std::max(longest[to], longest[at] + 1);
        if (--incoming[to] == 0) ready.push_back(to);
      }
    }
    count.counted = true;
    count.acyclic = done == states;
    count.on_cycles = states - done;
    if (count.acyclic) count.schedules = total.Text();
    return count;
  }

 private:
  std::uint32_t Number(PackedKey key) {
    const auto [found, added] =
        numbers_.try_emplace(key, static_cast<std::uint32_t>(keys_.size()));
    if (added) keys_.push_back(key);
    return found->second;
  }

  void Expand(PackedKey key) {
    for (int thread = 0; thread < packed_.threads(); ++thread) {
      if (packed_.At(key, thread).stops) return;
    }
    for (int thread = 0; thread < packed_.threads(); ++thread) {
      const PackedTables::Local& local = packed_.At(key, thread);
      if (local.ends) continue;
      for (int branch = 0; branch < local.branches; ++branch) {
        PackedKey next;
        if (packed_.Take(key, thread, local, branch, &next)) {
          edges_.push_back(Number(next));
        }
      }
    }
  }

  const PackedTables& packed_;
  std::unordered_map<PackedKey, std::uint32_t, KeyHash> numbers_;
  std::vector<PackedKey> keys_;
  std::vector<std::uint32_t> edges_;
  std::vector<std::size_t> first_;
};

}  // namespace

PathCount CountPaths(Tabulator& tables, std::uint64_t most_states) {
  const PackedTables packed(tables);
  if (!packed.fits()) return {};
  Graph graph(packed);
  if (!graph.Build(most_states)) return {};
  return graph.Count();
}

}  // namespace netpoll_model
