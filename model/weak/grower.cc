// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/weak/grower.h"

#include "netpoll/core/concurrency.h"
#include "netpoll/model/weak/axioms.h"

namespace netpoll::model {

EventGraph Grower::Empty() const {
  EventGraph graph;
  for (int thread = 0; thread < tables_.thread_count(); ++thread) {
    graph.threads.push_back({.node = tables_.Start(thread)});
  }
  return graph;
}

// The order that takes effect: a compare-exchange that fails is a load. Under
// SC and TSO every atomic access is acquire and release.
void Grower::SetOrders(const Access& access, GraphEvent* event) const {
  event->plain = IsPlain(access);
  event->acquires = event->releases = event->seq_cst = false;
  if (event->plain) return;
  auto order = static_cast<Order>(access.order);
  switch (access.op) {
    case Op::kCall:
      order = Order::kAcqRel;
      break;
    case Op::kAcquire:
    case Op::kTryAcquire:
      order = event->writes ? Order::kAcquire : Order::kRelaxed;
      break;
    case Op::kRelease:
      order = Order::kRelease;
      break;
    default:
      break;
  }
  if (!event->writes && order == Order::kAcqRel) order = Order::kAcquire;
  if (!event->writes && order == Order::kRelease) order = Order::kRelaxed;
  event->seq_cst = order == Order::kSeqCst;
  const bool strong =
      model_ != MemoryModel::kRc11 || event->seq_cst || order == Order::kAcqRel;
  event->acquires = event->reads && (strong || order == Order::kAcquire);
  event->releases = event->writes && (strong || order == Order::kRelease);
}

bool Grower::Describe(const EventGraph& graph, int thread, int reads_from,
                      GraphEvent* event) {
  *event = GraphEvent{};
  event->thread = static_cast<std::int16_t>(thread);
  event->node = graph.threads[thread].node;
  event->access = tables_.node(thread, event->node).access;
  event->before = graph.threads[thread].last;
  return DescribeAnew(graph, reads_from, event);
}

bool Grower::DescribeAnew(const EventGraph& graph, int reads_from,
                          GraphEvent* event) {
  const Access& access = tables_.access(event->access);
  event->slot = static_cast<std::int16_t>(access.object->slot);
  event->kind = GraphEvent::Kind::kAccess;
  event->reads = Reads(access);
  event->reads_from =
      static_cast<std::int16_t>(event->reads ? reads_from : GraphEvent::kNone);
  event->read = event->reads ? Written(graph, reads_from) : Value{0};
  int broken;
  const Effect effect = tables_.EffectOf(event->access, event->read, &broken);
  event->response = effect.response;
  event->written = effect.next;
  switch (access.op) {
    case Op::kLoad:
    case Op::kGet:
      event->writes = false;
      break;
    case Op::kCas:
    case Op::kTryAcquire:
      event->writes = effect.response == 1;
      break;
    default:
      event->writes = effect.enabled;
  }
  SetOrders(access, event);
  return effect.enabled;
}

int Grower::AppendBranch(EventGraph& graph, int thread, int branch) {
  GraphEvent event;
  event.kind = GraphEvent::Kind::kBranch;
  event.thread = static_cast<std::int16_t>(thread);
  event.node = graph.threads[thread].node;
  event.access = tables_.node(thread, event.node).access;
  event.before = graph.threads[thread].last;
  event.response = static_cast<Value>(branch);
  const int number = Append(graph, event);
  Advance(graph, number);
  return number;
}

void Grower::Relate(const EventGraph& graph, GraphEvent& event) const {
  event.causes = event.past = EventSet();
  if (event.before != GraphEvent::kNone) {
    event.causes = graph[event.before].causes;
    event.causes.Add(event.before);
    event.past = graph[event.before].past;
    event.past.Add(event.before);
  }
  if (!event.reads || event.reads_from < 0) return;
  event.causes |= graph[event.reads_from].causes;
  event.causes.Add(event.reads_from);
  if (!event.acquires) return;
  // Whoever released at the write, or at one that read-modify-writes continue.
  for (int head = event.reads_from; head >= 0;
       head = graph[head].reads ? graph[head].reads_from : -1) {
    if (!graph[head].releases) continue;
    event.past |= graph[head].past;
    event.past.Add(head);
  }
}

int Grower::Append(EventGraph& graph, GraphEvent event) const {
  Relate(graph, event);
  event.stamp = graph.NextStamp();
  const int number = graph.Add(event);
  if (number == EventSet::kMost) throw GraphTooLarge{};
  graph.threads[event.thread].last = static_cast<std::int16_t>(number);
  return number;
}

void Grower::Advance(EventGraph& graph, int number) {
  GraphEvent& event = graph.at(number);
  EventGraph::Place& place = graph.threads[event.thread];
  if (event.kind == GraphEvent::Kind::kBlocked ||
      event.kind == GraphEvent::Kind::kNever) {
    place.asleep = true;
    return;
  }
  place.asleep = false;
  place.node = tables_.Next(event.thread, event.node, event.response);
  if (tables_.node(event.thread, place.node).stops && !event.stops) {
    event.stops = true;
    ++graph.stopped;
  }
}

int Grower::Floor(const EventGraph& graph, const GraphEvent& event) const {
  // Of what the past has written or read, the last.
  EventSet seen = event.past & graph.slot(event.slot).events;
  int floor = GraphEvent::kInitial;
  seen.Each([&](int number) {
    const GraphEvent& other = graph[number];
    if (other.kind != GraphEvent::Kind::kAccess) return;
    const int write = other.writes ? number : int{other.reads_from};
    if (write < 0 || write == floor) return;
    if (floor < 0 || graph.Before(event.slot, floor, write)) floor = write;
  });
  return floor;
}

std::vector<int> Grower::WritesFrom(const EventGraph& graph, int slot,
                                    int floor) const {
  std::vector<int> writes;
  for (int at = floor; at != GraphEvent::kNone;
       at = graph.ReplacedBy(slot, at)) {
    if (at < 0 || !graph[at].stops) writes.push_back(at);
  }
  return writes;
}

bool Grower::MayReplace(const EventGraph& graph, const GraphEvent& event,
                        int replaces) {
  if (event.reads && event.reads_from != replaces) return false;
  const int next = graph.ReplacedBy(event.slot, replaces);
  return next == GraphEvent::kNone || !graph[next].read_modify_write() ||
         graph[next].reads_from != replaces;
}

bool Grower::Fits(const EventGraph& graph, int number) const {
  const GraphEvent& event = graph[number];
  if (event.plain) return true;
  const int last = graph.slot(event.slot).last;
  const bool at_end = event.writes ? last == number : last == event.reads_from;
  return at_end || Allowed(graph);
}

bool Grower::Allowed(const EventGraph& graph) const {
  switch (model_) {
    case MemoryModel::kSc:
      return IsSequentiallyConsistent(graph);
    case MemoryModel::kTso:
      return IsTotalStoreOrder(graph);
    case MemoryModel::kRc11:
      break;
  }
  return SeqCstIsPartialOrder(graph);
}

}  // namespace netpoll::model
