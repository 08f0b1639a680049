// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/report/run_graph.h"

#include <algorithm>

namespace netpoll::model {

// In topological order, if there is one.
void RunGraph::Count(int depth, RunCount* count) {
  const std::size_t states = ends.size();
  count->states = states;
  count->transitions = edges.size();
  std::vector<std::uint32_t> before(states, 0);
  for (const std::uint32_t to : edges) ++before[to];
  std::vector<std::uint32_t> ready;
  for (std::uint32_t at = 0; at < states; ++at) {
    if (before[at] == 0) ready.push_back(at);
  }
  std::vector<int> longest(states, depth);
  std::size_t done = 0;
  while (!ready.empty()) {
    const std::uint32_t at = ready.back();
    ready.pop_back();
    ++done;
    if (ends[at]) {
      count->interleavings.Add(runs[at]);
      count->longest = std::max(count->longest, longest[at]);
    }
    for (std::size_t e = first_edge[at]; e < first_edge[at + 1]; ++e) {
      const std::uint32_t to = edges[e];
      runs[to].Add(runs[at]);
      longest[to] = std::max(longest[to], longest[at] + 1);
      if (--before[to] == 0) ready.push_back(to);
    }
  }
  count->acyclic = done == states;
}

}  // namespace netpoll::model
