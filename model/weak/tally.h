// SPDX-License-Identifier: Apache-2.0
//
// What both searches keep count of: graphs, limits, and the smallest graph that
// breaks a law.

#ifndef NETPOLL_MODEL_WEAK_TALLY_H_
#define NETPOLL_MODEL_WEAK_TALLY_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_set>
#include <utility>

#include "netpoll/model/weak/grower.h"
#include "netpoll/model/weak/judge.h"
#include "netpoll/model/weak/weak_search.h"

namespace netpoll::model {

class Tally {
 public:
  Tally(Grower& grower, const WeakLimits& limits)
      : limits_(limits), grower_(grower), judge_(grower) {}

  Judge& judge() { return judge_; }
  WeakResult& result() { return result_; }
  // Whether the search must end now.
  bool over() const { return over_; }

  // Another graph is looked at.
  void Look();
  // An event was added last. False: it breaks a law, so nothing follows it.
  bool Accepts(const EventGraph& graph, int event);
  // A graph at rest.
  void Rest(const EventGraph& graph);

  WeakResult End(bool finished);

 private:
  void Keep(const EventGraph& graph, int failed);

  const WeakLimits& limits_;
  Grower& grower_;
  Judge judge_;
  WeakResult result_;
  // 128 bits of each digest: the second half is kept.
  struct Half {
    std::size_t operator()(
        const std::pair<std::uint64_t, std::uint64_t>& print) const {
      return static_cast<std::size_t>(print.first);
    }
  };
  std::unordered_set<std::pair<std::uint64_t, std::uint64_t>, Half> seen_;
  std::uint64_t last_graph_ = ~std::uint64_t{0};
  bool over_ = false;
  const std::chrono::steady_clock::time_point start_ =
      std::chrono::steady_clock::now();
};

// Calls `search(tally)` and tells what came of it.
template <class Search>
WeakResult Searched(Grower& grower, const WeakLimits& limits, Search search) {
  Tally tally(grower, limits);
  bool finished = false;
  try {
    search(tally);
    finished = !tally.over();
  } catch (const GraphTooLarge&) {
    tally.result().cut_off = "a graph has more events than there is room for";
  }
  return tally.End(finished);
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_WEAK_TALLY_H_
