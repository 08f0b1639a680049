// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/graphs/relations.h"

#include <algorithm>
#include <deque>

#include "netpoll/core/access.h"

namespace netpoll::model {

Relation& Relation::operator|=(const Relation& other) {
  for (std::size_t i = 0; i < pairs_.size(); ++i) pairs_[i] |= other.pairs_[i];
  return *this;
}

Relation Relation::Then(const Relation& next) const {
  Relation both(events_);
  for (int a = 0; a < events_; ++a) {
    for (int b = 0; b < events_; ++b) {
      if (!Has(a, b)) continue;
      for (int c = 0; c < events_; ++c) {
        if (next.Has(b, c)) both.Add(a, c);
      }
    }
  }
  return both;
}

Relation Relation::Closed() const {
  Relation closed = *this;
  for (int b = 0; b < events_; ++b) {
    for (int a = 0; a < events_; ++a) {
      if (!closed.Has(a, b)) continue;
      for (int c = 0; c < events_; ++c) {
        if (closed.Has(b, c)) closed.Add(a, c);
      }
    }
  }
  return closed;
}

bool Relation::HasCycle() const {
  const Relation closed = Closed();
  for (int a = 0; a < events_; ++a) {
    if (closed.Has(a, a)) return true;
  }
  return false;
}

std::vector<int> Relation::ShortestWay(int from, int to) const {
  std::vector<int> before(events_, -1);
  std::deque<int> queue = {from};
  while (!queue.empty()) {
    const int at = queue.front();
    queue.pop_front();
    for (int next = 0; next < events_; ++next) {
      if (!Has(at, next)) continue;
      if (next == to) {
        std::vector<int> way = {to};
        for (int step = at; step != from; step = before[step]) {
          way.push_back(step);
        }
        way.push_back(from);
        std::reverse(way.begin(), way.end());
        return way;
      }
      if (before[next] >= 0 || next == from) continue;
      before[next] = at;
      queue.push_back(next);
    }
  }
  return {};
}

std::vector<int> Relation::ShortestCycle() const {
  std::vector<int> shortest;
  for (int event = 0; event < events_; ++event) {
    std::vector<int> cycle = ShortestWay(event, event);
    if (cycle.empty()) continue;
    cycle.pop_back();
    if (shortest.empty() || cycle.size() < shortest.size()) {
      shortest = std::move(cycle);
    }
  }
  return shortest;
}

namespace {

EventOrder OrderOfEvent(const Access& access, const WeakEvent& event,
                        MemoryModel model) {
  EventOrder order;
  switch (access.op) {
    case Op::kGet:
    case Op::kSet:
      order.plain = true;
      break;
    case Op::kAcquire:
    case Op::kTryAcquire:
      order.acquire = event.writes;
      break;
    case Op::kRelease:
      order.release = true;
      break;
    case Op::kCall:
      order.acquire = order.release = true;
      break;
    case Op::kLoad:
    case Op::kStore:
    case Op::kExchange:
    case Op::kAdd:
    case Op::kCas: {
      const auto written = static_cast<Order>(access.order);
      order.seq_cst = written == Order::kSeqCst;
      const bool both = model != MemoryModel::kRc11 || order.seq_cst ||
                        written == Order::kAcqRel;
      order.acquire = event.reads && (both || written == Order::kAcquire);
      order.release = event.writes && (both || written == Order::kRelease);
      break;
    }
    case Op::kChoose:
    case Op::kMay:
    case Op::kEnd:
      break;
  }
  return order;
}

}  // namespace

GraphRelations::GraphRelations(const Tabulator& tables, const WeakGraph& graph,
                               MemoryModel model)
    : graph_(&graph),
      program_(static_cast<int>(graph.events.size())),
      reads_from_(program_),
      modification_(program_),
      reads_before_(program_) {
  const int events = program_.events();
  for (int a = 0; a < events; ++a) {
    const WeakEvent& event = graph.events[a];
    const Access& access = tables.access(event.access);
    orders_.push_back(OrderOfEvent(access, event, model));
    drains_.push_back((event.reads && event.writes) || access.op == Op::kCas ||
                      access.op == Op::kCall ||
                      (event.writes && orders_.back().seq_cst));
    for (int b = a + 1; b < events; ++b) {
      if (graph.events[b].thread == event.thread) program_.Add(a, b);
    }
    if (event.reads && event.reads_from >= 0) {
      reads_from_.Add(event.reads_from, a);
    }
  }
  for (const std::vector<int>& writes : graph.writes) {
    for (std::size_t i = 0; i < writes.size(); ++i) {
      for (std::size_t j = i + 1; j < writes.size(); ++j) {
        modification_.Add(writes[i], writes[j]);
      }
    }
  }
  for (int read = 0; read < events; ++read) {
    const WeakEvent& event = graph.events[read];
    if (!event.reads || event.slot < 0 ||
        event.slot >= static_cast<int>(graph.writes.size())) {
      continue;
    }
    for (const int write : graph.writes[event.slot]) {
      if (write == read || write == event.reads_from) continue;
      if (event.reads_from < 0 || modification_.Has(event.reads_from, write)) {
        reads_before_.Add(read, write);
      }
    }
  }
}

void GraphRelations::Strengthen(int event) {
  const WeakEvent& strong = graph_->events[event];
  orders_[event] = {false, strong.reads, strong.writes, true};
  if (strong.writes) drains_[event] = true;
}

bool GraphRelations::SamePlace(int a, int b) const {
  return graph_->events[a].slot >= 0 &&
         graph_->events[a].slot == graph_->events[b].slot;
}

// From a release to the acquire that reads from it, or from the last of the
// read-modify-writes that go on from it.
Relation GraphRelations::Synchronizes() const {
  Relation synchronizes(program_.events());
  for (int read = 0; read < program_.events(); ++read) {
    if (!orders_[read].acquire || !graph_->events[read].reads) continue;
    for (int write = graph_->events[read].reads_from; write >= 0;) {
      if (orders_[write].release) synchronizes.Add(write, read);
      const WeakEvent& event = graph_->events[write];
      write = event.reads && event.writes ? event.reads_from : -1;
    }
  }
  return synchronizes;
}

Relation GraphRelations::HappensBefore() const {
  return (program_ | Synchronizes()).Closed();
}

bool GraphRelations::AtomicityHolds() const {
  for (int event = 0; event < program_.events(); ++event) {
    const WeakEvent& update = graph_->events[event];
    if (!update.reads || !update.writes) continue;
    if (update.replaces != update.reads_from) return false;
  }
  return true;
}

bool GraphRelations::AllowsTso() const {
  const int events = program_.events();
  Relation place(events);   // Program order at one place.
  Relation global(events);  // In memory.
  for (int a = 0; a < events; ++a) {
    for (int b = 0; b < events; ++b) {
      if (!program_.Has(a, b)) continue;
      if (SamePlace(a, b)) place.Add(a, b);
      const bool store = graph_->events[a].writes && !graph_->events[a].reads;
      const bool load = graph_->events[b].reads && !graph_->events[b].writes;
      if (!(store && load) || drains_[a] || drains_[b]) global.Add(a, b);
    }
    for (int b = 0; b < events; ++b) {
      if (!reads_from_.Has(a, b)) continue;
      if (graph_->events[a].thread != graph_->events[b].thread)
        global.Add(a, b);
    }
  }
  global |= modification_;
  global |= reads_before_;
  return !(place | Communication()).HasCycle() && !global.HasCycle();
}

bool GraphRelations::AllowsRc11() const {
  const int events = program_.events();
  if ((program_ | reads_from_).HasCycle()) return false;
  const Relation before = HappensBefore();
  const Relation eco = Communication().Closed();
  for (int a = 0; a < events; ++a) {
    if (before.Has(a, a)) return false;
    for (int b = 0; b < events; ++b) {
      if (before.Has(a, b) && eco.Has(b, a)) return false;
    }
  }
  Relation elsewhere(events);  // Program order between two places.
  Relation local(events);      // Happens-before at one place.
  for (int a = 0; a < events; ++a) {
    for (int b = 0; b < events; ++b) {
      if (program_.Has(a, b) && !SamePlace(a, b)) elsewhere.Add(a, b);
      if (before.Has(a, b) && SamePlace(a, b)) local.Add(a, b);
    }
  }
  const Relation all = program_ | elsewhere.Then(before).Then(elsewhere) |
                       local | modification_ | reads_before_;
  Relation strong(events);
  for (int a = 0; a < events; ++a) {
    for (int b = 0; b < events; ++b) {
      if (all.Has(a, b) && orders_[a].seq_cst && orders_[b].seq_cst) {
        strong.Add(a, b);
      }
    }
  }
  return !strong.HasCycle();
}

bool GraphRelations::Allows(MemoryModel model) const {
  if (!AtomicityHolds()) return false;
  switch (model) {
    case MemoryModel::kSc:
      return !(program_ | Communication()).HasCycle();
    case MemoryModel::kTso:
      return AllowsTso();
    case MemoryModel::kRc11:
      break;
  }
  return AllowsRc11();
}

GraphRelations::Race GraphRelations::FindRace() const {
  const Relation before = HappensBefore();
  for (int b = 0; b < program_.events(); ++b) {
    for (int a = 0; a < b; ++a) {
      if (!orders_[a].plain || !orders_[b].plain || !SamePlace(a, b)) continue;
      const WeakEvent& one = graph_->events[a];
      const WeakEvent& other = graph_->events[b];
      if (one.thread == other.thread || !(one.writes || other.writes)) continue;
      if (!before.Has(a, b) && !before.Has(b, a)) return {a, b};
    }
  }
  return {};
}

}  // namespace netpoll::model
