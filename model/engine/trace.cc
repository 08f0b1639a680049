// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/engine/trace.h"

#include <algorithm>
#include <cctype>

namespace netpoll_model {
namespace {

// A word of a semaphore by its state's name; anything else as its object says.
std::string Show(const World& world, const Object& object, Value value) {
  if (object.role == Role::kSemaphore) {
    const std::uint64_t word = object.Bits(value);
    const int task = world.TaskOfWord(word);
    if (task >= 0) return "task:" + world.threads()[task].name;
    constexpr const char* kNames[] = {"nil", "ready", "wait"};
    if (word < 3) return kNames[word];
  }
  if (object.role == Role::kStatus) {
    const std::uint64_t word = object.Bits(value);
    std::string text = "gen" + std::to_string(word >> 32);
    constexpr const char* kBits[] = {"closing", "errors-stay", "r-expired",
                                     "w-expired", "no-more-edges"};
    for (int bit = 0; bit < 5; ++bit) {
      if ((word >> bit & 1) != 0) text += std::string("+") + kBits[bit];
    }
    if (const std::uint64_t errors = word >> 5 & 7; errors != 0) {
      text += "+errors:" + std::to_string(errors);
    }
    return text;
  }
  return object.Show(value);
}

bool IsWord(const Object& object) {
  return object.role == Role::kSemaphore || object.role == Role::kStatus ||
         object.role == Role::kCount;
}

}  // namespace

std::string TraceLine::Text() const {
  std::string text =
      std::to_string(step) + " " + thread_name + " " + site + " " + operation;
  if (!object.empty()) text += " " + object;
  if (!before.empty() || !after.empty()) text += " " + before + " -> " + after;
  return text;
}

Trace Replay(Exploration& exploration, const std::vector<Choice>& schedule) {
  Trace trace;
  exploration.WithTables([&](Tabulator& tables) {
    trace = {};
    const World& world = tables.world();
    for (const auto& thread : world.threads()) {
      trace.thread_names.push_back(thread.name);
    }
    std::vector<const Object*> words;
    for (const Object* object : world.objects()) {
      if (!IsWord(*object)) continue;
      words.push_back(object);
      trace.columns.push_back(object->name);
    }
    constexpr int kSpare = 64;
    Stepper stepper(tables, tables.thread_count() + kSpare);
    std::vector<Stepper::Did> did;
    stepper.did = &did;
    std::vector<Value> state = stepper.Initial();
    std::vector<Value> next(state.size());
    int last = -1;
    for (std::size_t step = 0; step < schedule.size(); ++step) {
      const Choice choice = schedule[step];
      did.clear();
      if (choice.thread >= tables.thread_count() ||
          choice.branch >= stepper.Branches(state.data(), choice.thread) ||
          !stepper.Take(state.data(), choice.thread, choice.branch,
                        next.data())) {
        trace.complete = false;
        break;
      }
      if (last >= 0 && last != choice.thread) ++trace.switches;
      last = choice.thread;
      for (const Stepper::Did& one : did) {
        const Access& access = tables.access(one.access);
        TraceLine line{static_cast<int>(step) + 1,
                       one.thread,
                       trace.thread_names[one.thread],
                       access.site,
                       Name(access.op),
                       "",
                       "",
                       ""};
        if (access.object != nullptr) {
          line.object = access.object->name;
          line.before = Show(world, *access.object, one.before);
          line.after = Show(world, *access.object, one.after);
        }
        trace.lines.push_back(line);
        trace.values.emplace_back();
        const View view(tables, next.data());
        for (const Object* word : words) {
          trace.values.back().push_back(Show(world, *word, view.Raw(*word)));
        }
      }
      state = next;
      if (stepper.broken()) break;
      stepper.CheckState(state.data());
      if (stepper.broken()) break;
    }
    if (!stepper.broken()) {
      bool rests = true;
      for (int thread = 0; thread < tables.thread_count(); ++thread) {
        if (!stepper.Optional(state.data(), thread) &&
            stepper.Enabled(state.data(), thread)) {
          rests = false;
        }
      }
      if (rests) stepper.CheckRest(state.data());
    }
    trace.violation = stepper.violation();
  });
  return trace;
}

std::string Lanes(const Trace& trace) {
  std::size_t width = 24;
  const auto pad = [](std::string text, std::size_t to) {
    if (text.size() < to) text.resize(to, ' ');
    return text + " ";
  };
  std::string out = "     ";
  for (const std::string& name : trace.thread_names) out += pad(name, width);
  out += "\n";
  for (const TraceLine& line : trace.lines) {
    std::string row = std::to_string(line.step);
    row.insert(0, 4 - std::min<std::size_t>(row.size(), 4), ' ');
    row += " ";
    for (int thread = 0; thread < line.thread; ++thread) {
      row += pad(".", width);
    }
    row += line.site + " " + line.operation;
    if (!line.object.empty()) {
      row += " " + line.object;
      if (line.before != line.after) {
        row += ": " + line.before + " -> " + line.after;
      } else if (!line.before.empty()) {
        row += " = " + line.before;
      }
    }
    out += row + "\n";
  }
  if (!trace.violation.empty()) out += "     " + trace.violation + "\n";
  return out;
}

std::string Encode(const std::string& scenario,
                   const std::vector<Choice>& schedule) {
  std::string text = scenario + ":";
  for (std::size_t i = 0; i < schedule.size();) {
    std::size_t run = 1;
    while (i + run < schedule.size() && schedule[i + run] == schedule[i]) ++run;
    if (run > 1) text += std::to_string(run);
    text += static_cast<char>('a' + schedule[i].thread);
    if (schedule[i].branch != 0) {
      text += '/' + std::to_string(schedule[i].branch) + '.';
    }
    i += run;
  }
  return text;
}

bool Decode(const std::string& text, std::string* scenario,
            std::vector<Choice>* schedule, std::string* why) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) {
    *why = "a replay string is SCENARIO:STEPS";
    return false;
  }
  *scenario = text.substr(0, colon);
  schedule->clear();
  std::size_t at = colon + 1;
  const auto number = [&](std::size_t fallback) {
    std::size_t value = 0;
    bool any = false;
    while (at < text.size() && std::isdigit(text[at]) && value < 100'000) {
      value = value * 10 + static_cast<std::size_t>(text[at++] - '0');
      any = true;
    }
    return any ? value : fallback;
  };
  while (at < text.size()) {
    const std::size_t run = number(1);
    if (at >= text.size() || text[at] < 'a' || text[at] > 'p' || run == 0 ||
        run > 10'000) {
      *why = "character " + std::to_string(at + 1) +
             " is not a thread (a letter from a to p)";
      return false;
    }
    Choice choice{static_cast<std::uint8_t>(text[at++] - 'a'), 0};
    if (at < text.size() && text[at] == '/') {
      ++at;
      choice.branch = static_cast<std::uint8_t>(number(0));
      if (at >= text.size() || text[at] != '.') {
        *why = "the branch before character " + std::to_string(at + 1) +
               " does not end with a point";
        return false;
      }
      ++at;
    }
    schedule->insert(schedule->end(), run, choice);
  }
  return true;
}

}  // namespace netpoll_model
