// SPDX-License-Identifier: Apache-2.0
//
// The search by several workers. They share nothing: each has its own tables,
// and leaves out what is dealt to the others.

#include <algorithm>
#include <cstddef>
#include <thread>
#include <utility>
#include <vector>

#include "netpoll/model/engine/explore.h"
#include "netpoll/model/weak/weak_search.h"

namespace netpoll::model {
namespace {

void Join(WeakResult& all, WeakResult part) {
  all.complete = all.complete && part.complete;
  all.complete_graphs += part.complete_graphs;
  all.blocked_graphs += part.blocked_graphs;
  all.wasted_graphs += part.wasted_graphs;
  all.explored += part.explored;
  all.distinct += part.distinct;
  all.seconds = std::max(all.seconds, part.seconds);
  if (all.cut_off.empty()) all.cut_off = part.cut_off;
  if (part.violation.empty()) return;
  if (all.violation.empty() ||
      part.graph.events.size() < all.graph.events.size()) {
    all.violation = std::move(part.violation);
    all.graph = std::move(part.graph);
    all.failed = part.failed;
  }
}

}  // namespace

WeakResult ExploreGraphsOf(const Scenario& scenario, MemoryModel model,
                           const WeakLimits& limits, int workers) {
  std::vector<WeakResult> parts(static_cast<std::size_t>(workers));
  const auto work = [&](int part) {
    WeakLimits own = limits;
    own.part = part;
    own.parts = workers;
    Exploration exploration(scenario);
    exploration.WithTables([&](Tabulator& tables) {
      parts[part] = ExploreGraphs(tables, model, own);
    });
  };
  std::vector<std::thread> others;
  for (int part = 1; part < workers; ++part) others.emplace_back(work, part);
  work(0);
  for (std::thread& other : others) other.join();
  WeakResult all = std::move(parts[0]);
  for (std::size_t part = 1; part < parts.size(); ++part) {
    Join(all, std::move(parts[part]));
  }
  return all;
}

}  // namespace netpoll::model
