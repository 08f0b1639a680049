// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/graphs/tell_graph.h"

#include <utility>

#include "netpoll/model/engine/explore.h"
#include "netpoll/model/engine/stepper.h"
#include "netpoll/model/engine/view.h"
#include "netpoll/model/graphs/explain.h"
#include "netpoll/model/graphs/relations.h"
#include "netpoll/model/report/places.h"
#include "netpoll/model/report/show_value.h"

namespace netpoll::model {
namespace {

constexpr int kSpare = 64;  // For objects not yet touched.

bool IsAtomic(Op op) {
  return op == Op::kLoad || op == Op::kStore || op == Op::kExchange ||
         op == Op::kAdd || op == Op::kCas;
}

std::string OrderText(const Access& access) {
  constexpr const char* kNames[] = {"relaxed", "acquire", "release", "acq_rel",
                                    "seq_cst"};
  if (access.op == Op::kGet || access.op == Op::kSet) return "plain";
  return IsAtomic(access.op) ? kNames[access.order] : "";
}

// The state that some of the events lead to: where each thread is, and the last
// of these writes for each object.
std::vector<Value> StateAfter(const Tabulator& tables, const WeakGraph& graph,
                              const std::vector<char>& in) {
  std::vector<Value> state(tables.thread_count() + tables.slots() + kSpare);
  std::vector<char> begun(tables.thread_count());
  for (int thread = 0; thread < tables.thread_count(); ++thread) {
    state[thread] = static_cast<Value>(tables.Start(thread));
  }
  for (std::size_t i = 0; i < graph.events.size(); ++i) {
    const WeakEvent& event = graph.events[i];
    if (in[i] == 0) continue;
    state[event.thread] = static_cast<Value>(
        tables.node(event.thread, event.node).next[event.response]);
  }
  for (std::size_t slot = 0; slot < graph.writes.size(); ++slot) {
    for (const int write : graph.writes[slot]) {
      if (in[write] != 0) {
        state[tables.thread_count() + slot] = graph.events[write].written;
      }
    }
  }
  return state;
}

// Of a law that looks at the whole state before a step: as far as the step
// knows of it.
std::string BrokenBeforeStep(Tabulator& tables, const WeakGraph& graph,
                             const GraphRelations& relations, int step) {
  const Access access = tables.access(graph.events[step].access);
  const Relation known =
      access.wakes >= 0
          ? relations.HappensBefore()
          : (relations.program() | relations.reads_from()).Closed();
  std::vector<char> in(graph.events.size());
  for (int event = 0; event < known.events(); ++event) {
    in[event] = known.Has(event, step) ? 1 : 0;
  }
  const std::vector<Value> state = StateAfter(tables, graph, in);
  const View view(tables, state.data());
  const char* const law = tables.world().Ask([&](Observer& observer) {
    return observer.BeforeStep(view, graph.events[step].thread, access);
  });
  return law == nullptr ? "" : law;
}

// A law, and the thread that it speaks of; -1: of none.
struct Broken {
  std::string law;
  int task = -1;
};

Broken BrokenAtRest(Tabulator& tables, const WeakGraph& graph) {
  const std::vector<char> all(graph.events.size(), 1);
  const std::vector<Value> state = StateAfter(tables, graph, all);
  Stepper stepper(tables, static_cast<int>(state.size()));
  if (!stepper.Rests(state.data())) return {};
  stepper.CheckRest(state.data());
  return {stepper.violation(), stepper.subject().thread};
}

// How a thread stands in the end.
std::string EndOf(Tabulator& tables, const std::vector<Value>& state,
                  int thread) {
  Stepper stepper(tables, static_cast<int>(state.size()));
  const View view(tables, state.data());
  const Access& next = view.Next(thread);
  if (next.op == Op::kEnd) return "ended";
  const std::string at = std::string(" at ") + next.site;
  if (!stepper.Enabled(state.data(), thread)) {
    return (view.Local(thread).ghost.parked ? "parked" : "waits") + at;
  }
  return next.optional ? "need not go on" + at : "could go on" + at;
}

GraphMoment MomentOf(const Tabulator& tables, const WeakGraph& graph,
                     const GraphRelations& relations, const World& world,
                     int number) {
  const WeakEvent& event = graph.events[number];
  const Access& access = tables.access(event.access);
  GraphMoment moment;
  moment.thread = event.thread;
  moment.site = access.site;
  moment.place = PlaceOf(access, tables.node(event.thread, event.node).place);
  moment.operation = Name(access.op);
  moment.order = OrderText(access);
  if (access.op == Op::kChoose) {
    moment.operation += " " + std::to_string(event.response + 1) + " of " +
                        std::to_string(access.number);
  }
  if (access.object == nullptr) return moment;
  moment.object = access.object->name;
  moment.slot = event.slot;
  moment.reads = event.reads;
  moment.writes = event.writes;
  moment.failed = access.op == Op::kCas && !event.writes;
  if (event.reads) {
    moment.read = Show(world, *access.object, event.read);
    moment.reads_from = event.reads_from + 1;
  }
  if (event.writes) {
    moment.written = Show(world, *access.object, event.written);
    moment.replaces = event.replaces + 1;
  }
  for (const int write : graph.writes[event.slot]) {
    if (event.reads && relations.reads_before().Has(number, write)) {
      if (graph.events[write].thread != event.thread) {
        moment.overlooks = write + 1;
      }
      break;
    }
  }
  return moment;
}

// The law that a graph breaks, looked for without a search.
Broken Judge(Tabulator& tables, const WeakGraph& graph, MemoryModel model) {
  for (const WeakEvent& event : graph.events) {
    const Node& after = tables.node(
        event.thread, tables.Next(event.thread, event.node, event.response));
    if (after.violation >= 0) {
      return {tables.text(after.violation), after.subject.thread};
    }
    int broken = -1;
    if (event.reads) tables.EffectOf(event.access, event.read, &broken);
    if (broken >= 0) return {tables.text(broken), event.thread};
  }
  const GraphRelations relations(tables, graph, model);
  if (const int racer = relations.FindRace().a; racer >= 0) {
    return {"race: two threads use one plain field at once",
            graph.events[racer].thread};
  }
  for (int i = 0; i < static_cast<int>(graph.events.size()); ++i) {
    if (!tables.known(graph.events[i].access).watched) continue;
    const std::string law = BrokenBeforeStep(tables, graph, relations, i);
    if (law.empty()) continue;
    const int told = tables.world().told().thread;
    return {law, told >= 0 ? told : graph.events[i].thread};
  }
  return BrokenAtRest(tables, graph);
}

// "reader (parked at park): ", if the law speaks of a task.
std::string WhoseLaw(const GraphStory& story) {
  if (story.task < 0) return "";
  return story.threads[story.task] + " (" + story.ends[story.task] + "): ";
}

}  // namespace

GraphStory TellGraph(Tabulator& tables, const WeakGraph& found,
                     MemoryModel model, const std::string& violation) {
  NameFields(tables);
  WeakGraph graph = Tidy(found);
  graph.writes.resize(tables.slots());
  const World& world = tables.world();
  const GraphRelations relations(tables, graph, model);
  GraphStory story;
  story.model = model;
  story.violation = violation;
  story.choices = ChoicesOf(tables, graph);
  for (int i = 0; i < static_cast<int>(graph.events.size()); ++i) {
    story.moments.push_back(MomentOf(tables, graph, relations, world, i));
  }
  const std::vector<Value> end =
      StateAfter(tables, graph, std::vector<char>(graph.events.size(), 1));
  for (int thread = 0; thread < tables.thread_count(); ++thread) {
    story.threads.push_back(world.threads()[thread].name);
    story.ends.push_back(EndOf(tables, end, thread));
  }
  if (!story.broken()) {
    story.sentence = "no law is broken in this graph of " +
                     std::to_string(graph.events.size()) + " accesses";
    return story;
  }
  if (const Broken judged = Judge(tables, graph, model);
      judged.law == violation) {
    story.task = judged.task;
  }
  const Explanation why = Explain(tables, graph, story);
  for (const int event : why.events) story.moments[event].matters = true;
  story.sentence = violation + ": " + WhoseLaw(story) + why.text;
  return story;
}

GraphStory TellGraphAgain(const std::string& variant, const Scenario& scenario,
                          const GraphString& string) {
  Exploration exploration(scenario);
  GraphStory story;
  exploration.WithTables([&](Tabulator& tables) {
    WeakGraph graph;
    std::string why_not = Rebuild(tables, string.choices, &graph);
    if (why_not.empty() &&
        !GraphRelations(tables, graph, string.model).Allows(string.model)) {
      why_not = std::string("it is not allowed by ") + Name(string.model);
    }
    if (why_not.empty()) {
      story = TellGraph(tables, graph, string.model,
                        Judge(tables, graph, string.model).law);
    } else {
      story = {};
      story.sentence = story.why_not = std::move(why_not);
    }
  });
  story.variant = variant;
  story.scenario = scenario.name;
  story.about = scenario.about;
  story.model = string.model;
  return story;
}

}  // namespace netpoll::model
