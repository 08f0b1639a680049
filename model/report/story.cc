// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/report/story.h"

#include <algorithm>
#include <utility>

#include "netpoll/model/engine/explore.h"
#include "netpoll/model/engine/fair_cycles.h"
#include "netpoll/model/engine/view.h"
#include "netpoll/model/report/places.h"
#include "netpoll/model/report/replay_string.h"
#include "netpoll/model/report/show_value.h"
#include "netpoll/model/report/source.h"

namespace netpoll::model {
namespace {

// What the laws watch comes first, then locks, the rest, and tasks.
int Place(const World& world, const Object& object) {
  const int column = world.attached().Column(object);
  if (column >= 0) return column;
  if (TaskOf(world, object) >= 0) return 102;
  return object.lock_number >= 0 ? 100 : 101;
}

// Runs a schedule and writes the story as it goes.
class Teller {
 public:
  Teller(Tabulator& tables, Story& story)
      : tables_(tables),
        story_(story),
        stepper_(tables, tables.thread_count() + tables.slots() + kSpare),
        state_(stepper_.Initial()) {
    stepper_.did = &did_;
    for (const auto& thread : world().threads()) {
      story_.threads.push_back(thread.name);
    }
    story_.stands = Stands();
    for (const Object* object : world().objects()) {
      values_.push_back(Show(world(), *object, 0));
    }
  }

  void Run(const std::vector<Choice>& schedule) {
    std::vector<Value> around = state_;
    for (const Choice choice : schedule) {
      if (static_cast<int>(story_.schedule.size()) == story_.cycle) {
        around = state_;
      }
      if (!Take(choice) || stepper_.broken()) break;
    }
    story_.violation = stepper_.violation();
    const bool whole = !stepper_.broken() && story_.stuck_at == 0;
    if (whole && story_.cycle >= 0) GoRound(around);
    if (whole && story_.cycle < 0) Rest();
    if (stepper_.broken()) About(stepper_.subject());
    const View view(tables_, state_.data());
    for (int thread = 0; thread < tables_.thread_count(); ++thread) {
      const Access& next = view.Next(thread);
      story_.next.push_back(next.site);
      story_.next_place.push_back(PlaceOf(next, view.Local(thread).place));
      story_.next_object.push_back(next.object == nullptr ? -1
                                                          : next.object->index);
    }
    FillColumns();
  }

 private:
  void GoRound(const std::vector<Value>& from) {
    if (from != state_) {
      story_.stuck_at = static_cast<int>(story_.schedule.size());
      story_.stuck_why = "it does not lead back to where the cycle began";
      return;
    }
    story_.violation = BrokenByCycle(
        tables_, from,
        {story_.schedule.begin() + story_.cycle, story_.schedule.end()});
    World& world = tables_.world();
    const View view(tables_, state_.data());
    for (int law = 0; const char* const text = world.Passing(law); ++law) {
      if (story_.violation == text && world.Lasts(view, law)) {
        About({world.Lasting(law), nullptr});
        break;
      }
    }
  }

  void About(const Subject& subject) {
    story_.task = subject.thread;
    if (subject.object == nullptr) return;
    NameFields(tables_);
    story_.object = subject.object->index;
    story_.object_name = subject.object->name;
    const View view(tables_, state_.data());
    story_.object_value =
        Show(world(), *subject.object, view.Raw(*subject.object));
  }

  void Rest() {
    story_.at_rest = stepper_.Rests(state_.data());
    if (story_.at_rest) stepper_.CheckRest(state_.data());
    story_.violation = stepper_.violation();
  }

  static constexpr int kSpare = 64;  // For objects not yet touched.

  const World& world() const { return tables_.world(); }

  bool Take(Choice choice) {
    const int step = static_cast<int>(story_.schedule.size()) + 1;
    std::vector<Value> next(state_.size());
    const char* const why = WhyNot(choice, next.data());
    if (why != nullptr) {
      story_.stuck_at = step;
      story_.stuck_why = why;
      return false;
    }
    if (!story_.schedule.empty() &&
        story_.schedule.back().thread != choice.thread) {
      ++story_.switches;
    }
    story_.schedule.push_back(choice);
    state_ = std::move(next);
    for (const Stepper::Did& did : did_) Write(step, did);
    if (!stepper_.broken()) stepper_.CheckState(state_.data());
    return true;
  }

  // Takes the step into `next`, or says why that is not possible.
  const char* WhyNot(Choice choice, Value* next) {
    if (choice.thread >= tables_.thread_count())
      return "there is no such thread";
    const int branches = stepper_.Branches(state_.data(), choice.thread);
    if (branches == 0) return "the thread has ended";
    if (stepper_.Stopped(state_.data())) return "the program has stopped";
    if (choice.branch >= branches) return "there is no such branch";
    if (!stepper_.Take(state_.data(), choice.thread, choice.branch, next)) {
      return "the thread is blocked";
    }
    return nullptr;
  }

  void Write(int step, const Stepper::Did& did) {
    const Access& access = tables_.access(did.access);
    Moment moment;
    moment.step = step;
    moment.thread = did.thread;
    moment.site = access.site;
    moment.place = PlaceOf(access, tables_.node(did.thread, did.node).place);
    moment.operation = Name(access.op);
    if (access.op == Op::kChoose) {
      moment.operation += " " + std::to_string(did.response + 1) + " of " +
                          std::to_string(access.number);
    }
    if (access.object != nullptr) {
      const Object& object = *access.object;
      if (object.name.starts_with(kField)) NameFields(tables_);
      moment.object = object.name;
      moment.object_index = object.index;
      moment.before = Show(world(), object, did.before);
      moment.after = Show(world(), object, did.after);
      moment.changed = did.before != did.after;
      moment.plain = access.op == Op::kGet && did_.size() > 1;
      moment.failed = access.op == Op::kCas && did.response == 0;
      moment.looked = access.op == Op::kLoad || access.op == Op::kGet ||
                      access.op == Op::kCas || access.op == Op::kCall ||
                      access.op == Op::kExchange;
      Touch(object);
      if (object.index >= 0) values_[object.index] = moment.after;
    }
    moment.values = values_;
    moment.stands = Stands();
    story_.moments.push_back(std::move(moment));
  }

  void Touch(const Object& object) {
    const auto at = std::find(touched_.begin(), touched_.end(), &object);
    if (at == touched_.end()) touched_.push_back(&object);
  }

  std::vector<Stand> Stands() {
    const View view(tables_, state_.data());
    std::vector<Stand> stands;
    for (int thread = 0; thread < tables_.thread_count(); ++thread) {
      const Access& next = view.Next(thread);
      Stand stand = Stand::kRuns;
      if (next.op == Op::kEnd) {
        stand = Stand::kEnded;
      } else if (!stepper_.Enabled(state_.data(), thread)) {
        const bool parks = view.Local(thread).ghost.parked;
        stand = parks ? Stand::kParked : Stand::kBlocked;
      } else if (next.optional) {
        stand = Stand::kMay;
      }
      stands.push_back(stand);
    }
    return stands;
  }

  // Columns are the objects that the story touches, words first.
  void FillColumns() {
    std::stable_sort(touched_.begin(), touched_.end(),
                     [this](const Object* a, const Object* b) {
                       return Place(world(), *a) < Place(world(), *b);
                     });
    for (const Object* object : touched_) {
      story_.columns.push_back({object->name, object->index,
                                TaskOf(world(), *object),
                                Show(world(), *object, 0)});
    }
    // What an object is, and so what its values are called, may be known only
    // when it is first touched.
    std::vector<bool> known(story_.columns.size(), false);
    for (Moment& moment : story_.moments) {
      std::vector<std::string> values;
      for (std::size_t i = 0; i < story_.columns.size(); ++i) {
        const Column& column = story_.columns[i];
        const auto at = static_cast<std::size_t>(column.object_index);
        if (column.object_index == moment.object_index) known[i] = true;
        const bool has = known[i] && at < moment.values.size();
        values.push_back(has ? moment.values[at] : column.initial);
      }
      moment.values = std::move(values);
    }
  }

  Tabulator& tables_;
  Story& story_;
  Stepper stepper_;
  std::vector<Value> state_;
  std::vector<Stepper::Did> did_;
  std::vector<const Object*> touched_;
  std::vector<std::string> values_;  // Of the world's objects.
};

}  // namespace

Story Tell(const std::string& variant, const Scenario& scenario,
           const std::vector<Choice>& schedule, int cycle) {
  Exploration exploration(scenario);
  Story story;
  exploration.WithTables([&](Tabulator& tables) {
    story = {};
    story.variant = variant;
    story.scenario = scenario.name;
    story.about = scenario.about;
    story.cycle = cycle;
    Teller(tables, story).Run(schedule);
  });
  return story;
}

bool operator==(const Story& a, const Story& b) {
  const auto same = [](const Moment& x, const Moment& y) {
    return x.step == y.step && x.thread == y.thread && x.site == y.site &&
           x.operation == y.operation && x.object == y.object &&
           x.before == y.before && x.after == y.after && x.values == y.values &&
           x.stands == y.stands;
  };
  return a.violation == b.violation && a.cycle == b.cycle &&
         a.stuck_at == b.stuck_at && a.at_rest == b.at_rest &&
         a.schedule == b.schedule &&
         std::equal(a.moments.begin(), a.moments.end(), b.moments.begin(),
                    b.moments.end(), same);
}

std::string ReplayStringOf(const Story& story) {
  const ReplayString text{story.variant, story.scenario,
                          std::string(SourceDigest()), story.schedule,
                          story.cycle};
  return text.Text();
}

std::string StepsOf(const Story& story) {
  const std::size_t steps = story.schedule.size();
  return std::to_string(steps) + (steps == 1 ? " step" : " steps");
}

std::string SwitchesOf(const Story& story) {
  return std::to_string(story.switches) +
         (story.switches == 1 ? " switch" : " switches") + " between threads";
}

}  // namespace netpoll::model
