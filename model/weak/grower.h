// SPDX-License-Identifier: Apache-2.0
//
// How graphs grow by the accesses that the tables say come next, and what a
// memory model allows of it.

#ifndef NETPOLL_MODEL_WEAK_GROWER_H_
#define NETPOLL_MODEL_WEAK_GROWER_H_

#include <vector>

#include "netpoll/model/engine/tabulate.h"
#include "netpoll/model/weak/event_graph.h"
#include "netpoll/model/weak/weak_search.h"

namespace netpoll::model {

// A graph has more events than there is room for.
struct GraphTooLarge {};

class Grower {
 public:
  Grower(Tabulator& tables, MemoryModel model)
      : tables_(tables), model_(model) {}

  Tabulator& tables() { return tables_; }
  MemoryModel model() const { return model_; }

  EventGraph Empty() const;
  // What comes next in a thread, whether it can take place or not.
  const Access& Next(const EventGraph& graph, int thread) const {
    return tables_.access(
        tables_.node(thread, graph.threads[thread].node).access);
  }
  static bool IsBranch(const Access& access) {
    return access.op == Op::kChoose || access.op == Op::kMay;
  }
  static bool IsPlain(const Access& access) {
    return access.op == Op::kGet || access.op == Op::kSet;
  }
  static bool Reads(const Access& access) {
    return access.op != Op::kStore && access.op != Op::kSet &&
           access.op != Op::kRelease;
  }
  // Whether there are values at which it waits.
  static bool Waits(const Access& access) {
    return access.op == Op::kCall || access.op == Op::kAcquire;
  }

  // The thread's next access as an event that reads from `reads_from`. False:
  // it waits at that value.
  bool Describe(const EventGraph& graph, int thread, int reads_from,
                GraphEvent* event);
  // The same anew of an event that reads from another write now.
  bool DescribeAnew(const EventGraph& graph, int reads_from, GraphEvent* event);
  // Takes a branch, and goes on.
  int AppendBranch(EventGraph& graph, int thread, int branch);
  // Adds it to its thread; its write is not placed yet.
  int Append(EventGraph& graph, GraphEvent event) const;
  // Computes what is before it.
  void Relate(const EventGraph& graph, GraphEvent& event) const;
  // The thread goes on after its last event, or sleeps.
  void Advance(EventGraph& graph, int event);

  // The first write that coherence lets an event with this past read from, or
  // replace.
  int Floor(const EventGraph& graph, const GraphEvent& event) const;
  // From the floor on, in their order.
  std::vector<int> WritesFrom(const EventGraph& graph, int slot,
                              int floor) const;
  // Whether a write can come right after `replaces` without tearing a
  // read-modify-write apart.
  static bool MayReplace(const EventGraph& graph, const GraphEvent& event,
                         int replaces);
  // Whether an event that nothing follows fits in: a read from the last write
  // and a last write always do.
  bool Fits(const EventGraph& graph, int event) const;
  // Whether the whole graph is what the model allows, beyond coherence.
  bool Allowed(const EventGraph& graph) const;

  // The value of a write.
  static Value Written(const EventGraph& graph, int event) {
    return event == GraphEvent::kInitial ? Value{0} : graph[event].written;
  }

 private:
  void SetOrders(const Access& access, GraphEvent* event) const;

  Tabulator& tables_;
  const MemoryModel model_;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_WEAK_GROWER_H_
