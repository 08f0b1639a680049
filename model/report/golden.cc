// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/report/golden.h"

#include <string>
#include <vector>

#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/report/check.h"
#include "netpoll/model/report/coverage.h"
#include "netpoll/model/report/part.h"
#include "netpoll/model/report/pictures.h"

namespace netpoll::model {
namespace {

constexpr char kPageHead[] =
    "# The states of a semaphore, as they were explored\n"
    "\n"
    "Every move of `rg` and `wg` that the explorer met in the matrix of\n"
    "configurations, named by the operation that made it. Generated from the\n"
    "explored graph, and compared with it by a test; `state-table.md` is the\n"
    "specification, which also has what leaves the word alone.\n"
    "\n"
    "```mermaid\n";

}  // namespace

Golden ExploreForGolden(int workers) {
  Golden golden;
  const Variant* const shipped = FindVariant("shipped");
  if (shipped == nullptr) return golden;
  std::vector<Scenario> scenarios;
  for (const Scenario& scenario : shipped->scenarios) {
    if (scenario.small()) scenarios.push_back(scenario);
  }
  constexpr int kMostTold = 3;
  int broken = 0;
  Certificate certificate;
  golden.certificate = Certificate::Head();
  CheckAll(*shipped, scenarios, {}, workers, [&](const Verdict& verdict) {
    golden.certificate += Certificate::Line(verdict);
    certificate.Add(verdict);
    if (verdict.ok()) return;
    if (++broken <= kMostTold) {
      golden.broken += verdict.scenario + ": " +
                       verdict.Counterexample(kWidthOfFiles) + "\n";
    }
  });
  if (broken > kMostTold) {
    golden.broken += "and broken in " + std::to_string(broken - kMostTold) +
                     " other configurations: netpoll check\n";
  }
  const Coverage coverage = certificate.coverage();
  golden.certificate += certificate.Total() + coverage.Text();
  golden.states_page = kPageHead + StateDiagram(certificate.word_moves()) +
                       "```\n\n"
                       "`Nil` nothing pending, nobody waits; `Ready` readiness "
                       "recorded; `Wait` a task\nis about to park; `Parked` a "
                       "task is parked.\n";
  for (const std::string& name : coverage.Unexplained()) {
    golden.unexplained += name + "\n";
  }
  return golden;
}

ClosedGolden ExploreClosed(int workers, bool deep) {
  ClosedGolden golden;
  const Variant& shipped = *FindVariant("shipped");
  std::vector<Scenario> scenarios;
  for (const Scenario& scenario : shipped.scenarios) {
    if (scenario.closed && scenario.deep == deep) scenarios.push_back(scenario);
  }
  golden.table = ClosedHead();
  CheckAll(shipped, scenarios, {}, workers, [&](const Verdict& verdict) {
    ++golden.configurations;
    if (verdict.ok()) {
      golden.table += ClosedLine(verdict);
    } else {
      golden.broken += verdict.scenario + ": " +
                       verdict.Counterexample(kWidthOfFiles) + "\n";
    }
  });
  return golden;
}

std::string DeepLine(const Scenario& scenario, int part, int parts) {
  Exploration exploration(scenario);
  PartOptions options;
  options.part = part;
  options.parts = parts;
  options.depth = parts == 1 ? 0 : kDeepDepth;
  return ExplorePart(exploration, options).Line(scenario.name, part, parts);
}

std::string DeepLines() {
  std::string lines;
  for (const Scenario& scenario : FindVariant("shipped")->scenarios) {
    if (!scenario.deep || scenario.closed) continue;
    lines += DeepLine(scenario, 0, 1) + "\n";
    for (int part = 0; part < kDeepParts; ++part) {
      lines += DeepLine(scenario, part, kDeepParts) + "\n";
    }
  }
  return lines;
}

}  // namespace netpoll::model
