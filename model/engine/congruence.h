// SPDX-License-Identifier: Apache-2.0
//
// Are the tables true? A local state stands for every history that led to it,
// and only one of them was run. Two tests run the others:
//   edges   every way into every local state, and from there every answer;
//   walks   random schedules from the start: whole histories, every access.
// A thread that keeps something back from its declarations (Thread::Mark), or
// reads a clock, an address or a global, differs somewhere.

#ifndef NETPOLL_MODEL_ENGINE_CONGRUENCE_H_
#define NETPOLL_MODEL_ENGINE_CONGRUENCE_H_

#include <cstdint>
#include <string>

#include "netpoll/model/engine/explore.h"

namespace netpoll::model {

struct CongruenceResult {
  std::uint64_t edges = 0;
  std::uint64_t walks = 0;
  std::uint64_t accesses = 0;  // Compared on walks.
  std::uint64_t differences = 0;
  std::string first;  // Of the differences.
};

// After a complete Run.
CongruenceResult CheckCongruence(Exploration& exploration, int walks,
                                 std::uint64_t seed);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_ENGINE_CONGRUENCE_H_
