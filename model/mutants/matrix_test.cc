// SPDX-License-Identifier: Apache-2.0
//
// Every mutant dies, by a law that its row names, and the matrix is the one
// that is checked in.

#include "netpoll/model/mutants/matrix.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/model/engine/weaken.h"
#include "netpoll/model/mutants/golden_files.h"
#include "netpoll/model/mutants/read_rows.h"
#include "netpoll/model/mutants/row.h"
#include "netpoll/model/mutants/told_again.h"
#include "netpoll/model/source/read_file.h"

namespace netpoll::model {
namespace {

// Run once for all tests. What survives is explored to its end, which takes
// most of the time: NETPOLL_DEEP looks there, too.
const std::vector<MutantResult>& Results() {
  static const auto& results = *new std::vector<MutantResult>([] {
    RunOptions options;
    if (std::getenv("NETPOLL_DEEP") == nullptr) {
      options.bounded_in = KilledIn(ReadFile(kGoldenFile));
    }
    return RunMutants(Mutants(), options);
  }());
  return results;
}

TEST(Mutants, EveryRowIsCompiledIn) {
  std::set<std::string> compiled;
  for (const auto* mutant : Mutants()) compiled.insert(mutant->name);
  for (const auto& [name, row] : ReadRows("model/mutants/rows")) {
    EXPECT_EQ(compiled.count(name), 1u)
        << name << " was left out; rows_test says why it does not fit";
  }
  EXPECT_EQ(compiled.size(), ReadRows("model/mutants/rows").size());
}

TEST(Mutants, EachDiesByALawThatItsRowNames) {
  const auto rows = ReadRows("model/mutants/rows");
  for (const MutantResult& mutant : Results()) {
    EXPECT_GT(mutant.kills(), 0)
        << mutant.name << " survives: " << mutant.about;
    const auto row = rows.find(mutant.name);
    if (row == rows.end()) continue;
    bool expected = false;
    for (const Cell& cell : mutant.cells) {
      const auto& laws = row->second.breaks;
      if (std::find(laws.begin(), laws.end(), cell.law()) != laws.end()) {
        expected = true;
      }
    }
    EXPECT_TRUE(expected || mutant.kills() == 0)
        << mutant.name << " dies, but by none of the laws that its row names";
  }
}

// With these, workers of large configurations go round for ever and something
// counts: they die elsewhere.
const std::set<std::string>& GoRoundForEver() {
  static const auto& rows = *new std::set<std::string>{
      "B10-retract-keeps-turn", "B10-turn-kept", "B10-wake-answers-for-nobody",
      "S16-exchange-ignored"};
  return rows;
}

// Of weaker memory orders only what is small is explored here: docs/orders.md
// has the rest.
TEST(Mutants, EveryCellIsExploredToItsEnd) {
  const auto rows = ReadRows("model/mutants/rows");
  for (const MutantResult& mutant : Results()) {
    const auto row = rows.find(mutant.name);
    if (row != rows.end() && IsOrder(WeaknessNamed(row->second.weaker_how))) {
      continue;
    }
    if (GoRoundForEver().contains(mutant.name)) continue;
    for (const Cell& cell : mutant.cells) {
      EXPECT_TRUE(cell.complete) << mutant.name << " in " << cell.configuration;
    }
  }
}

TEST(Mutants, EverySentenceIsTrueAndSpeaksOfTheTaskThatTheLawMeant) {
  int told = 0;
  int graphs = 0;
  for (const MutantResult& mutant : Results()) {
    for (const Cell& cell : mutant.cells) {
      if (cell.replay.empty()) continue;
      EXPECT_EXIT(TellAgain(mutant, cell), ::testing::ExitedWithCode(0), "")
          << mutant.name << " in " << cell.configuration;
      ++told;
      graphs += IsGraphString(cell.replay) ? 1 : 0;
    }
  }
  EXPECT_GT(told, 1000);
  EXPECT_GT(graphs, 20);
}

// Each row leads to a counterexample with a schedule.
TEST(Mutants, EachHasAShortestCounterexampleThatReplays) {
  for (const MutantResult& mutant : Results()) {
    const Cell* const shortest = mutant.shortest();
    if (shortest == nullptr) continue;
    EXPECT_FALSE(shortest->replay.empty())
        << mutant.name << " in " << shortest->configuration << ": "
        << shortest->violation;
  }
}

TEST(Mutants, TheMatrixIsTheOneCheckedIn) {
  EXPECT_EQ(ReadFile(kGoldenFile), Golden(Results(), Configurations(),
                                          ParseReasons(ReadFile(kReasonsFile))))
      << "a kill was won or lost, or a counterexample changed its length. If "
         "that is meant:\n  bazel run //model/mutants:write_golden";
}

TEST(Mutants, TheFamiliesAreThoseCheckedIn) {
  EXPECT_EQ(ReadFile(kFamiliesFile), FamiliesGolden())
      << "bazel run //model/mutants:write_golden";
}

TEST(Mutants, EveryConfigurationKillsAloneOrHasAReasonToStay) {
  const std::string golden = ReadFile(kGoldenFile);
  EXPECT_EQ(golden.find("NO REASON GIVEN"), std::string::npos)
      << "give one in " << kReasonsFile;
  const auto configurations = Configurations();
  for (const auto& [name, reason] : ParseReasons(ReadFile(kReasonsFile))) {
    EXPECT_NE(std::find(configurations.begin(), configurations.end(), name),
              configurations.end())
        << kReasonsFile << " names " << name << ", which is no configuration";
  }
}

TEST(Mutants, TheDocumentationHasTheTable) {
  const std::string page = ReadFile(kDocsFile);
  EXPECT_EQ(page, WithTable(page, DocsTable(Results())))
      << "bazel run //model/mutants:write_golden";
}

}  // namespace
}  // namespace netpoll::model
