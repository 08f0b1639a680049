// SPDX-License-Identifier: Apache-2.0
//
// Explores a configuration under a memory model, and says what was found.

#ifndef NETPOLL_MODEL_GRAPHS_CHECK_GRAPHS_H_
#define NETPOLL_MODEL_GRAPHS_CHECK_GRAPHS_H_

#include <string>

#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/graphs/graph_story.h"
#include "netpoll/model/weak/weak_search.h"

namespace netpoll::model {

struct GraphVerdict {
  std::string scenario;
  WeakResult result;
  GraphStory story;     // If a law was broken.
  std::string doubt;    // The second opinion on it differs: how.
  std::string cut_off;  // Why the search did not come to its end.
  double seconds = 0;

  bool ok() const {
    return result.violation.empty() && cut_off.empty() && doubt.empty();
  }
};

// A counterexample is built again from its string, and judged again by the
// definitions of the model.
GraphVerdict CheckGraphs(const std::string& variant, const Scenario& scenario,
                         MemoryModel model, const WeakLimits& limits);

// The head of a table of verdicts, and a line.
std::string GraphHead();
std::string GraphLine(const GraphVerdict& verdict);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_GRAPHS_CHECK_GRAPHS_H_
