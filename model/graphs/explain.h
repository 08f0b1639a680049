// SPDX-License-Identifier: Apache-2.0
//
// Why a graph is possible, in words: which reads came too early, or what does
// not order the two sides of a race, and which order would forbid it.

#ifndef NETPOLL_MODEL_GRAPHS_EXPLAIN_H_
#define NETPOLL_MODEL_GRAPHS_EXPLAIN_H_

#include <string>
#include <vector>

#include "netpoll/model/graphs/graph_story.h"

namespace netpoll::model {

struct Explanation {
  std::string text;
  std::vector<int> events;  // That it is about.
};

Explanation Explain(const Tabulator& tables, const WeakGraph& graph,
                    const GraphStory& story);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_GRAPHS_EXPLAIN_H_
