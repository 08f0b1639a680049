// SPDX-License-Identifier: Apache-2.0
//
// The runs through an explored graph, counted.

#ifndef NETPOLL_MODEL_REPORT_RUN_GRAPH_H_
#define NETPOLL_MODEL_REPORT_RUN_GRAPH_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "netpoll/model/report/big_count.h"

namespace netpoll::model {

// Stirs `value` into a digest.
constexpr std::uint64_t Mix(std::uint64_t digest, std::uint64_t value) {
  digest = (digest ^ value) * 0xff51afd7ed558ccdu;
  return digest ^ (digest >> 32);
}

struct RunCount {
  std::uint64_t states = 0;
  std::uint64_t transitions = 0;
  bool acyclic = false;
  // If acyclic: runs from the start to a state in which nothing more must
  // happen, and the steps of the longest.
  BigCount interleavings;
  int longest = 0;
};

// States by number, in the order in which they were expanded.
struct RunGraph {
  std::vector<std::uint32_t> edges;     // Where each step leads.
  std::vector<std::size_t> first_edge;  // Of each state, and an end.
  std::vector<bool> ends;               // Nothing more must happen there.
  std::vector<BigCount> runs;           // How many begin there.

  // Adds the runs to `count`, in which some may be already; each has made
  // `depth` steps when it begins. Afterwards `runs` says how many pass.
  void Count(int depth, RunCount* count);
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_REPORT_RUN_GRAPH_H_
