// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/report/step_through.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "netpoll/model/report/hand_written.h"
#include "netpoll/model/report/pictures.h"
#include "netpoll/model/report/replay_string.h"
#include "netpoll/model/report/source.h"

namespace netpoll::model {
namespace {

constexpr int kMostSteps = 500;  // Of `go`.
constexpr std::size_t kWidth = 78;

std::vector<std::string_view> WordsOf(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t end = text.find_first_of(" \t\r\n");
    if (end != 0) words.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return words;
}

// -1: it is none.
int Number(std::string_view text) {
  if (text.empty() || text.size() > 6) return -1;
  int number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return -1;
    number = number * 10 + (c - '0');
  }
  return number;
}

// " at core/poll_desc.h:177", or nothing.
std::string AtPlace(const std::string& place) {
  return place.empty() ? "" : " at " + place;
}

std::string Padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size(), width), ' ');
  return text;
}

// `items` on as many lines as they need.
std::string Wrapped(const std::vector<std::string>& items) {
  std::string text;
  std::string line;
  for (const std::string& item : items) {
    if (!line.empty() && line.size() + item.size() + 2 > kWidth) {
      text += line + "\n";
      line.clear();
    }
    line += (line.empty() ? "    " : ", ") + item;
  }
  return line.empty() ? text : text + line + "\n";
}

}  // namespace

StepThrough::StepThrough(std::string variant, const Scenario& scenario,
                         std::vector<Choice> schedule, int cycle)
    : variant_(std::move(variant)),
      scenario_(scenario),
      given_(std::move(schedule)),
      given_cycle_(cycle),
      path_(given_),
      cycle_(cycle) {
  whole_ = model::Tell(variant_, scenario_, path_, cycle_);
  columns_ = whole_.columns;
  Tell();
}

std::string StepThrough::Help() {
  return "  n, next [N]     N steps on (an empty line: one)\n"
         "  b, back [N]     N steps back\n"
         "  N               to step N; 0 is the beginning\n"
         "  end             to the last step of the schedule\n"
         "  NAME [BRANCH]   that thread moves next instead; what followed in "
         "the schedule\n"
         "                  is dropped\n"
         "  go              on until nothing more must happen, staying on a "
         "thread\n"
         "  given           back to the schedule as it was given\n"
         "  w, words        every word as it is now\n"
         "  l, lanes        what was walked, in lanes\n"
         "  r, replay       what was walked, as a string\n"
         "  q, quit         the end, as is the end of the input\n";
}

std::string StepThrough::Where() const {
  return Step() + Threads() +
         (walked_.broken() ? "  " + Diagnose(walked_).sentence + "\n" : "");
}

void StepThrough::Tell() {
  const bool all = at_ == length();
  walked_ =
      model::Tell(variant_, scenario_, {path_.begin(), path_.begin() + at_},
                  all ? cycle_ : -1);
}

std::string StepThrough::Replay() const {
  return ReplayCommand(ReplayStringOf(walked_));
}

int StepThrough::ThreadNamed(std::string_view name) const {
  const auto at = std::find(whole_.threads.begin(), whole_.threads.end(), name);
  return at == whole_.threads.end()
             ? -1
             : static_cast<int>(at - whole_.threads.begin());
}

std::string StepThrough::Do(std::string_view command) {
  const std::vector<std::string_view> words = WordsOf(command);
  if (words.empty()) return GoTo(at_ + 1);
  const std::string_view verb = words[0];
  if (words.size() > 2) {
    return "that is too many words; h lists the commands\n";
  }
  const int number = words.size() == 2 ? Number(words[1]) : 1;
  if (number < 0) return AsTyped(words[1]) + " is not a number\n";
  const int thread = ThreadNamed(verb);
  if (thread >= 0) return Choose(thread, number);
  if (verb == "n" || verb == "next") return GoTo(at_ + number);
  if (verb == "b" || verb == "back") return GoTo(at_ - number);
  if (words.size() == 1) {
    if (Number(verb) >= 0) return GoTo(Number(verb));
    if (verb == "end") return GoTo(length());
    if (verb == "go") return GoOn();
    if (verb == "w" || verb == "words") return Words();
    if (verb == "l" || verb == "lanes") return Lanes(walked_, kWidthOfFiles);
    if (verb == "r" || verb == "replay") return Replay() + "\n";
    if (verb == "h" || verb == "help" || verb == "?") return Help();
    if (verb == "given") {
      path_ = given_;
      cycle_ = given_cycle_;
      own_ = false;
      whole_ = model::Tell(variant_, scenario_, path_, cycle_);
      return GoTo(std::min(at_, length()));
    }
    if (verb == "q" || verb == "quit") {
      done_ = true;
      return "";
    }
  }
  std::string names;
  for (const std::string& name : whole_.threads) {
    names += (names.empty() ? "" : ", ") + name;
  }
  return AsTyped(command) +
         " is neither a command (h lists them) nor a thread (" + names + ")\n";
}

std::string StepThrough::GoTo(int step) {
  const int last = static_cast<int>(whole_.schedule.size());
  std::string note;
  if (step < 0) note = "this is the beginning\n";
  if (step > last) {
    note = whole_.stuck_at != 0 && last < length()
               ? "step " + std::to_string(last + 1) +
                     " of the schedule cannot be taken: " + whole_.stuck_why +
                     "\n"
               : "the schedule ends here; name a thread, or say go\n";
    if (whole_.broken()) note = "this is the end: a property is broken\n";
  }
  const int to = std::clamp(step, 0, last);
  if (to == at_ && !note.empty()) return note;
  at_ = to;
  Tell();
  return note + Where();
}

std::string StepThrough::Choose(int thread, int branch) {
  if (walked_.broken()) {
    return "a property is broken here: go back before you go on\n";
  }
  if (branch < 1 || branch > 26) return "branches are 1 to 26\n";
  const Choice choice{static_cast<std::uint8_t>(thread),
                      static_cast<std::uint8_t>(branch - 1)};
  if (at_ < length() && path_[static_cast<std::size_t>(at_)] == choice) {
    return GoTo(at_ + 1);
  }
  std::vector<Choice> path(path_.begin(), path_.begin() + at_);
  path.push_back(choice);
  Story story = model::Tell(variant_, scenario_, path);
  if (story.stuck_at != 0) {
    return whole_.threads[static_cast<std::size_t>(thread)] +
           " cannot take this step: " + story.stuck_why + "\n";
  }
  path_ = std::move(path);
  cycle_ = -1;
  own_ = true;
  whole_ = std::move(story);
  return GoTo(at_ + 1);
}

// The same thread for as long as it can, then the first that must.
std::string StepThrough::GoOn() {
  if (walked_.broken()) return "this is the end: a property is broken\n";
  std::vector<Choice> path(path_.begin(), path_.begin() + at_);
  Story story = walked_;
  int thread = path.empty() ? 0 : path.back().thread;
  while (!story.broken() && !story.at_rest &&
         static_cast<int>(path.size()) < kMostSteps) {
    const auto& stands =
        story.moments.empty() ? story.stands : story.moments.back().stands;
    const auto runs = [&](int i) {
      return stands[static_cast<std::size_t>(i)] == Stand::kRuns;
    };
    const int threads = static_cast<int>(stands.size());
    for (int i = 0; i < threads && !runs(thread); ++i) thread = i;
    if (!runs(thread)) break;
    path.push_back({static_cast<std::uint8_t>(thread), 0});
    Story further = model::Tell(variant_, scenario_, path);
    if (further.stuck_at != 0) {
      path.pop_back();
      break;
    }
    story = std::move(further);
  }
  const int steps = static_cast<int>(path.size()) - at_;
  if (steps == 0) {
    return "nothing more must happen here; a thread may still be named\n";
  }
  path_ = std::move(path);
  cycle_ = -1;
  own_ = true;
  whole_ = std::move(story);
  return std::to_string(steps) + " steps on\n" + GoTo(length());
}

// The step that was taken last: each access, and the words before and after.
std::string StepThrough::Step() const {
  if (at_ == 0) return "before the first step\n" + Words();
  const Moment* first = nullptr;
  std::string accesses;
  for (const Moment& moment : walked_.moments) {
    if (moment.step != at_) continue;
    if (first == nullptr) first = &moment;
    std::string line =
        "  " + moment.operation + (moment.failed ? " failed" : "");
    if (!moment.object.empty()) {
      line += " " + moment.object + ": " + moment.before;
      if (moment.changed) line += " -> " + moment.after;
    }
    accesses += line + "\n";
  }
  if (first == nullptr) return "step " + std::to_string(at_) + "\n";
  std::string text = "step " + std::to_string(at_) + " of " +
                     std::to_string(length()) +
                     (own_ ? ", on a way of its own" : "") + ": " +
                     walked_.threads[static_cast<std::size_t>(first->thread)] +
                     ", " + first->site + AtPlace(PlaceOfMoment(*first)) + "\n";
  const std::string statement = StatementOfMoment(*first);
  if (!statement.empty()) text += "  > " + statement + "\n";
  return text + accesses + Words();
}

// Those that the step changed are shown as they were and as they are.
std::string StepThrough::Words() const {
  const std::vector<std::string>* before = nullptr;
  const std::vector<std::string>* after = nullptr;
  for (const Moment& moment : whole_.moments) {
    if (moment.step > at_) break;
    (moment.step < at_ ? before : after) = &moment.values;
  }
  std::vector<std::string> items;
  for (std::size_t i = 0; i < whole_.columns.size(); ++i) {
    const Column& column = whole_.columns[i];
    if (column.task >= 0) continue;
    const std::string& was = before == nullptr ? column.initial : (*before)[i];
    const std::string& is = after == nullptr ? was : (*after)[i];
    items.push_back(column.name + " " + was + (is == was ? "" : " -> " + is));
  }
  // What only the given schedule touches is as it was.
  for (const Column& column : columns_) {
    const bool here = std::any_of(
        whole_.columns.begin(), whole_.columns.end(), [&](const Column& other) {
          return other.object_index == column.object_index;
        });
    if (column.task < 0 && !here) {
      items.push_back(column.name + " " + column.initial);
    }
  }
  return items.empty() ? "" : "  words:\n" + Wrapped(items);
}

std::string StepThrough::Threads() const {
  const auto& stands =
      walked_.moments.empty() ? walked_.stands : walked_.moments.back().stands;
  std::size_t widest = 0;
  for (const std::string& name : walked_.threads) {
    widest = std::max(widest, name.size());
  }
  std::string text = "  next:\n";
  for (std::size_t i = 0; i < stands.size(); ++i) {
    const bool scheduled =
        at_ < length() && path_[static_cast<std::size_t>(at_)].thread == i;
    text += std::string("  ") + (scheduled ? "* " : "  ") +
            Padded(walked_.threads[i], widest) + "  ";
    if (stands[i] == Stand::kRuns || stands[i] == Stand::kMay) {
      text += walked_.next[i] + AtPlace(walked_.next_place[i]) +
              (stands[i] == Stand::kMay ? " (may also never come)" : "");
    } else {
      text += StandText(stands[i], false);
      if (stands[i] != Stand::kEnded) text += " at " + walked_.next[i];
    }
    text += "\n";
  }
  return text;
}

}  // namespace netpoll::model
