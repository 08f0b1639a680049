// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/engine/first_search.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <utility>

#include "netpoll/model/engine/search_by_keys.h"

namespace netpoll::model {
namespace {

struct From {
  std::uint32_t state;
  Choice choice;
};

// Keeps where each state came from.
class WithParents {
 public:
  WithParents(Tabulator& tables, int width, const SearchLimits& limits)
      : walk_(tables, width), stepper_(walk_.stepper()), limits_(limits) {}

  SearchResult Run() {
    walk_.Add(stepper_.Initial().data());
    from_.push_back({0, {}});
    stepper_.CheckState(walk_.states().At(0));
    result_.complete =
        !stepper_.broken() && walk_.Run(*this) && !stepper_.broken();
    result_.states = walk_.states().size();
    result_.violation = stepper_.violation();
    if (stepper_.broken()) result_.schedule = Schedule();
    return result_;
  }

  bool Enter(std::uint32_t number) {
    if (stepper_.broken()) return false;
    const std::uint32_t known = walk_.states().size();
    if (number == level_end_) {
      ++result_.depth;
      level_end_ = known;
    }
    if (known > limits_.states) return false;
    if (limits_.progress && number % 65536 == 0) {
      limits_.progress(known, result_.depth, known - number);
    }
    return true;
  }

  bool Step(std::uint32_t from, Choice choice) {
    ++result_.transitions;
    if (!stepper_.broken()) return true;
    broken_ = {from, choice};
    by_a_step_ = true;
    return false;
  }

  bool Come(std::uint32_t from, Choice choice, std::uint32_t to, bool added) {
    if (!added) return true;
    from_.push_back({from, choice});
    stepper_.CheckState(walk_.states().At(to));
    if (stepper_.broken()) broken_.state = to;
    return !stepper_.broken();
  }

  void Leave(std::uint32_t number, Outlook outlook) {
    if (outlook != Outlook::kRests) return;
    ++result_.at_rest;
    stepper_.CheckRest(walk_.states().At(number));
    if (stepper_.broken()) broken_.state = number;
  }

 private:
  std::vector<Choice> Schedule() const {
    std::vector<Choice> schedule;
    if (by_a_step_) schedule.push_back(broken_.choice);
    for (std::uint32_t at = broken_.state; at != 0; at = from_[at].state) {
      schedule.push_back(from_[at].choice);
    }
    std::reverse(schedule.begin(), schedule.end());
    return schedule;
  }

  Walk walk_;
  Stepper& stepper_;
  const SearchLimits& limits_;
  std::vector<From> from_;
  std::uint32_t level_end_ = 1;
  SearchResult result_;
  // The state in which, or after a step of which, a law broke.
  From broken_{0, {}};
  bool by_a_step_ = false;
};

}  // namespace

SearchResult SearchWithParents(Tabulator& tables, const SearchLimits& limits) {
  return WithRoom(tables, [&](int width) {
    return WithParents(tables, width, limits).Run();
  });
}

SearchResult FirstSearch(Tabulator& tables, const SearchLimits& limits) {
  const auto start = std::chrono::steady_clock::now();
  // Many a search ends here; the others learn how wide a state is.
  SearchLimits few = limits;
  few.states = std::min<std::uint64_t>(limits.states, 1 << 14);
  SearchResult result = SearchWithParents(tables, few);
  const bool ended = result.complete || !result.violation.empty();
  if (!ended && !SearchByKeys(tables, limits, &result)) {
    result = SearchWithParents(tables, limits);
  }
  result.executions = tables.executions();
  for (int thread = 0; thread < tables.thread_count(); ++thread) {
    result.local_states += static_cast<int>(tables.nodes(thread).size());
  }
  if (result.violation.empty()) result.violation = tables.LockOrderCycle();
  if (result.violation.empty() && !tables.incongruence().empty()) {
    result.violation = "not a fair table: " + tables.incongruence();
  }
  const std::chrono::duration<double> taken =
      std::chrono::steady_clock::now() - start;
  result.seconds = taken.count();
  return result;
}

namespace {

// Goes through the states level by level, as far as the violation is deep, and
// keeps for each state and last thread the schedule with the fewest switches.
class SwitchCounter {
 public:
  SwitchCounter(Tabulator& tables, int width, const SearchResult& found)
      : stepper_(tables, width), found_(found), next_(width) {}

  std::vector<Choice> Run() {
    constexpr std::size_t kMost = 300'000;  // Places of a level.
    best_schedule_ = found_.schedule;
    levels_.resize(1);
    levels_[0][{stepper_.Initial(), -1}] = {0, {}, nullptr};
    for (std::size_t depth = 1; depth <= found_.schedule.size(); ++depth) {
      if (levels_.back().size() > kMost) return best_schedule_;
      levels_.emplace_back();
      const bool last = depth == found_.schedule.size();
      for (const auto& entry : levels_[depth - 1]) {
        EachStep(stepper_, entry.first.first.data(), next_.data(),
                 [&](Choice choice, const Value*) {
                   last ? End(entry, choice) : GoOn(entry, choice);
                   stepper_.Forget();
                   return true;
                 });
      }
    }
    return best_schedule_;
  }

 private:
  // A state and the thread that moved last.
  using Place = std::pair<std::vector<Value>, int>;
  struct Best {
    int switches;
    Choice choice;  // The last one, and the place before it.
    const std::pair<const Place, Best>* before;
  };
  using Entry = std::pair<const Place, Best>;

  static int Switches(const Entry& from, Choice choice) {
    const int last = from.first.second;
    return from.second.switches + (last >= 0 && last != choice.thread ? 1 : 0);
  }

  void GoOn(const Entry& from, Choice choice) {
    if (stepper_.broken()) return;
    const Best best{Switches(from, choice), choice, &from};
    const auto [entry, added] =
        levels_.back().try_emplace({next_, choice.thread}, best);
    if (!added && best.switches < entry->second.switches) entry->second = best;
  }

  void End(const Entry& from, Choice choice) {
    if (!stepper_.broken()) CheckEnd();
    const int switches = Switches(from, choice);
    if (stepper_.violation() != found_.violation) return;
    if (switches >= best_switches_) return;
    best_switches_ = switches;
    best_schedule_.assign(1, choice);
    for (const Entry* at = &from; at->second.before != nullptr;
         at = at->second.before) {
      best_schedule_.push_back(at->second.choice);
    }
    std::reverse(best_schedule_.begin(), best_schedule_.end());
  }

  void CheckEnd() {
    stepper_.CheckState(next_.data());
    if (stepper_.Rests(next_.data())) stepper_.CheckRest(next_.data());
  }

  Stepper stepper_;
  const SearchResult& found_;
  std::vector<Value> next_;
  std::vector<std::map<Place, Best>> levels_;
  std::vector<Choice> best_schedule_;
  int best_switches_ = std::numeric_limits<int>::max();
};

}  // namespace

std::vector<Choice> FewestSwitches(Tabulator& tables,
                                   const SearchResult& found) {
  return WithRoom(tables, [&](int width) {
    return SwitchCounter(tables, width, found).Run();
  });
}

}  // namespace netpoll::model
