// SPDX-License-Identifier: Apache-2.0
//
// The plain search: from each partial graph every thread's next access in every
// way that there is, each partial graph once.

#include <string>
#include <unordered_set>
#include <vector>

#include "netpoll/model/weak/tally.h"

namespace netpoll::model {
namespace {

class Oracle {
 public:
  Oracle(Grower& grower, Tally& tally) : grower_(grower), tally_(tally) {}

  void Visit(const EventGraph& graph) {
    if (tally_.over() || !seen_.insert(Digest(graph)).second) return;
    tally_.Look();
    if (graph.stopped != 0) return;
    if (tally_.judge().Rests(graph)) tally_.Rest(graph);
    for (int thread = 0; thread < grower_.tables().thread_count(); ++thread) {
      const Access access = grower_.Next(graph, thread);
      if (access.op == Op::kEnd) continue;
      if (Grower::IsBranch(access)) {
        Branch(graph, thread, access);
      } else {
        Extend(graph, thread, access);
      }
    }
  }

 private:
  void Branch(const EventGraph& graph, int thread, const Access& access) {
    const int branches =
        access.op == Op::kChoose ? static_cast<int>(access.number) : 1;
    for (int branch = 0; branch < branches; ++branch) {
      EventGraph next = graph;
      const int event = grower_.AppendBranch(next, thread, branch);
      if (tally_.Accepts(next, event)) Visit(next);
    }
  }

  void Extend(const EventGraph& graph, int thread, const Access& access) {
    const int slot = access.object->slot;
    GraphEvent event;
    grower_.Describe(graph, thread, GraphEvent::kInitial, &event);
    grower_.Relate(graph, event);
    std::vector<int> sources =
        grower_.WritesFrom(graph, slot, grower_.Floor(graph, event));
    // A plain field has one write to read from, or there is a race.
    if (event.plain) sources = {graph.slot(slot).last};
    if (!event.reads) return Write(graph, event, sources);
    for (const int source : sources) {
      if (!grower_.Describe(graph, thread, source, &event)) continue;
      if (event.writes) {
        Write(graph, event, {source});
      } else {
        Add(graph, event, GraphEvent::kNone);
      }
    }
  }

  void Write(const EventGraph& graph, const GraphEvent& event,
             const std::vector<int>& places) {
    for (const int place : places) {
      if (Grower::MayReplace(graph, event, place)) Add(graph, event, place);
    }
  }

  void Add(const EventGraph& graph, const GraphEvent& event, int replaces) {
    EventGraph next = graph;
    const int number = grower_.Append(next, event);
    if (event.writes) next.PlaceWrite(number, replaces);
    if (!grower_.Fits(next, number)) return;
    grower_.Advance(next, number);
    if (tally_.Accepts(next, number)) Visit(next);
  }

  Grower& grower_;
  Tally& tally_;
  std::unordered_set<std::string> seen_;
};

}  // namespace

WeakResult ExploreAllGraphs(Tabulator& tables, MemoryModel model,
                            const WeakLimits& limits) {
  Grower grower(tables, model);
  return Searched(grower, limits, [&](Tally& tally) {
    Oracle(grower, tally).Visit(grower.Empty());
  });
}

}  // namespace netpoll::model
