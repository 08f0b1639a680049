// SPDX-License-Identifier: Apache-2.0
//
// What runs without end do: the cycles of the explored graph. Where threads
// loop for ever and nothing counts up, the graph is finite and stands for runs
// of any length; what must happen at last is a law of its cycles.
//
// Only fair runs count: each thread that can go on, does. A cycle is fair if
// each thread takes a step in it, or is somewhere in it blocked, ended, or
// before a step that may never come (weak fairness). Locks are fair: who waits
// for one that is given up again and again gets it.
//
//   L9   A fair cycle without a stimulus: threads go round though nothing
//   comes. L10  A cycle, fair or not, in which nobody comes to an end of what
//   it does
//        (Thread::Mark): operations that only hinder each other.
//   what the world says (Observer::Passing) lasts through a fair cycle.
//
// A violation is a lasso: a way into the cycle, and once round it.

#ifndef NETPOLL_MODEL_ENGINE_FAIR_CYCLES_H_
#define NETPOLL_MODEL_ENGINE_FAIR_CYCLES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "netpoll/model/engine/search_result.h"

namespace netpoll::model {

struct CycleResult {
  bool complete = false;  // False: more states than wanted.
  std::uint64_t states = 0;
  std::uint64_t transitions = 0;
  // Strongly connected components; those with a cycle, and the states in them.
  std::uint64_t components = 0;
  std::uint64_t cyclic = 0;
  std::uint64_t in_cycles = 0;
  std::vector<std::string> laws;  // That were asked.

  std::string violation;
  std::vector<Choice> schedule;
  int cycle = -1;  // Where in the schedule the cycle begins.
};

// `tables` has been searched to the end and broke no law.
CycleResult FindFairCycles(Tabulator& tables, const SearchLimits& limits = {});

// The law that is broken by going round for ever: from `state`, by `cycle`.
// Empty: none; or why it is no cycle.
std::string BrokenByCycle(Tabulator& tables, const std::vector<Value>& state,
                          const std::vector<Choice>& cycle);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_ENGINE_FAIR_CYCLES_H_
