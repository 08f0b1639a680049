// SPDX-License-Identifier: Apache-2.0
//
// Mutants that break laws of runs without end die by those, and by no other
// that their row does not name.

#include <algorithm>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/model/mutants/golden_files.h"
#include "netpoll/model/mutants/matrix.h"
#include "netpoll/model/mutants/read_rows.h"
#include "netpoll/model/mutants/row.h"
#include "netpoll/model/mutants/told_again.h"
#include "netpoll/model/source/read_file.h"

namespace netpoll::model {
namespace {

const std::vector<MutantResult>& Results() {
  static const auto& results =
      *new std::vector<MutantResult>(RunMutants(Mutants(), [] {
        RunOptions options;
        options.bounded = false;
        options.closed = true;
        options.cycles_at_once = true;
        return options;
      }()));
  return results;
}

TEST(LivenessMutants, DieByALawOfCyclesThatTheirRowNames) {
  const auto rows = ReadRows("model/mutants/liveness");
  EXPECT_GE(rows.size(), 14u);
  // Each law of cycles finds one.
  std::set<std::string> found;
  const std::string page = ReadFile(kDocsFile);
  for (const auto& [name, row] : rows) {
    const auto result =
        std::find_if(Results().begin(), Results().end(),
                     [&](const MutantResult& r) { return r.name == name; });
    ASSERT_NE(result, Results().end()) << name;
    const Cell* const cell = result->shortest();
    ASSERT_NE(cell, nullptr) << name << " survives";
    EXPECT_NE(std::find(row.breaks.begin(), row.breaks.end(), cell->law()),
              row.breaks.end())
        << name << " dies by " << cell->law();
    EXPECT_NE(cell->replay.find('/'), std::string::npos)
        << name << " is not drawn as a lasso";
    EXPECT_EXIT(TellAgain(*result, *cell), ::testing::ExitedWithCode(0), "")
        << name;
    found.insert(cell->law());
    EXPECT_NE(page.find("`" + name + "`"), std::string::npos)
        << name << " is not in " << kDocsFile;
  }
  const std::set<std::string> all{"L9",  "L10", "L11", "L12",
                                  "L13", "L14", "L15"};
  EXPECT_EQ(found, all);
}

// No law of steps, states or states at rest finds them, unless their row says
// so: else their place is among the other rows. What goes round for ever comes
// to a bound of the search, which is no law. (By default the first states of
// each are looked at.)
TEST(LivenessMutants, SurviveTheBoundedMatrix) {
  const auto rows = ReadRows("model/mutants/liveness");
  RunOptions options;
  if (std::getenv("NETPOLL_DEEP") == nullptr) options.states = 20'000;
  for (const MutantResult& mutant : RunMutants(Mutants(), options)) {
    if (mutant.kills() == 0) continue;
    const std::vector<std::string>& laws = rows.at(mutant.name).breaks;
    for (const Cell& cell : mutant.cells) {
      if (!cell.killed() || cell.law() == "limit") continue;
      EXPECT_NE(std::find(laws.begin(), laws.end(), cell.law()), laws.end())
          << mutant.name << " dies in " << cell.configuration << " by "
          << cell.violation;
    }
  }
}

}  // namespace
}  // namespace netpoll::model
