// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/graphs/graph_schedule.h"

#include <algorithm>
#include <cctype>
#include <cstddef>

#include "netpoll/model/report/replay_string.h"

namespace netpoll::model {
namespace {

constexpr MemoryModel kModels[] = {MemoryModel::kSc, MemoryModel::kTso,
                                   MemoryModel::kRc11};
constexpr std::string_view kFormat = "ng1";
constexpr std::size_t kMostEvents = 256;

std::string ChoicesText(const std::vector<GraphChoice>& choices) {
  std::string text;
  for (std::size_t i = 0; i < choices.size();) {
    std::size_t run = 1;
    while (i + run < choices.size() && choices[i + run] == choices[i]) ++run;
    const GraphChoice& choice = choices[i];
    if (run > 1) text += std::to_string(run);
    text += static_cast<char>('a' + choice.thread);
    if (choice.branch != 0) text += static_cast<char>('A' + choice.branch);
    text.append(static_cast<std::size_t>(choice.back), '_');
    i += run;
  }
  return text;
}

std::string ParseChoices(std::string_view text,
                         std::vector<GraphChoice>* choices) {
  choices->clear();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t first = at;
    std::size_t run = 0;
    while (at < text.size() && std::isdigit(text[at]) != 0 &&
           run <= kMostEvents) {
      run = run * 10 + static_cast<std::size_t>(text[at++] - '0');
    }
    if (at == first) run = 1;
    if (run == 0 || choices->size() + run > kMostEvents) {
      return "character " + std::to_string(first + 1) +
             " of the graph begins a number out of range";
    }
    if (at == text.size() || text[at] < 'a' || text[at] > 'z') {
      return "character " + std::to_string(at + 1) +
             " of the graph names no thread";
    }
    GraphChoice choice{text[at++] - 'a', 0, 0};
    if (at < text.size() && text[at] >= 'B' && text[at] <= 'Z') {
      choice.branch = text[at++] - 'A';
    }
    for (; at < text.size() && text[at] == '_'; ++at) ++choice.back;
    choices->insert(choices->end(), run, choice);
  }
  return "";
}

// An object's writes so far, in their order.
std::vector<int>& WritesOf(WeakGraph& graph, int slot) {
  if (slot >= static_cast<int>(graph.writes.size())) {
    graph.writes.resize(slot + 1);
  }
  return graph.writes[slot];
}

}  // namespace

bool ModelNamed(std::string_view name, MemoryModel* model) {
  for (const MemoryModel one : kModels) {
    if (name != Name(one)) continue;
    *model = one;
    return true;
  }
  return false;
}

std::string VariantOf(const Weakened& weakened) {
  std::string variant = "~" + weakened.site + "~" + Name(weakened.how);
  for (char& c : variant) {
    if (c == ' ') c = '~';
  }
  return variant;
}

bool WeakerVariant(const std::string& variant, Weakened* weakened) {
  if (!variant.starts_with('~')) return false;
  const std::size_t last = variant.rfind('~');
  weakened->how = WeaknessNamed(variant.substr(last + 1));
  weakened->site = variant.substr(1, last == 0 ? 0 : last - 1);
  for (char& c : weakened->site) {
    if (c == '~') c = ' ';
  }
  return IsOrder(weakened->how);
}

std::string GraphString::Text() const {
  std::string text = std::string(kFormat) + ":" + Name(model) + ":";
  if (variant != "shipped") text += variant + "/";
  text += scenario + ":" + digest + ":" + ChoicesText(choices) + ":";
  return text + Checksum(text);
}

std::string GraphString::Parse(std::string_view text, GraphString* parsed) {
  const std::vector<std::string_view> parts = Split(text, ':');
  if (parts.size() != 6 || parts[0] != kFormat) {
    return "this is not the string of a graph: one begins with ng1: and has "
           "six parts between colons; was it cut?";
  }
  if (parts[5] != Checksum(text.substr(0, text.size() - parts[5].size()))) {
    return "the string's checksum is wrong: a character of it was changed or "
           "lost";
  }
  if (!ModelNamed(parts[1], &parsed->model)) {
    return "the string names no memory model: sc, tso or rc11";
  }
  const std::size_t slash = parts[2].find('/');
  if (slash == std::string_view::npos) {
    parsed->variant = "shipped";
    parsed->scenario = std::string(parts[2]);
  } else {
    parsed->variant = std::string(parts[2].substr(0, slash));
    parsed->scenario = std::string(parts[2].substr(slash + 1));
  }
  parsed->digest = std::string(parts[3]);
  return ParseChoices(parts[4], &parsed->choices);
}

WeakGraph Tidy(const WeakGraph& graph) {
  const int events = static_cast<int>(graph.events.size());
  std::vector<int> number(events, -1);  // The new ones.
  WeakGraph tidy;
  tidy.nodes = graph.nodes;
  int thread = events == 0 ? 0 : graph.events[0].thread;
  // The first event of the thread that is not yet listed, if it can be now.
  const auto next_of = [&](int wanted) {
    for (int i = 0; i < events; ++i) {
      const WeakEvent& event = graph.events[i];
      if (number[i] >= 0 || event.thread != wanted) continue;
      const bool waits =
          event.reads && event.reads_from >= 0 && number[event.reads_from] < 0;
      return waits ? -1 : i;
    }
    return -1;
  };
  for (int listed = 0; listed < events; ++listed) {
    int next = next_of(thread);
    for (int other = 0; next < 0; ++other) {
      thread = other;
      next = next_of(other);
    }
    number[next] = listed;
    tidy.events.push_back(graph.events[next]);
  }
  for (WeakEvent& event : tidy.events) {
    if (event.reads_from >= 0) event.reads_from = number[event.reads_from];
    if (event.replaces >= 0) event.replaces = number[event.replaces];
  }
  tidy.writes = graph.writes;
  for (std::vector<int>& writes : tidy.writes) {
    for (int& write : writes) write = number[write];
  }
  return tidy;
}

std::vector<GraphChoice> ChoicesOf(const Tabulator& tables,
                                   const WeakGraph& graph) {
  std::vector<GraphChoice> choices;
  for (int i = 0; i < static_cast<int>(graph.events.size()); ++i) {
    const WeakEvent& event = graph.events[i];
    GraphChoice choice{event.thread, 0, 0};
    if (tables.access(event.access).op == Op::kChoose) {
      choice.branch = event.response;
    }
    if (event.slot >= 0 && event.slot < static_cast<int>(graph.writes.size())) {
      // Those after what it reads, or else after its own place.
      bool later = event.reads && event.reads_from < 0;
      for (const int write : graph.writes[event.slot]) {
        if (later && write < i) ++choice.back;
        if (write == (event.reads ? event.reads_from : i)) later = true;
      }
    }
    choices.push_back(choice);
  }
  return choices;
}

std::string Rebuild(Tabulator& tables, const std::vector<GraphChoice>& choices,
                    WeakGraph* graph) {
  *graph = {};
  for (int thread = 0; thread < tables.thread_count(); ++thread) {
    graph->nodes.push_back(tables.Start(thread));
  }
  for (const GraphChoice& choice : choices) {
    const int number = static_cast<int>(graph->events.size());
    const auto fail = [number](const char* why) {
      return "access " + std::to_string(number + 1) +
             " of the graph cannot be made: " + why;
    };
    if (choice.thread >= tables.thread_count()) {
      return fail("there is no such thread");
    }
    WeakEvent event;
    event.thread = choice.thread;
    event.node = graph->nodes[choice.thread];
    event.access = tables.node(choice.thread, event.node).access;
    const Access access = tables.access(event.access);
    event.response = static_cast<Value>(choice.branch);
    if (access.op == Op::kEnd) return fail("the thread has ended");
    if (access.object != nullptr) {
      event.slot = access.object->slot;
      std::vector<int>& writes = WritesOf(*graph, event.slot);
      const int count = static_cast<int>(writes.size());
      const int before = count - choice.back;  // Writes up to its place.
      if (before < 0) return fail("there are not so many writes");
      const int last = before == 0 ? WeakEvent::kInitial : writes[before - 1];
      const Value value = last < 0 ? Value{0} : graph->events[last].written;
      int broken;
      const Effect effect = tables.EffectOf(event.access, value, &broken);
      if (!effect.enabled) return fail("it waits for another value");
      event.response = effect.response;
      event.reads = access.op != Op::kStore && access.op != Op::kSet &&
                    access.op != Op::kRelease;
      const bool failed = (access.op == Op::kCas && effect.response == 0) ||
                          (access.op == Op::kTryAcquire && value != 0);
      event.writes = access.op != Op::kLoad && access.op != Op::kGet && !failed;
      event.read = value;
      event.written = effect.next;
      if (event.reads) event.reads_from = last;
      if (event.writes) {
        event.replaces = last;
        writes.insert(writes.begin() + before, number);
      }
    }
    graph->events.push_back(event);
    graph->nodes[choice.thread] =
        tables.Next(choice.thread, event.node, event.response);
  }
  return "";
}

}  // namespace netpoll::model
