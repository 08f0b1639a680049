// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/engine/fair_cycles.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "netpoll/model/engine/cycle_graph.h"
#include "netpoll/model/engine/walk.h"

namespace netpoll::model {
namespace {

constexpr char kGoesRound[] =
    "L9: threads go round for ever though nothing comes";
constexpr char kNobodyEnds[] =
    "L10: threads go round for ever and nobody ends what it does";

// A law of cycles: those that are in a part of the graph break it.
struct CycleLaw {
  const char* text;
  bool fair = true;  // Only fair ones.
  CycleGraph::Part part = {};
};

std::vector<CycleLaw> LawsOf(World& world) {
  std::vector<CycleLaw> laws;
  laws.push_back({kNobodyEnds, false, {.no_ends = true}});
  laws.push_back({kGoesRound, true, {.no_stimulus = true}});
  for (int law = 0; const char* const text = world.Passing(law); ++law) {
    laws.push_back(
        {text, true, {.lasts = static_cast<std::uint16_t>(1 << law)}});
  }
  return laws;
}

// Looks for a component that breaks a law, and goes once round in it.
class Finder {
 public:
  Finder(const CycleGraph& graph, CycleLaw law) : graph_(graph), law_(law) {}

  bool Run(CycleResult* result) {
    while (!Search()) {
      if (!left_out_) return false;
    }
    for (std::uint32_t at = first_; at != 0; at = graph_.parent[at]) {
      result->schedule.push_back(graph_.by[at]);
    }
    std::reverse(result->schedule.begin(), result->schedule.end());
    result->cycle = static_cast<int>(result->schedule.size());
    GoRound(&result->schedule);
    result->violation = law_.text;
    return true;
  }

 private:
  // True: the component of `first_` breaks the law. `left_out_`: the part has
  // become smaller, so look again.
  bool Search() {
    components_ = graph_.ComponentsOf(law_.part);
    std::vector<CycleSum> sums(components_.sizes.size());
    EachInside([&](std::uint32_t state, std::uint32_t component) {
      sums[component].Add(graph_.states[state]);
      EachEdge(state, [&](const CycleGraph::Edge& edge) {
        sums[component].Add(edge.step);
        return true;
      });
    });
    left_out_ = false;
    first_ = CycleGraph::kNone;
    EachInside([&](std::uint32_t state, std::uint32_t component) {
      const CycleSum& sum = sums[component];
      if (law_.fair && sum.starved() != 0) return;
      if (law_.fair && sum.kept_from_lock() != 0) {
        LeaveOut(state, sum.kept_from_lock());
      } else if (first_ == CycleGraph::kNone) {
        first_ = state;
        sum_ = sum;
      }
    });
    return first_ != CycleGraph::kNone;
  }

  // A fair run does not stay where this thread could have the lock: cycles
  // must do without such states.
  void LeaveOut(std::uint32_t state, ThreadMask kept) {
    if ((graph_.states[state].locks & kept) == 0) return;
    law_.part.left_out.resize(graph_.size(), 0);
    law_.part.left_out[state] = 1;
    left_out_ = true;
  }

  template <class Function>
  void EachInside(Function function) const {
    for (std::uint32_t state = 0; state < graph_.size(); ++state) {
      const std::uint32_t component = components_.of[state];
      if (component == CycleGraph::kNone || !components_.cyclic[component]) {
        continue;
      }
      function(state, component);
    }
  }
  // Edges that stay in the component, until `function` has enough.
  template <class Function>
  bool EachEdge(std::uint32_t state, Function function) const {
    for (auto at = graph_.first_edge[state]; at < graph_.first_edge[state + 1];
         ++at) {
      const CycleGraph::Edge& edge = graph_.edges[at];
      if (!law_.part.Has(edge.step) ||
          components_.of[edge.to] != components_.of[state]) {
        continue;
      }
      if (!function(edge)) return false;
    }
    return true;
  }

  // Once round, so that each thread is treated fairly.
  void GoRound(std::vector<Choice>* schedule) {
    std::uint32_t at = first_;
    CycleSum done;
    done.Add(graph_.states[at]);
    if (law_.fair) {
      for (;;) {
        const ThreadMask wanted = done.starved() | done.kept_from_lock();
        if (wanted == 0) break;
        at = Go(at, schedule, &done, [&](const CycleGraph::Edge& edge) {
          const auto bit =
              static_cast<ThreadMask>(1 << edge.step.choice.thread);
          const ThreadMask rests =
              done.starved() & ~graph_.states[edge.to].must;
          return ((wanted & bit) | rests) != 0;
        });
      }
    }
    if (at == first_ && done.moved() != 0) return;
    Go(at, schedule, &done,
       [&](const CycleGraph::Edge& edge) { return edge.to == first_; });
  }

  // The shortest way whose last edge is wanted; where it leads.
  template <class Wanted>
  std::uint32_t Go(std::uint32_t from, std::vector<Choice>* schedule,
                   CycleSum* done, Wanted wanted) const {
    struct Seen {
      std::uint32_t state;
      std::size_t before;
      CycleGraph::Edge edge;
    };
    std::vector<Seen> seen{{from, 0, {}}};
    std::vector<char> known(graph_.size(), 0);
    known[from] = 1;
    std::size_t last = 0;
    for (std::size_t at = 0; last == 0 && at < seen.size(); ++at) {
      EachEdge(seen[at].state, [&](const CycleGraph::Edge& edge) {
        const bool found = wanted(edge);
        if (!found && known[edge.to] != 0) return true;
        known[edge.to] = 1;
        seen.push_back({edge.to, at, edge});
        if (found) last = seen.size() - 1;
        return !found;
      });
    }
    std::vector<Choice> way;
    for (std::size_t at = last; at != 0; at = seen[at].before) {
      way.push_back(seen[at].edge.step.choice);
      done->Add(seen[at].edge.step);
      done->Add(graph_.states[seen[at].state]);
    }
    schedule->insert(schedule->end(), way.rbegin(), way.rend());
    return seen[last].state;
  }

  const CycleGraph& graph_;
  CycleLaw law_;
  CycleGraph::Components components_;
  bool left_out_ = false;
  std::uint32_t first_ = CycleGraph::kNone;
  CycleSum sum_;
};

void CountComponents(const CycleGraph& graph, CycleResult* result) {
  const CycleGraph::Components all = graph.ComponentsOf({});
  result->states = graph.size();
  result->transitions = graph.edges.size();
  result->components = all.sizes.size();
  for (std::size_t i = 0; i < all.sizes.size(); ++i) {
    if (all.cyclic[i] == 0) continue;
    ++result->cyclic;
    result->in_cycles += all.sizes[i];
  }
}

}  // namespace

CycleResult FindFairCycles(Tabulator& tables, const SearchLimits& limits) {
  CycleResult result;
  if (tables.thread_count() > kMostThreads) return result;
  CycleGraph graph;
  result.complete = WithRoom(tables, [&](int width) {
    return MakeCycleGraph(tables, width, limits, &graph);
  });
  if (!result.complete) return result;
  CountComponents(graph, &result);
  for (CycleLaw& law : LawsOf(tables.world())) {
    result.laws.push_back(law.text);
    if (Finder(graph, std::move(law)).Run(&result)) break;
  }
  return result;
}

std::string BrokenByCycle(Tabulator& tables, const std::vector<Value>& state,
                          const std::vector<Choice>& cycle) {
  Stepper stepper(tables, static_cast<int>(state.size()));
  std::vector<Value> at = state;
  std::vector<Value> next = state;
  CycleSum sum;
  for (const Choice choice : cycle) {
    sum.Add(CycleStateOf(stepper, tables, at.data()));
    const bool stimulus = stepper.Optional(at.data(), choice.thread);
    if (!stepper.Take(at.data(), choice.thread, choice.branch, next.data())) {
      return "";
    }
    sum.Add(CycleStep{choice, stimulus, stepper.passed()});
    at = next;
  }
  if (cycle.empty() || at != state) return "";
  for (const CycleLaw& law : LawsOf(tables.world())) {
    if (law.fair && !sum.fair()) continue;
    if (law.part.no_ends && sum.ends()) continue;
    if (law.part.no_stimulus && sum.stimulus()) continue;
    if ((sum.lasts() & law.part.lasts) != law.part.lasts) continue;
    return law.text;
  }
  return "";
}

}  // namespace netpoll::model
