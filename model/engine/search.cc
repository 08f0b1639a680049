// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/engine/search.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <tuple>

#include "netpoll/model/engine/fast_search.h"
#include "netpoll/model/engine/state_store.h"

namespace netpoll_model {
namespace {

struct From {
  std::uint32_t state;
  Choice choice;
};

class BreadthFirst {
 public:
  BreadthFirst(Tabulator& tables, int width, const SearchLimits& limits)
      : stepper_(tables, width),
        limits_(limits),
        threads_(tables.thread_count()),
        store_(width),
        next_(width) {}

  SearchResult Run() {
    const std::vector<Value> initial = stepper_.Initial();
    Add(initial.data(), {0, {}});
    std::uint32_t level_end = 1;
    for (std::uint32_t number = 0; number < store_.size(); ++number) {
      if (stepper_.broken()) break;
      if (number == level_end) {
        ++result_.depth;
        level_end = store_.size();
      }
      if (store_.size() > limits_.states) return Finish(number, false);
      Expand(number);
      if (limits_.progress && number % 65536 == 0) {
        limits_.progress(store_.size(), result_.depth, store_.size() - number);
      }
    }
    return Finish(0, true);
  }

 private:
  SearchResult Finish(std::uint32_t, bool complete) {
    result_.complete = complete && !stepper_.broken();
    result_.states = store_.size();
    result_.violation = stepper_.violation();
    if (stepper_.broken()) {
      std::vector<Choice>& schedule = result_.schedule;
      if (has_last_) schedule.push_back(last_);
      for (std::uint32_t at = broken_at_; at != 0; at = from_[at].state) {
        schedule.push_back(from_[at].choice);
      }
      std::reverse(schedule.begin(), schedule.end());
    }
    return result_;
  }

  void Expand(std::uint32_t number) {
    bool at_rest = true;
    if (stepper_.Stopped(store_.At(number))) return;
    for (int thread = 0; thread < threads_; ++thread) {
      const int branches = stepper_.Branches(store_.At(number), thread);
      const bool optional = stepper_.Optional(store_.At(number), thread);
      for (int branch = 0; branch < branches; ++branch) {
        if (!stepper_.Take(store_.At(number), thread, branch, next_.data())) {
          continue;
        }
        if (!optional) at_rest = false;
        ++result_.transitions;
        const Choice choice{static_cast<std::uint8_t>(thread),
                            static_cast<std::uint8_t>(branch)};
        if (stepper_.broken()) {
          broken_at_ = number;
          last_ = choice;
          has_last_ = true;
          return;
        }
        Add(next_.data(), {number, choice});
        if (stepper_.broken()) return;
      }
    }
    if (!at_rest) return;
    ++result_.at_rest;
    stepper_.CheckRest(store_.At(number));
    if (stepper_.broken()) broken_at_ = number;
  }

  void Add(const Value* state, From from) {
    const auto [number, added] = store_.Insert(state);
    if (!added) return;
    from_.push_back(from);
    stepper_.CheckState(store_.At(number));
    if (stepper_.broken()) broken_at_ = number;
  }

  Stepper stepper_;
  const SearchLimits& limits_;
  const int threads_;
  StateStore store_;
  std::vector<From> from_;
  std::vector<Value> next_;
  SearchResult result_;
  std::uint32_t broken_at_ = 0;
  Choice last_;
  bool has_last_ = false;
};

}  // namespace

SearchResult SearchWithParents(Tabulator& tables, const SearchLimits& limits) {
  int width = tables.thread_count() + std::max(tables.slots(), 8);
  for (;;) {
    try {
      return BreadthFirst(tables, width, limits).Run();
    } catch (const StateTooNarrow&) {
      width = tables.thread_count() + tables.slots() + 2;
    }
  }
}

SearchResult Search(Tabulator& tables, const SearchLimits& limits) {
  const auto start = std::chrono::steady_clock::now();
  // Many a search ends here; the others learn how wide a state is.
  SearchLimits few = limits;
  few.states = std::min<std::uint64_t>(limits.states, 1 << 14);
  SearchResult result = SearchWithParents(tables, few);
  const bool ended = result.complete || !result.violation.empty();
  if (!ended && !FastSearch(tables, limits, &result)) {
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
std::vector<Choice> FewestSwitches(Tabulator& tables, const SearchResult& found,
                                   int width) {
  const int threads = tables.thread_count();
  Stepper stepper(tables, width);
  struct Best {
    int switches;
    Choice choice;
    std::uint32_t from;  // Index into the level before.
    int from_last;
  };
  // A node of a level: a state and the thread that moved last.
  using Place = std::pair<std::vector<Value>, int>;
  std::vector<std::map<Place, Best>> levels(1);
  levels[0][{stepper.Initial(), -1}] = {0, {}, 0, -1};
  std::vector<std::map<Place, const Place*>> came(1);
  const std::size_t length = found.schedule.size();
  std::vector<Value> next(stepper.width());
  std::vector<Choice> best_schedule = found.schedule;
  int best_switches = std::numeric_limits<int>::max();
  for (std::size_t depth = 0; depth < length; ++depth) {
    levels.emplace_back();
    came.emplace_back();
    if (levels[depth].size() > 300'000) return best_schedule;
    for (const auto& [place, best] : levels[depth]) {
      for (int thread = 0; thread < threads; ++thread) {
        const int branches = stepper.Branches(place.first.data(), thread);
        for (int branch = 0; branch < branches; ++branch) {
          stepper.Forget();
          if (!stepper.Take(place.first.data(), thread, branch, next.data())) {
            continue;
          }
          const int switches =
              best.switches +
              (place.second != thread && place.second >= 0 ? 1 : 0);
          const bool last = depth + 1 == length;
          if (last && !stepper.broken()) {
            stepper.CheckState(next.data());
            bool rests = true;
            for (int other = 0; other < threads; ++other) {
              if (!stepper.Optional(next.data(), other) &&
                  stepper.Enabled(next.data(), other)) {
                rests = false;
              }
            }
            if (rests) stepper.CheckRest(next.data());
          }
          const Choice choice{static_cast<std::uint8_t>(thread),
                              static_cast<std::uint8_t>(branch)};
          if (last) {
            if (stepper.violation() != found.violation) continue;
            if (switches >= best_switches) continue;
            best_switches = switches;
            best_schedule.assign(1, choice);
            const Place* at = &place;
            for (std::size_t level = depth; level > 0; --level) {
              best_schedule.push_back(levels[level].at(*at).choice);
              at = came[level].at(*at);
            }
            std::reverse(best_schedule.begin(), best_schedule.end());
            continue;
          }
          if (stepper.broken()) continue;
          const Place to{next, thread};
          const auto [entry, added] = levels[depth + 1].try_emplace(
              to, Best{switches, choice, 0, place.second});
          if (added || switches < entry->second.switches) {
            entry->second = {switches, choice, 0, place.second};
            came[depth + 1][to] = &place;
          }
        }
      }
    }
  }
  return best_schedule;
}

}  // namespace

std::vector<Choice> FewestSwitches(Tabulator& tables,
                                   const SearchResult& found) {
  // The search ended where the law broke: this one may be the first to come to
  // an object that lies behind other states of the same depth.
  for (int spare = 0;; spare += 2) {
    try {
      return FewestSwitches(tables, found,
                            tables.thread_count() + tables.slots() + spare);
    } catch (const StateTooNarrow&) {
    }
  }
}

}  // namespace netpoll_model
