// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/report/part.h"

#include <algorithm>

#include "netpoll/model/engine/state_store.h"
#include "netpoll/model/engine/stepper.h"
#include "netpoll/model/report/run_graph.h"

namespace netpoll_model {
namespace {

std::uint64_t Mix(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0xff51afd7ed558ccdu;
  return hash ^ (hash >> 32);
}

// A state to begin with, and the runs that lead there.
struct Start {
  std::vector<Value> state;
  BigCount runs;
};

class Explorer {
 public:
  Explorer(Tabulator& tables, int width, const PartOptions& options)
      : stepper_(tables, width),
        threads_(tables.thread_count()),
        options_(options),
        store_(width),
        next_(width) {}

  PartResult Run() {
    for (const Start& start : Mine(ShareOut())) {
      const auto [number, added] = store_.Insert(start.state.data());
      if (added) graph_.runs.emplace_back();
      graph_.runs[number].Add(start.runs);
      ++result_.starts;
    }
    for (std::uint32_t number = 0; number < store_.size(); ++number) {
      graph_.first_edge.push_back(graph_.edges.size());
      if (stepper_.broken() || store_.size() > options_.limits.states) break;
      Expand(number);
      if (options_.limits.progress && number % 65536 == 0) {
        options_.limits.progress(store_.size(), 0, store_.size() - number);
      }
    }
    graph_.first_edge.push_back(graph_.edges.size());
    result_.violation = stepper_.violation();
    result_.complete =
        !stepper_.broken() && store_.size() <= options_.limits.states;
    if (result_.complete) graph_.Count(options_.depth, &result_.survey);
    return std::move(result_);
  }

 private:
  // Calls `take` with every state after one step. True: nothing more must
  // happen in this one.
  template <class Taken>
  bool Steps(const Value* state, Taken take) {
    if (stepper_.Stopped(state)) return true;
    bool rests = true;
    from_.assign(state, state + stepper_.width());
    for (int thread = 0; thread < threads_; ++thread) {
      const int branches = stepper_.Branches(from_.data(), thread);
      for (int branch = 0; branch < branches; ++branch) {
        if (!stepper_.Take(from_.data(), thread, branch, next_.data())) {
          continue;
        }
        if (!stepper_.Optional(from_.data(), thread)) rests = false;
        if (stepper_.broken()) return false;
        take(next_.data());
      }
    }
    if (rests) stepper_.CheckRest(from_.data());
    return rests;
  }

  // The states after `depth` steps; runs that end before are counted at once.
  std::vector<Start> ShareOut() {
    std::vector<Start> level(1);
    level[0].state = stepper_.Initial();
    level[0].runs = BigCount(1);
    for (int depth = 0; depth < options_.depth && !stepper_.broken(); ++depth) {
      std::vector<Start> below;
      StateStore known(stepper_.width());
      for (const Start& start : level) {
        const bool ends = Steps(start.state.data(), [&](const Value* state) {
          const auto [number, added] = known.Insert(state);
          if (added) {
            stepper_.CheckState(state);
            below.push_back({{state, state + stepper_.width()}, {}});
          }
          below[number].runs.Add(start.runs);
        });
        if (ends && options_.part == 0) {
          result_.survey.interleavings.Add(start.runs);
        }
      }
      level = std::move(below);
    }
    return level;
  }

  // Neighbours have much in common: a part is a stretch of them.
  std::vector<Start> Mine(std::vector<Start> all) const {
    std::sort(all.begin(), all.end(), [](const Start& a, const Start& b) {
      return std::lexicographical_compare(a.state.rbegin(), a.state.rend(),
                                          b.state.rbegin(), b.state.rend());
    });
    const std::size_t begin = all.size() * options_.part / options_.parts;
    const std::size_t end = all.size() * (options_.part + 1) / options_.parts;
    return {all.begin() + static_cast<std::ptrdiff_t>(begin),
            all.begin() + static_cast<std::ptrdiff_t>(end)};
  }

  void Expand(std::uint32_t number) {
    const bool stopped = stepper_.Stopped(store_.At(number));
    const bool rests = Steps(store_.At(number), [this](const Value* next) {
      const auto [to, added] = store_.Insert(next);
      if (added) {
        graph_.runs.emplace_back();
        stepper_.CheckState(next);
      }
      graph_.edges.push_back(to);
      result_.survey.digest = Mix(result_.survey.digest, to);
    });
    graph_.ends.push_back(rests);
    if (rests && !stopped) ++result_.survey.at_rest;
  }

  Stepper stepper_;
  const int threads_;
  const PartOptions& options_;
  StateStore store_;
  std::vector<Value> from_;
  std::vector<Value> next_;
  RunGraph graph_;
  PartResult result_;
};

}  // namespace

PartResult ExplorePart(Exploration& exploration, const PartOptions& options) {
  PartResult result;
  exploration.WithTables([&](Tabulator& tables) {
    int width = tables.thread_count() + std::max(tables.slots(), 8);
    for (;;) {
      try {
        result = Explorer(tables, width, options).Run();
        break;
      } catch (const StateTooNarrow&) {
        width = tables.thread_count() + tables.slots() + 2;
      }
    }
    if (result.violation.empty()) result.violation = tables.LockOrderCycle();
    if (result.violation.empty() && !tables.incongruence().empty()) {
      result.violation = "not a fair table: " + tables.incongruence();
    }
  });
  return result;
}

std::string PartResult::Line(const std::string& scenario, int part,
                             int parts) const {
  const std::string name = scenario + " " + std::to_string(part + 1) + "/" +
                           std::to_string(parts) + " ";
  if (!violation.empty()) return name + "BROKEN " + violation;
  if (!complete) return name + "CUT OFF";
  return name + "starts " + std::to_string(starts) + " states " +
         std::to_string(survey.states) + " transitions " +
         std::to_string(survey.transitions) + " at-rest " +
         std::to_string(survey.at_rest) + " longest " +
         (survey.acyclic ? std::to_string(survey.longest) : "cyclic") +
         " interleavings " +
         (survey.acyclic ? survey.interleavings.Text() : "unbounded");
}

}  // namespace netpoll_model
