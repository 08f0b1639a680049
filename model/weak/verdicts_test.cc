// SPDX-License-Identifier: Apache-2.0
//
// Restricted to sequential consistency, graphs and interleavings come to the
// same verdict: on what ships, and on each access made weaker than it is
// written.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/model/engine/explore.h"
#include "netpoll/model/ways_to_weaken.h"
#include "netpoll/model/weak/weak_search.h"

namespace netpoll::model {
namespace {

const std::set<std::string>& Small() {
  static const auto& small = *new std::set<std::string>{
      "read-edge",       "read-edges",         "read-close",
      "read-edge-close", "read-past",          "read-past-cleared",
      "read-timer",      "read-timer-later",   "read-timer-close",
      "two-setters",     "error-told",         "both-close",
      "both-past",       "poll-again",         "setter-close",
      "two-pollers",     "misuse-close-early", "break-two",
      "pipe-one",        "sleep-deadlines",    "sleep-event",
      "pool-one-round"};
  return small;
}

WeakResult ByGraphs(const Scenario& scenario) {
  Exploration exploration(scenario);
  WeakResult result;
  exploration.WithTables([&](Tabulator& tables) {
    result = ExploreGraphs(tables, MemoryModel::kSc,
                           {.graphs = 2'000'000, .graphs_for_smaller = 0});
  });
  return result;
}

struct Totals {
  int compared = 0;
  int killed = 0;
  int cut_off = 0;
};

void Compare(const Scenario& scenario, const std::string& what,
             Totals* totals) {
  const SearchResult states = Exploration(scenario).Run();
  const WeakResult graphs = ByGraphs(scenario);
  ++totals->compared;
  totals->killed += states.violation.empty() ? 0 : 1;
  // Where a loop may go round for ever there are graphs without end.
  totals->cut_off += graphs.cut_off.empty() ? 0 : 1;
  EXPECT_TRUE(graphs.complete || !graphs.violation.empty() ||
              !graphs.cut_off.empty())
      << scenario.name << " " << what;
  EXPECT_EQ(states.violation.empty(), graphs.violation.empty())
      << scenario.name << " " << what << ": by states '" << states.violation
      << "', by graphs '" << graphs.violation << "'";
}

TEST(Verdicts, OfWhatShipsAndOfEachWeakerAccess) {
  Totals totals;
  for (const Scenario& scenario : Variants().front().scenarios) {
    if (Small().count(scenario.name) == 0) continue;
    Compare(scenario, "as shipped", &totals);
    std::map<std::string, std::vector<Weakness>> sites;
    Exploration exploration(scenario);
    exploration.Run();
    const Tabulator& tables = exploration.tables();
    for (int thread = 0; thread < tables.thread_count(); ++thread) {
      for (const Node& node : tables.nodes(thread)) {
        const Access& access = tables.access(node.access);
        sites[access.site] = WaysToWeaken(access);
      }
    }
    for (const auto& [site, ways] : sites) {
      for (const Weakness how : ways) {
        Compare(Weaker(scenario, {site, how}), site + " " + Name(how), &totals);
      }
    }
  }
  EXPECT_GT(totals.compared, 300);
  EXPECT_GT(totals.killed, 150);
  EXPECT_LT(totals.cut_off, 30);
}

}  // namespace
}  // namespace netpoll::model
