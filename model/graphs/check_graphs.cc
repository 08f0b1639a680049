// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/graphs/check_graphs.h"

#include <chrono>
#include <cstdint>
#include <cstdio>

#include "netpoll/model/engine/explore.h"
#include "netpoll/model/graphs/tell_graph.h"

namespace netpoll::model {
namespace {

std::string Doubt(const std::string& variant, const Scenario& scenario,
                  const GraphStory& story) {
  GraphString string;
  const std::string wrong = GraphString::Parse(story.ReplayText(), &string);
  if (!wrong.empty()) return "its string can't be read: " + wrong;
  const GraphStory again = TellGraphAgain(variant, scenario, string);
  if (!again.why_not.empty()) return again.why_not;
  if (again.violation == story.violation) return "";
  return "built again, it breaks " +
         (again.broken() ? again.violation : std::string("nothing"));
}

}  // namespace

GraphVerdict CheckGraphs(const std::string& variant, const Scenario& scenario,
                         MemoryModel model, const WeakLimits& limits) {
  const auto start = std::chrono::steady_clock::now();
  GraphVerdict verdict;
  verdict.scenario = scenario.name;
  Exploration exploration(scenario);
  exploration.WithTables([&](Tabulator& tables) {
    verdict.result = ExploreGraphs(tables, model, limits);
    if (verdict.result.violation.empty()) return;
    verdict.story = TellGraph(tables, verdict.result.graph, model,
                              verdict.result.violation);
    verdict.story.variant = variant;
    verdict.story.scenario = scenario.name;
    verdict.story.about = scenario.about;
  });
  if (verdict.story.broken()) {
    verdict.doubt = Doubt(variant, scenario, verdict.story);
  } else if (!verdict.result.complete) {
    verdict.cut_off =
        verdict.result.cut_off.empty()
            ? "after " + std::to_string(verdict.result.explored) + " graphs"
            : verdict.result.cut_off;
  }
  const std::chrono::duration<double> taken =
      std::chrono::steady_clock::now() - start;
  verdict.seconds = taken.count();
  return verdict;
}

std::string GraphHead() {
  return "configuration                graphs     blocked    explored\n";
}

std::string GraphLine(const GraphVerdict& verdict) {
  char line[160];
  std::snprintf(line, sizeof line, "%-24s %10llu  %10llu  %10llu\n",
                verdict.scenario.c_str(),
                static_cast<unsigned long long>(verdict.result.complete_graphs),
                static_cast<unsigned long long>(verdict.result.blocked_graphs),
                static_cast<unsigned long long>(verdict.result.explored));
  return line;
}

}  // namespace netpoll::model
