// SPDX-License-Identifier: Apache-2.0
//
// The explored graph as far as its cycles matter, and its strongly connected
// components.

#ifndef NETPOLL_MODEL_ENGINE_CYCLE_GRAPH_H_
#define NETPOLL_MODEL_ENGINE_CYCLE_GRAPH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "netpoll/model/engine/search_result.h"
#include "netpoll/model/engine/stepper.h"

namespace netpoll::model {

// A bit for each thread.
using ThreadMask = std::uint16_t;
inline constexpr int kMostThreads = 16;

// What a cycle is made of, and what laws ask of it: of one step, or of a state.
struct CycleStep {
  Choice choice;
  bool stimulus = false;  // It might never have come.
  bool ends = false;      // Somebody came to an end of what it does.
};
struct CycleState {
  ThreadMask must = 0;      // Threads that can go on, and do at last.
  ThreadMask locks = 0;     // Of those, who is about to take a lock.
  std::uint16_t lasts = 0;  // By law of the world: it is so here.
};

// Sums a cycle up: adds its states and steps, in any order.
class CycleSum {
 public:
  void Add(const CycleState& state) {
    always_must_ &= state.must;
    ever_lock_ |= state.locks;
    lasts_ &= state.lasts;
  }
  void Add(const CycleStep& step) {
    moved_ |= static_cast<ThreadMask>(1 << step.choice.thread);
    stimulus_ |= step.stimulus;
    ends_ |= step.ends;
  }

  // Threads that could always go on, and never did; or could have a lock.
  ThreadMask starved() const {
    return static_cast<ThreadMask>(always_must_ & ~moved_);
  }
  ThreadMask kept_from_lock() const {
    return static_cast<ThreadMask>(ever_lock_ & ~moved_);
  }
  bool fair() const { return (starved() | kept_from_lock()) == 0; }
  ThreadMask moved() const { return moved_; }
  ThreadMask always_must() const { return always_must_; }
  bool stimulus() const { return stimulus_; }
  bool ends() const { return ends_; }
  std::uint16_t lasts() const { return lasts_; }

 private:
  ThreadMask always_must_ = 0xffff;
  ThreadMask ever_lock_ = 0;
  ThreadMask moved_ = 0;
  std::uint16_t lasts_ = 0xffff;
  bool stimulus_ = false;
  bool ends_ = false;
};

// What laws ask of a state.
CycleState CycleStateOf(Stepper& stepper, Tabulator& tables,
                        const Value* state);

class CycleGraph {
 public:
  struct Edge {
    std::uint32_t to;
    CycleStep step;
  };

  // A part of the graph: edges that are wanted, between states that are.
  struct Part {
    bool no_stimulus = false;
    bool no_ends = false;
    std::uint16_t lasts = 0;  // States in which all of these last.
    std::vector<char> left_out = {};

    bool Has(const CycleGraph& graph, std::uint32_t state) const {
      return (graph.states[state].lasts & lasts) == lasts &&
             (left_out.empty() || left_out[state] == 0);
    }
    bool Has(const CycleStep& step) const {
      return !(no_stimulus && step.stimulus) && !(no_ends && step.ends);
    }
  };

  // Components of a part, by state; kNone: it is not in it.
  static constexpr std::uint32_t kNone = UINT32_MAX;
  struct Components {
    std::vector<std::uint32_t> of;
    std::vector<std::uint32_t> sizes;
    std::vector<char> cyclic;
  };
  Components ComponentsOf(const Part& part) const;

  std::uint32_t size() const {
    return static_cast<std::uint32_t>(states.size());
  }

  std::vector<std::uint64_t> first_edge;  // By state, and the end.
  std::vector<Edge> edges;
  std::vector<CycleState> states;
  // How each state was first reached.
  std::vector<std::uint32_t> parent;
  std::vector<Choice> by;
};

// All of it, or false if it has more states than wanted.
bool MakeCycleGraph(Tabulator& tables, int width, const SearchLimits& limits,
                    CycleGraph* graph);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_ENGINE_CYCLE_GRAPH_H_
