// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/engine/cycle_graph.h"

#include <algorithm>

namespace netpoll::model {
namespace {

class Maker {
 public:
  Maker(Tabulator& tables, int width, const SearchLimits& limits,
        CycleGraph& graph)
      : tables_(tables), limits_(limits), graph_(graph), walk_(tables, width) {}

  bool Run() {
    walk_.Add(walk_.stepper().Initial().data());
    graph_.parent.push_back(0);
    graph_.by.emplace_back();
    const bool complete = walk_.Run(*this);
    graph_.first_edge.push_back(graph_.edges.size());
    return complete;
  }

  bool Enter(std::uint32_t number) {
    graph_.first_edge.push_back(graph_.edges.size());
    graph_.states.push_back(
        CycleStateOf(walk_.stepper(), tables_, walk_.states().At(number)));
    if (limits_.progress && number % 65536 == 0) {
      limits_.progress(walk_.states().size(), 0,
                       walk_.states().size() - number);
    }
    return walk_.states().size() <= limits_.states;
  }

  bool Step(std::uint32_t from, Choice choice) {
    stimulus_ =
        walk_.stepper().Optional(walk_.states().At(from), choice.thread);
    ends_ = walk_.stepper().passed();
    return true;
  }

  bool Come(std::uint32_t from, Choice choice, std::uint32_t to, bool added) {
    if (added) {
      graph_.parent.push_back(from);
      graph_.by.push_back(choice);
    }
    graph_.edges.push_back({to, {choice, stimulus_, ends_}});
    return true;
  }

  void Leave(std::uint32_t, Outlook) {}

 private:
  Tabulator& tables_;
  const SearchLimits& limits_;
  CycleGraph& graph_;
  Walk walk_;
  bool stimulus_ = false;
  bool ends_ = false;
};

// Finds components in one pass, without recursion.
class Tarjan {
 public:
  Tarjan(const CycleGraph& graph, const CycleGraph::Part& part)
      : graph_(graph), part_(part), index_(graph.size(), 0), low_(index_) {
    found_.of.assign(graph.size(), CycleGraph::kNone);
  }

  CycleGraph::Components Run() {
    for (std::uint32_t state = 0; state < graph_.size(); ++state) {
      if (index_[state] == 0 && part_.Has(graph_, state)) Visit(state);
    }
    return std::move(found_);
  }

 private:
  struct Frame {
    std::uint32_t state;
    std::uint64_t edge;
  };

  void Enter(std::uint32_t state) {
    index_[state] = low_[state] = ++count_;
    open_.push_back(state);
    frames_.push_back({state, graph_.first_edge[state]});
  }

  void Visit(std::uint32_t root) {
    Enter(root);
    while (!frames_.empty()) {
      Frame& frame = frames_.back();
      const std::uint32_t state = frame.state;
      if (frame.edge == graph_.first_edge[state + 1]) {
        frames_.pop_back();
        if (low_[state] == index_[state]) Close(state);
        if (!frames_.empty()) {
          std::uint32_t& above = low_[frames_.back().state];
          above = std::min(above, low_[state]);
        }
        continue;
      }
      const CycleGraph::Edge& edge = graph_.edges[frame.edge++];
      if (!part_.Has(edge.step) || !part_.Has(graph_, edge.to)) continue;
      if (index_[edge.to] == 0) {
        Enter(edge.to);
      } else if (found_.of[edge.to] == CycleGraph::kNone) {
        low_[state] = std::min(low_[state], index_[edge.to]);
      }
      if (edge.to == state) self_.push_back(state);
    }
  }

  void Close(std::uint32_t root) {
    const auto number = static_cast<std::uint32_t>(found_.sizes.size());
    std::uint32_t size = 0;
    bool loops = false;
    for (std::uint32_t state = CycleGraph::kNone; state != root; ++size) {
      state = open_.back();
      open_.pop_back();
      found_.of[state] = number;
    }
    while (!self_.empty() && found_.of[self_.back()] == number) {
      loops = true;
      self_.pop_back();
    }
    found_.sizes.push_back(size);
    found_.cyclic.push_back(size > 1 || loops ? 1 : 0);
  }

  const CycleGraph& graph_;
  const CycleGraph::Part& part_;
  std::vector<std::uint32_t> index_;
  std::vector<std::uint32_t> low_;
  std::vector<std::uint32_t> open_;
  std::vector<std::uint32_t> self_;  // Open states with an edge to themselves.
  std::vector<Frame> frames_;
  std::uint32_t count_ = 0;
  CycleGraph::Components found_;
};

}  // namespace

CycleState CycleStateOf(Stepper& stepper, Tabulator& tables,
                        const Value* state) {
  CycleState result;
  if (stepper.Stopped(state)) return result;
  const View view(tables, state);
  for (int thread = 0; thread < stepper.threads(); ++thread) {
    const auto bit = static_cast<ThreadMask>(1 << thread);
    const Access& next = view.Next(thread);
    if (next.optional || !stepper.Enabled(state, thread)) continue;
    result.must |= bit;
    if (next.op == Op::kAcquire) result.locks |= bit;
  }
  World& world = tables.world();
  for (int law = 0; world.Passing(law) != nullptr; ++law) {
    if (world.Lasts(view, law)) {
      result.lasts |= static_cast<std::uint16_t>(1 << law);
    }
  }
  return result;
}

CycleGraph::Components CycleGraph::ComponentsOf(const Part& part) const {
  return Tarjan(*this, part).Run();
}

bool MakeCycleGraph(Tabulator& tables, int width, const SearchLimits& limits,
                    CycleGraph* graph) {
  *graph = {};
  return Maker(tables, width, limits, *graph).Run();
}

}  // namespace netpoll::model
