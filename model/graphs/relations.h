// SPDX-License-Identifier: Apache-2.0
//
// What the memory models say of one finished execution graph, read straight
// from their definitions: relations between events, and which of them must have
// no cycle. The search (model/weak) does the same step by step and fast; this
// is the second opinion on its counterexamples, and what says why a graph is
// allowed and what would forbid it.

#ifndef NETPOLL_MODEL_GRAPHS_RELATIONS_H_
#define NETPOLL_MODEL_GRAPHS_RELATIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "netpoll/model/engine/tabulate.h"
#include "netpoll/model/weak/weak_search.h"

namespace netpoll::model {

// Pairs of a graph's events.
class Relation {
 public:
  explicit Relation(int events)
      : events_(events), pairs_(static_cast<std::size_t>(events) * events) {}

  int events() const { return events_; }
  bool Has(int a, int b) const { return pairs_[At(a, b)] != 0; }
  void Add(int a, int b) { pairs_[At(a, b)] = 1; }

  Relation& operator|=(const Relation& other);
  friend Relation operator|(Relation a, const Relation& b) { return a |= b; }
  // Pairs (a, c) with some b between.
  Relation Then(const Relation& next) const;
  // With everything that follows by going on.
  Relation Closed() const;
  bool HasCycle() const;
  // A shortest one, from an event round to the last before it; empty: none.
  std::vector<int> ShortestCycle() const;
  // A shortest way, with both ends; empty: none.
  std::vector<int> ShortestWay(int from, int to) const;

 private:
  std::size_t At(int a, int b) const {
    return static_cast<std::size_t>(a) * events_ + b;
  }
  int events_;
  std::vector<char> pairs_;
};

// The order of one access, as the models see it.
struct EventOrder {
  bool plain = false;  // Not atomic.
  bool acquire = false;
  bool release = false;
  bool seq_cst = false;
};

class GraphRelations {
 public:
  // Under SC and TSO every atomic access is an acquire and a release.
  GraphRelations(const Tabulator& tables, const WeakGraph& graph,
                 MemoryModel model);

  // As if one event were seq_cst.
  void Strengthen(int event);

  bool Allows(MemoryModel model) const;

  const EventOrder& order(int event) const { return orders_[event]; }
  const Relation& program() const { return program_; }
  const Relation& reads_from() const { return reads_from_; }
  const Relation& modification() const { return modification_; }
  // A read, and each write that is later than the one that it took.
  const Relation& reads_before() const { return reads_before_; }
  Relation Synchronizes() const;
  Relation HappensBefore() const;
  // Two accesses of one plain field, of different threads, one of them a
  // write, neither before the other; `a` is -1: there are none.
  struct Race {
    int a = -1;
    int b = -1;
  };
  Race FindRace() const;

 private:
  bool SamePlace(int a, int b) const;
  Relation Communication() const {
    return reads_from_ | modification_ | reads_before_;
  }
  bool AtomicityHolds() const;
  bool AllowsTso() const;
  bool AllowsRc11() const;

  const WeakGraph* graph_;
  std::vector<EventOrder> orders_;
  std::vector<char> drains_;  // On x86: empties the store buffer.
  Relation program_;
  Relation reads_from_;
  Relation modification_;
  Relation reads_before_;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_GRAPHS_RELATIONS_H_
