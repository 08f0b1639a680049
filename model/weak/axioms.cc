// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/weak/axioms.h"

#include <array>

namespace netpoll::model {
namespace {

using Predecessors = std::array<EventSet, EventSet::kMost>;

// Depth first against the edges; `order` gets the events, first ones first.
class Sorter {
 public:
  Sorter(const EventSet& events, const Predecessors& before,
         std::vector<int>* order)
      : events_(events), before_(before), order_(order) {}

  bool Sort() {
    bool sorted = true;
    events_.Each([&](int event) {
      if (sorted && !done_.Has(event)) sorted = Visit(event);
    });
    return sorted;
  }

 private:
  bool Visit(int event) {
    active_.Add(event);
    const EventSet before = before_[event] & events_;
    if (!(before & active_).empty()) return false;
    bool sorted = true;
    before.Without(done_).Each([&](int other) {
      if (!sorted || done_.Has(other)) return;
      sorted = !active_.Has(other) && Visit(other);
    });
    active_.Remove(event);
    done_.Add(event);
    if (order_ != nullptr) order_->push_back(event);
    return sorted;
  }

  const EventSet& events_;
  const Predecessors& before_;
  std::vector<int>* order_;
  EventSet active_;
  EventSet done_;
};

// Modification order and from-reads, each by its nearest edges.
void AddCommunication(const EventGraph& graph, Predecessors& before) {
  graph.alive().Each([&](int number) {
    const GraphEvent& event = graph[number];
    if (event.slot < 0) return;
    if (event.placed && event.replaces >= 0) before[number].Add(event.replaces);
    if (!event.reads || event.kind != GraphEvent::Kind::kAccess) return;
    const int next = graph.ReplacedBy(event.slot, event.reads_from);
    if (next != GraphEvent::kNone && next != number) before[next].Add(number);
  });
}

void BeginWith(const EventGraph& graph, Predecessors& before) {
  graph.alive().Each([&](int event) { before[event] = EventSet(); });
}

}  // namespace

bool OneOrder(const EventGraph& graph, std::vector<int>* order) {
  thread_local Predecessors before;
  BeginWith(graph, before);
  AddCommunication(graph, before);
  graph.alive().Each([&](int number) {
    const GraphEvent& event = graph[number];
    if (event.before >= 0) before[number].Add(event.before);
    if (event.reads && event.reads_from >= 0) {
      before[number].Add(event.reads_from);
    }
  });
  return Sorter(graph.alive(), before, order).Sort();
}

bool IsSequentiallyConsistent(const EventGraph& graph) {
  return OneOrder(graph, nullptr);
}

bool IsTotalStoreOrder(const EventGraph& graph) {
  thread_local Predecessors before;
  BeginWith(graph, before);
  AddCommunication(graph, before);
  graph.alive().Each([&](int number) {
    const GraphEvent& event = graph[number];
    if (event.reads && event.reads_from >= 0 &&
        graph[event.reads_from].thread != event.thread) {
      before[number].Add(event.reads_from);
    }
    // Back to what it cannot overtake: everything if it writes, else loads, and
    // all up to what drained the buffer.
    for (int at = event.before; at >= 0; at = graph[at].before) {
      const GraphEvent& other = graph[at];
      const bool drains =
          other.read_modify_write() || (other.writes && other.seq_cst);
      if (event.writes || !other.writes || drains) before[number].Add(at);
      if (drains) break;
    }
  });
  return Sorter(graph.alive(), before, nullptr).Sort();
}

namespace {

bool IsMemory(const GraphEvent& event) {
  return event.slot >= 0 && event.kind == GraphEvent::Kind::kAccess;
}

// [po-other-location; hb; po-other-location] into `event`.
EventSet ByOtherLocations(const EventGraph& graph, const GraphEvent& event) {
  EventSet result;
  int y = event.before;
  while (y >= 0 && (!IsMemory(graph[y]) || graph[y].slot == event.slot)) {
    y = graph[y].before;
  }
  if (y < 0) return result;
  const EventSet& past = graph[y].past;
  for (const EventGraph::Place& place : graph.threads) {
    // The last one in the past; others before it, and what is before them.
    int x = place.last;
    while (x >= 0 && !(past.Has(x) && IsMemory(graph[x]))) x = graph[x].before;
    if (x < 0) continue;
    bool other_location = false;  // Somewhere between.
    int slot = graph[x].slot;
    for (int a = graph[x].before; a >= 0; a = graph[a].before) {
      if (!IsMemory(graph[a])) continue;
      if (other_location || graph[a].slot != slot) {
        other_location |= graph[a].slot != slot;
        result.Add(a);
      }
    }
  }
  return result;
}

}  // namespace

bool SeqCstIsPartialOrder(const EventGraph& graph) {
  EventSet seq_cst;
  graph.alive().Each([&](int number) {
    if (graph[number].seq_cst && IsMemory(graph[number])) seq_cst.Add(number);
  });
  thread_local Predecessors before;
  BeginWith(graph, before);
  seq_cst.Each([&](int number) {
    const GraphEvent& event = graph[number];
    for (int at = event.before; at >= 0; at = graph[at].before) {
      before[number].Add(at);
    }
    before[number] |= event.past & graph.slot(event.slot).events;
    before[number] |= ByOtherLocations(graph, event);
    // Modification order into it, and from it to what it does not see.
    if (event.placed) {
      for (int at = event.replaces; at >= 0; at = graph[at].replaces) {
        before[number].Add(at);
      }
    }
    if (!event.reads) return;
    for (int at = graph.ReplacedBy(event.slot, event.reads_from);
         at != GraphEvent::kNone; at = graph[at].replaced_by) {
      if (at != number) before[at].Add(number);
    }
  });
  return Sorter(seq_cst, before, nullptr).Sort();
}

}  // namespace netpoll::model
