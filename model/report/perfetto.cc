// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/report/perfetto.h"

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "netpoll/model/report/markup.h"
#include "netpoll/model/report/source.h"

namespace netpoll::model {
namespace {

constexpr int kThreads = 1;  // "Processes", which hold tracks.
constexpr int kWords = 2;
constexpr int kStep = 1000;  // Microseconds.

std::string Number(int number) { return std::to_string(number); }

using Members = std::vector<std::pair<std::string, std::string>>;

std::string Object(const Members& members) {
  std::string text;
  for (const auto& [name, value] : members) {
    text += (text.empty() ? "{" : ", ") + JsonText(name) + ": " + value;
  }
  return text + "}";
}

class Writer {
 public:
  explicit Writer(const Story& story)
      : story_(story), diagnosis_(Diagnose(story)) {
    for (const Moment& moment : story.moments) {
      if (!moment.plain) moments_.push_back(&moment);
    }
  }

  std::string Text() {
    Names();
    for (std::size_t i = 0; i < moments_.size(); ++i) Access(i);
    for (std::size_t i = 0; i < story_.threads.size(); ++i) Parked(i);
    int track = 0;
    for (std::size_t i = 0; i < story_.columns.size(); ++i) {
      if (story_.columns[i].task < 0) Values(i, ++track);
    }
    return "{\"displayTimeUnit\": \"ms\", \"otherData\": " +
           Object({{"verdict", JsonText(diagnosis_.sentence)},
                   {"replay",
                    JsonText("netpoll replay " + ReplayStringOf(story_))}}) +
           ",\n\"traceEvents\": [\n" + events_ + "\n]}\n";
  }

 private:
  void Add(const Members& members) {
    events_ += (events_.empty() ? "" : ",\n") + Object(members);
  }

  // No time in these: some versions refuse one.
  void Name(const char* kind, int process, int track, const std::string& key,
            const std::string& value) {
    Add({{"ph", "\"M\""},
         {"name", JsonText(kind)},
         {"pid", Number(process)},
         {"tid", Number(track)},
         {"args", Object({{key, value}})}});
  }

  void Names() {
    const std::string title = story_.variant == "shipped"
                                  ? story_.scenario
                                  : story_.variant + "/" + story_.scenario;
    Name("process_name", kThreads, 0, "name", JsonText(title));
    Name("process_name", kWords, 0, "name", JsonText("words"));
    for (std::size_t i = 0; i < story_.threads.size(); ++i) {
      const int track = static_cast<int>(i) + 1;
      Name("thread_name", kThreads, track, "name", JsonText(story_.threads[i]));
      Name("thread_sort_index", kThreads, track, "sort_index", Number(track));
    }
    int track = 0;
    for (const Column& column : story_.columns) {
      if (column.task >= 0) continue;
      Name("thread_name", kWords, ++track, "name", JsonText(column.name));
      Name("thread_sort_index", kWords, track, "sort_index", Number(track));
    }
  }

  void Slice(int process, int track, const std::string& name, int from, int to,
             const std::string& args) {
    Add({{"ph", "\"X\""},
         {"name", JsonText(name)},
         {"cat", process == kThreads ? "\"step\"" : "\"word\""},
         {"pid", Number(process)},
         {"tid", Number(track)},
         {"ts", Number(from)},
         {"dur", Number(to - from)},
         {"args", args}});
  }

  // Accesses of one step share its millisecond.
  int Begin(std::size_t at) const {
    const int step = moments_[at]->step;
    std::size_t first = at;
    while (first > 0 && moments_[first - 1]->step == step) --first;
    std::size_t end = at;
    while (end < moments_.size() && moments_[end]->step == step) ++end;
    const int nth = static_cast<int>(at - first);
    return (step - 1) * kStep + nth * kStep / static_cast<int>(end - first);
  }
  int End(std::size_t at) const {
    const bool last = at + 1 == moments_.size() ||
                      moments_[at + 1]->step != moments_[at]->step;
    return last ? moments_[at]->step * kStep : Begin(at + 1);
  }

  void Access(std::size_t at) {
    const Moment& moment = *moments_[at];
    Members args = {{"step", Number(moment.step)},
                    {"operation", JsonText(moment.operation +
                                           (moment.failed ? " failed" : ""))}};
    if (!moment.object.empty()) {
      args.emplace_back("word", JsonText(moment.object));
      args.emplace_back("before", JsonText(moment.before));
      args.emplace_back("after", JsonText(moment.after));
    }
    const std::string place = PlaceOfMoment(moment);
    if (!place.empty()) {
      args.emplace_back("place", JsonText(place));
      args.emplace_back("source", JsonText(StatementOfMoment(moment)));
    }
    if (moment.step == diagnosis_.from || moment.step == diagnosis_.to) {
      args.emplace_back("decisive", "true");
    }
    Slice(kThreads, moment.thread + 1, moment.site, Begin(at), End(at),
          Object(args));
    Wake(at);
  }

  // From a step that makes a task runnable to the next of that thread.
  void Wake(std::size_t at) {
    const Moment& moment = *moments_[at];
    for (const Column& column : story_.columns) {
      if (column.task < 0 || column.task == moment.thread ||
          column.object_index != moment.object_index) {
        continue;
      }
      for (std::size_t i = at + 1; i < moments_.size(); ++i) {
        if (moments_[i]->thread != column.task) continue;
        Arrow("\"s\"", moment.thread, Begin(at) + 1);
        Arrow("\"f\"", column.task, Begin(i) + 1);
        ++arrows_;
        break;
      }
    }
  }

  void Arrow(const char* phase, int thread, int time) {
    Add({{"ph", phase},
         {"name", "\"wakes\""},
         {"cat", "\"wake\""},
         {"id", Number(arrows_)},
         {"pid", Number(kThreads)},
         {"tid", Number(thread + 1)},
         {"ts", Number(time)},
         {"bp", "\"e\""}});
  }

  void Parked(std::size_t thread) {
    const int end = static_cast<int>(story_.schedule.size()) * kStep;
    for (std::size_t i = 0; i < moments_.size(); ++i) {
      if (moments_[i]->stands[thread] != Stand::kParked) continue;
      std::size_t to = i;
      while (to < moments_.size() &&
             moments_[to]->stands[thread] == Stand::kParked) {
        ++to;
      }
      const bool for_ever = to == moments_.size();
      const bool lost = static_cast<int>(thread) == diagnosis_.lost;
      // What never ends gets some length to be seen by.
      Slice(kThreads, static_cast<int>(thread) + 1,
            for_ever && lost ? "parked for ever" : "parked", End(i),
            for_ever ? end + 2 * kStep : End(to) - (End(to) - Begin(to)), "{}");
      i = to;
    }
  }

  void Values(std::size_t word, int track) {
    const int end = static_cast<int>(story_.schedule.size()) * kStep;
    std::string value = story_.columns[word].initial;
    int from = 0;
    for (std::size_t i = 0; i < moments_.size(); ++i) {
      const std::string& next = moments_[i]->values[word];
      if (next == value) continue;
      if (Begin(i) > from) Slice(kWords, track, value, from, Begin(i), "{}");
      from = Begin(i);
      value = next;
    }
    Slice(kWords, track, value, from, end + 2 * kStep, "{}");
  }

  const Story& story_;
  const Diagnosis diagnosis_;
  std::vector<const Moment*> moments_;  // Those that are shown.
  std::string events_;
  int arrows_ = 0;
};

}  // namespace

std::string PerfettoTrace(const Story& story) { return Writer(story).Text(); }

}  // namespace netpoll::model
