// SPDX-License-Identifier: Apache-2.0
//
// How far a first search may go, and what it found.

#ifndef NETPOLL_MODEL_ENGINE_SEARCH_RESULT_H_
#define NETPOLL_MODEL_ENGINE_SEARCH_RESULT_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "netpoll/model/engine/walk.h"

namespace netpoll::model {

struct SearchLimits {
  std::uint64_t states = 200'000'000;
  // Called now and then: states, depth, queue.
  std::function<void(std::uint64_t, int, std::uint64_t)> progress;
};

struct SearchResult {
  bool complete = false;
  std::string violation;  // Empty: every law held.
  std::vector<Choice> schedule;
  int cycle = -1;  // From this step on the schedule repeats; -1: it ends.
  std::uint64_t states = 0;
  std::uint64_t transitions = 0;
  std::uint64_t at_rest = 0;
  std::uint64_t executions = 0;  // Runs of the code.
  int local_states = 0;
  int depth = 0;
  double seconds = 0;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_ENGINE_SEARCH_RESULT_H_
