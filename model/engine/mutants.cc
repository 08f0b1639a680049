// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/engine/mutants.h"

#include <algorithm>

namespace netpoll_model {
namespace {

void Explore(const Variant& variant, const std::vector<std::string>& only,
             bool refinement, MutantReport& report) {
  // A mutant may count for ever; it is killed long before this many states.
  constexpr std::uint64_t kEnough = 400'000;
  for (const Scenario& scenario : variant.scenarios) {
    if (!scenario.small()) continue;
    if (!only.empty() &&
        std::find(only.begin(), only.end(), scenario.name) == only.end()) {
      continue;
    }
    Exploration exploration(scenario, refinement);
    const SearchResult result = exploration.Run({.states = kEnough});
    if (result.violation.empty()) continue;
    report.kills.push_back({scenario.name, result.violation,
                            static_cast<int>(result.schedule.size()),
                            result.schedule});
  }
}

}  // namespace

const Kill& MutantReport::shortest() const {
  return *std::min_element(
      kills.begin(), kills.end(),
      [](const Kill& a, const Kill& b) { return a.length < b.length; });
}

MutantReport RunMutant(const Variant& variant,
                       const std::vector<std::string>& only) {
  MutantReport report{variant.name, variant.about, {}, false};
  CatchCrashes();
  Explore(variant, only, /*refinement=*/false, report);
  if (report.kills.empty()) {
    report.by_refinement = true;
    Explore(variant, only, /*refinement=*/true, report);
  }
  return report;
}

std::string GoldenLine(const MutantReport& report) {
  if (report.kills.empty()) return report.row + " | SURVIVES";
  const Kill& shortest = report.shortest();
  std::string line = report.row + " | " + shortest.property + " | " +
                     std::to_string(shortest.length) + " steps in " +
                     shortest.scenario + " |";
  for (const Kill& kill : report.kills) line += " " + kill.scenario;
  return line;
}

}  // namespace netpoll_model
