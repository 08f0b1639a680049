// SPDX-License-Identifier: Apache-2.0
//
// netpoll check --memory-model: explores configurations over execution graphs
// instead of interleavings.

#ifndef NETPOLL_TOOLS_CLI_CHECK_GRAPHS_H_
#define NETPOLL_TOOLS_CLI_CHECK_GRAPHS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/weak/weak_search.h"
#include "netpoll/tools/common/flags.h"

namespace netpoll::tools {

struct GraphCheck {
  model::MemoryModel memory = model::MemoryModel::kRc11;
  std::int64_t graphs = 1'000'000;  // Of each configuration.
  bool all = false;                 // Every counterexample, in full.
  bool json = false;
  std::string html;
};

// The exit status. A configuration that has more graphs is said to be cut off,
// which is no finding.
int CheckByGraphs(const Flags& flags, const GraphCheck& wanted,
                  const model::Variant& variant,
                  const std::vector<model::Scenario>& scenarios);

}  // namespace netpoll::tools

#endif  // NETPOLL_TOOLS_CLI_CHECK_GRAPHS_H_
