// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/weak/tally.h"

#include <algorithm>
#include <utility>

namespace netpoll::model {

void Tally::Look() {
  const std::uint64_t looked = ++result_.explored;
  if (looked >= limits_.graphs || looked >= last_graph_) over_ = true;
  if (looked % 4096 != 0) return;
  const std::chrono::duration<double> taken =
      std::chrono::steady_clock::now() - start_;
  if (taken.count() > limits_.seconds) over_ = true;
  if (limits_.progress && looked % 65536 == 0) {
    limits_.progress(looked, result_.complete_graphs + result_.blocked_graphs);
  }
}

void Tally::Keep(const EventGraph& graph, int failed) {
  if (result_.violation.empty()) {
    last_graph_ = result_.explored + limits_.graphs_for_smaller;
  }
  const EventSet& guilty = judge_.guilty();
  const bool better =
      result_.violation.empty() ||
      static_cast<std::size_t>(guilty.size()) < result_.graph.events.size();
  if (better) {
    result_.violation = judge_.violation();
    result_.graph = Told(graph, guilty, grower_.tables());
    result_.failed = -1;
    const std::vector<WeakEvent>& events = result_.graph.events;
    for (std::size_t i = 0; failed >= 0 && i < events.size(); ++i) {
      if (events[i].thread == graph[failed].thread &&
          events[i].node == graph[failed].node) {
        result_.failed = static_cast<int>(i);
      }
    }
  }
  judge_.Forget();
}

bool Tally::Accepts(const EventGraph& graph, int event) {
  if (judge_.Accepts(graph, event)) return true;
  Keep(graph, event);
  return false;
}

void Tally::Rest(const EventGraph& graph) {
  std::string digest = Digest(graph);
  if (limits_.at_rest != nullptr) limits_.at_rest->insert(digest);
  if (!seen_.insert(std::move(digest)).second) {
    ++result_.wasted_graphs;
    return;
  }
  ++(judge_.Ended(graph) ? result_.complete_graphs : result_.blocked_graphs);
  if (!judge_.AcceptsRest(graph)) Keep(graph, -1);
}

WeakResult Tally::End(bool finished) {
  result_.distinct = result_.complete_graphs + result_.blocked_graphs;
  Tabulator& tables = grower_.tables();
  if (result_.violation.empty()) result_.violation = tables.LockOrderCycle();
  if (result_.violation.empty() && !tables.incongruence().empty()) {
    result_.violation = "not a fair table: " + tables.incongruence();
  }
  result_.complete = finished && result_.violation.empty();
  const std::chrono::duration<double> taken =
      std::chrono::steady_clock::now() - start_;
  result_.seconds = taken.count();
  return std::move(result_);
}

}  // namespace netpoll::model
