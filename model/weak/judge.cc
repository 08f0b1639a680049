// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/weak/judge.h"

#include <algorithm>

#include "netpoll/model/weak/axioms.h"

namespace netpoll::model {
namespace {

EventSet With(EventSet events, int event) {
  events.Add(event);
  return events;
}

bool TookPlace(const GraphEvent& event) {
  return event.kind == GraphEvent::Kind::kAccess ||
         event.kind == GraphEvent::Kind::kBranch;
}

}  // namespace

const Value* Judge::StateOf(const EventGraph& graph, const EventSet& events) {
  if (tables_.slots() > kSlots) throw GraphTooLarge{};
  state_.assign(stepper_.width(), 0);
  const int threads = tables_.thread_count();
  for (int thread = 0; thread < threads; ++thread) {
    int last = graph.threads[thread].last;
    int node = graph.threads[thread].node;
    for (; last >= 0 && !(events.Has(last) && TookPlace(graph[last]));
         last = graph[last].before) {
      node = graph[last].node;
    }
    state_[thread] = static_cast<Value>(node);
  }
  for (int slot = 0; slot < graph.slots(); ++slot) {
    state_[threads + slot] =
        Grower::Written(graph, graph.LastWriteIn(slot, events));
  }
  return state_.data();
}

bool Judge::Accepts(const EventGraph& graph, int number) {
  const GraphEvent& event = graph[number];
  const EventSet causes = With(event.causes, number);
  const KnownAccess& known = tables_.known(event.access);
  if (event.reads && event.slot >= 0) {
    int broken;
    tables_.EffectOf(event.access, event.read, &broken);
    if (broken >= 0) return Break(tables_.text(broken), causes);
  }
  if (event.plain && !BreaksNoRace(graph, number)) return false;
  if (known.watched) {
    const Access access = known.access;
    const bool wakes = access.wakes >= 0;
    StateOf(graph, wakes ? event.past : event.causes);
    if (event.reads) {
      state_[tables_.thread_count() + event.slot] = event.read;
    }
    const View view(tables_, state_.data());
    const char* const law = tables_.world().Ask([&](Observer& observer) {
      return observer.BeforeStep(view, event.thread, access);
    });
    if (law != nullptr) return Break(law, causes);
  }
  const int broken =
      tables_
          .node(event.thread,
                tables_.Next(event.thread, event.node, event.response))
          .violation;
  return broken < 0 || Break(tables_.text(broken), causes);
}

// Two threads at one plain field, one of them writing, neither before the
// other.
bool Judge::BreaksNoRace(const EventGraph& graph, int number) {
  const GraphEvent& event = graph[number];
  bool race = false;
  graph.slot(event.slot).events.Each([&](int other) {
    const GraphEvent& theirs = graph[other];
    if (race || theirs.thread == event.thread) return;
    if (!theirs.writes && !event.writes) return;
    if (event.past.Has(other)) return;
    race = true;
    EventSet guilty = With(event.causes, number);
    guilty |= With(theirs.causes, other);
    Break("race: two threads use one plain field at once", guilty);
  });
  return !race;
}

bool Judge::Rests(const EventGraph& graph) {
  return graph.stopped == 0 && stepper_.Rests(StateOf(graph, graph.alive()));
}

bool Judge::Ended(const EventGraph& graph) const {
  for (int thread = 0; thread < tables_.thread_count(); ++thread) {
    if (grower_.Next(graph, thread).op != Op::kEnd) return false;
  }
  return true;
}

bool Judge::AcceptsRest(const EventGraph& graph) {
  bool refines = true;
  graph.alive().Each([&](int number) {
    const GraphEvent& event = graph[number];
    if (!refines || !event.writes || event.reads) return;
    int broken;
    tables_.EffectOf(event.access, Grower::Written(graph, event.replaces),
                     &broken);
    if (broken >= 0) {
      refines = Break(tables_.text(broken), With(event.causes, number));
    }
  });
  if (!refines) return false;
  if (grower_.model() == MemoryModel::kSc && !AcceptsOneOrder(graph)) {
    return false;
  }
  stepper_.Forget();
  stepper_.CheckRest(StateOf(graph, graph.alive()));
  return !stepper_.broken() || Break(stepper_.violation(), graph.alive());
}

// The states of one order, but for those in the middle of plain fields.
bool Judge::AcceptsOneOrder(const EventGraph& graph) {
  std::vector<int> order;
  OneOrder(graph, &order);
  EventSet passed;
  for (const int event : order) {
    passed.Add(event);
    const Value* const state = StateOf(graph, passed);
    bool between = false;
    for (int thread = 0; thread < tables_.thread_count(); ++thread) {
      between |= tables_.node(thread, state[thread]).fused;
    }
    if (between) continue;
    stepper_.Forget();
    stepper_.CheckState(state);
    if (stepper_.broken()) return Break(stepper_.violation(), passed);
  }
  return true;
}

WeakGraph Told(const EventGraph& graph, const EventSet& events,
               const Tabulator& tables) {
  std::vector<int> order;
  events.Each([&](int event) {
    if (graph.alive().Has(event) && TookPlace(graph[event])) {
      order.push_back(event);
    }
  });
  // Whoever has causes has more of them than each of those.
  std::sort(order.begin(), order.end(), [&](int a, int b) {
    const int causes_a = graph[a].causes.size();
    const int causes_b = graph[b].causes.size();
    return causes_a != causes_b ? causes_a < causes_b
                                : graph[a].thread < graph[b].thread;
  });
  std::vector<int> number_of(EventSet::kMost, WeakEvent::kInitial);
  for (std::size_t i = 0; i < order.size(); ++i) {
    number_of[order[i]] = static_cast<int>(i);
  }
  WeakGraph told;
  for (int thread = 0; thread < tables.thread_count(); ++thread) {
    told.nodes.push_back(tables.Start(thread));
  }
  const auto named = [&](int event) {
    return event < 0 ? WeakEvent::kInitial : number_of[event];
  };
  for (const int number : order) {
    const GraphEvent& event = graph[number];
    const bool at_end = graph.threads[event.thread].last == number;
    told.events.push_back({.thread = event.thread,
                           .node = event.node,
                           .access = event.access,
                           .slot = event.slot,
                           .reads = event.reads,
                           .writes = event.writes,
                           .read = event.read,
                           .written = event.written,
                           .response = event.response,
                           .reads_from = named(event.reads_from)});
    int after = graph.threads[event.thread].node;
    for (int at = graph.threads[event.thread].last; !at_end && at != number;
         at = graph[at].before) {
      after = graph[at].node;
    }
    told.nodes[event.thread] = after;
  }
  told.writes.resize(graph.slots());
  for (int slot = 0; slot < graph.slots(); ++slot) {
    int last = WeakEvent::kInitial;
    for (int at = graph.slot(slot).first; at >= 0; at = graph[at].replaced_by) {
      if (number_of[at] < 0) continue;
      told.writes[slot].push_back(number_of[at]);
      told.events[number_of[at]].replaces = last;
      last = number_of[at];
    }
  }
  return told;
}

std::string Digest(const EventGraph& graph) {
  // Events by thread, and their place in it.
  std::vector<std::vector<int>> threads;
  std::vector<std::uint16_t> name(EventSet::kMost, 0);
  for (const EventGraph::Place& place : graph.threads) {
    std::vector<int> events;
    for (int at = place.last; at >= 0; at = graph[at].before) {
      if (TookPlace(graph[at])) events.push_back(at);
    }
    std::reverse(events.begin(), events.end());
    for (std::size_t i = 0; i < events.size(); ++i) {
      name[events[i]] =
          static_cast<std::uint16_t>(threads.size() << 12 | (i + 1));
    }
    threads.push_back(std::move(events));
  }
  std::string digest;
  const auto add = [&digest](unsigned value) {
    digest.push_back(static_cast<char>(value));
    digest.push_back(static_cast<char>(value >> 8));
  };
  for (const auto& events : threads) {
    for (const int number : events) {
      const GraphEvent& event = graph[number];
      if (event.reads) {
        add(event.reads_from < 0 ? 0u : name[event.reads_from]);
      } else if (event.kind == GraphEvent::Kind::kBranch) {
        add(event.response);
      }
    }
    add(0xffff);
  }
  for (int slot = 0; slot < graph.slots(); ++slot) {
    if (graph.slot(slot).first < 0) continue;
    add(static_cast<unsigned>(slot));
    for (int at = graph.slot(slot).first; at >= 0; at = graph[at].replaced_by) {
      add(name[at]);
    }
    add(0xffff);
  }
  return digest;
}

}  // namespace netpoll::model
