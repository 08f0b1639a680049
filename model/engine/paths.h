// SPDX-License-Identifier: Apache-2.0
//
// What a graph of states stands for: how many schedules, and the longest one.
// Also whether it has a cycle: without one, every run ends, whatever the
// scheduler does.

#ifndef NETPOLL_MODEL_ENGINE_PATHS_H_
#define NETPOLL_MODEL_ENGINE_PATHS_H_

#include <cstdint>
#include <string>

#include "netpoll/model/engine/tabulate.h"

namespace netpoll_model {

struct PathCount {
  bool counted = false;  // False: too many states, or they do not fit.
  bool acyclic = false;
  std::uint64_t on_cycles = 0;  // States on, or behind, a cycle.
  int longest = 0;
  std::string schedules;  // Exact, of runs that go as far as they can.
};

PathCount CountPaths(Tabulator& tables, std::uint64_t most_states = 400'000);

}  // namespace netpoll_model

#endif  // NETPOLL_MODEL_ENGINE_PATHS_H_
