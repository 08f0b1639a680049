// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/weak/tally.h"

#include <cstring>
#include <utility>

namespace netpoll::model {

namespace {

// 128 bits of a text.
std::pair<std::uint64_t, std::uint64_t> Print(const std::string& text) {
  std::uint64_t a = 0x9e3779b97f4a7c15;
  std::uint64_t b = 0xc2b2ae3d27d4eb4f;
  const auto add = [&](std::uint64_t word) {
    a = (a ^ word) * 0xff51afd7ed558ccd;
    a ^= a >> 32;
    b = (b + word) * 0xc4ceb9fe1a85ec53;
    b ^= b >> 29;
  };
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, 8);
    add(word);
  }
  std::uint64_t rest = text.size() - at;
  for (; at < text.size(); ++at) {
    rest = rest << 8 | static_cast<unsigned char>(text[at]);
  }
  add(rest);
  add(b);
  return {a, b};
}

}  // namespace

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
  const std::string digest = Digest(graph);
  if (limits_.at_rest != nullptr) limits_.at_rest->insert(digest);
  if (!seen_.insert(Print(digest)).second) {
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
