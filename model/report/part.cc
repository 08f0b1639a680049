// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/report/part.h"

#include <algorithm>

#include "netpoll/model/engine/walk.h"
#include "netpoll/model/report/run_graph.h"

namespace netpoll::model {
namespace {

// A state to begin with, and the runs that lead there.
struct Start {
  std::vector<Value> state;
  BigCount runs;
};

class Explorer {
 public:
  Explorer(Tabulator& tables, int width, const PartOptions& options)
      : walk_(tables, width), stepper_(walk_.stepper()), options_(options) {}

  PartResult Run() {
    for (const Start& start : Mine(ShareOut())) {
      const auto [number, added] = walk_.Add(start.state.data());
      if (added) graph_.runs.emplace_back();
      graph_.runs[number].Add(start.runs);
      ++result_.starts;
    }
    result_.complete = walk_.Run(*this) && !stepper_.broken();
    graph_.first_edge.push_back(graph_.edges.size());
    result_.violation = stepper_.violation();
    if (result_.complete) graph_.Count(options_.depth, &result_.survey);
    return std::move(result_);
  }

  bool Enter(std::uint32_t number) {
    const std::uint32_t known = walk_.states().size();
    graph_.first_edge.push_back(graph_.edges.size());
    if (options_.limits.progress && number % 65536 == 0) {
      options_.limits.progress(known, 0, known - number);
    }
    return !stepper_.broken() && known <= options_.limits.states;
  }

  bool Step(std::uint32_t, Choice) { return !stepper_.broken(); }

  bool Come(std::uint32_t, Choice, std::uint32_t to, bool added) {
    if (added) {
      graph_.runs.emplace_back();
      stepper_.CheckState(walk_.states().At(to));
    }
    graph_.edges.push_back(to);
    result_.survey.digest = Mix(result_.survey.digest, to);
    return !stepper_.broken();
  }

  void Leave(std::uint32_t number, Outlook outlook) {
    graph_.ends.push_back(outlook != Outlook::kGoesOn);
    if (outlook != Outlook::kRests) return;
    ++result_.survey.at_rest;
    stepper_.CheckRest(walk_.states().At(number));
  }

 private:
  // The states after `depth` steps; runs that end before are counted at once.
  std::vector<Start> ShareOut() {
    std::vector<Start> level(1);
    level[0].state = stepper_.Initial();
    level[0].runs = BigCount(1);
    std::vector<Value> next(stepper_.width());
    for (int depth = 0; depth < options_.depth && !stepper_.broken(); ++depth) {
      std::vector<Start> below;
      StateStore known(stepper_.width());
      for (const Start& start : level) {
        const Outlook outlook = EachStep(
            stepper_, start.state.data(), next.data(),
            [&](Choice, const Value* state) {
              if (stepper_.broken()) return false;
              const auto [number, added] = known.Insert(state);
              if (added) {
                stepper_.CheckState(state);
                below.push_back({{state, state + stepper_.width()}, {}});
              }
              below[number].runs.Add(start.runs);
              return true;
            });
        if (outlook == Outlook::kRests) stepper_.CheckRest(start.state.data());
        const bool ends =
            outlook == Outlook::kRests || outlook == Outlook::kStopped;
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

  Walk walk_;
  Stepper& stepper_;
  const PartOptions& options_;
  RunGraph graph_;
  PartResult result_;
};

}  // namespace

PartResult ExplorePart(Exploration& exploration, const PartOptions& options) {
  PartResult result;
  exploration.WithTables([&](Tabulator& tables) {
    result = WithRoom(tables, [&](int width) {
      return Explorer(tables, width, options).Run();
    });
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

}  // namespace netpoll::model
