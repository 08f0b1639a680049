// SPDX-License-Identifier: Apache-2.0
//
// The runs through an explored graph, counted.

#ifndef NETPOLL_MODEL_REPORT_RUN_GRAPH_H_
#define NETPOLL_MODEL_REPORT_RUN_GRAPH_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "netpoll/model/report/survey.h"

namespace netpoll_model {

// Stirs `value` into a digest.
constexpr std::uint64_t Mix(std::uint64_t digest, std::uint64_t value) {
  digest = (digest ^ value) * 0xff51afd7ed558ccdu;
  return digest ^ (digest >> 32);
}

// States by number, in the order in which they were expanded.
struct RunGraph {
  std::vector<std::uint32_t> edges;     // Where each step leads.
  std::vector<std::size_t> first_edge;  // Of each state, and an end.
  std::vector<bool> ends;               // Nothing more must happen there.
  std::vector<BigCount> runs;           // How many begin there.

  // Fills in of `survey` what follows from the graph: the sizes, whether it is
  // acyclic and, if so, the interleavings and the longest run, which has made
  // `depth` steps when it begins. Afterwards `runs` counts those that pass.
  void Count(int depth, Survey* survey);
};

}  // namespace netpoll_model

#endif  // NETPOLL_MODEL_REPORT_RUN_GRAPH_H_
