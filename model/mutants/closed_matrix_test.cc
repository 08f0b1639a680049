// SPDX-License-Identifier: Apache-2.0
//
// What the bounded matrix kills dies in runs of any length too, or there is a
// reason why it cannot. NETPOLL_EVERY: one in so many mutants is run, in the
// configuration that is to kill it; 1: each, in all of them.

#include <fnmatch.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/model/mutants/golden_files.h"
#include "netpoll/model/mutants/matrix.h"
#include "netpoll/model/source/read_file.h"

namespace netpoll::model {
namespace {

ClosedRows Golden() { return ParseClosedGolden(ReadFile(kClosedGoldenFile)); }

TEST(ClosedMatrix, HasEachMutantThatIsCompiledIn) {
  const ClosedRows rows = Golden();
  EXPECT_EQ(rows.size(), Mutants().size());
  for (const Variant* const mutant : Mutants()) {
    EXPECT_EQ(rows.count(mutant->name), 1u)
        << "bazel run //model/mutants:write_closed_golden " << mutant->name;
  }
}

TEST(ClosedMatrix, WhatSurvivesHasAReason) {
  const Reasons reasons = ParseReasons(ReadFile(kClosedReasonsFile));
  for (const auto& [pattern, reason] : reasons) {
    int survivors = 0;
    for (const auto& [name, row] : Golden()) {
      if (row.configuration.empty() && row.law == reason) ++survivors;
    }
    EXPECT_GT(survivors, 0) << kClosedReasonsFile << ": " << pattern
                            << " is the reason of none that survives";
  }
  int killed = 0;
  for (const auto& [name, row] : Golden()) {
    killed += row.configuration.empty() ? 0 : 1;
    if (row.configuration.empty()) {
      MutantResult survivor;
      survivor.name = name;
      EXPECT_EQ(row, ClosedRowOf(survivor, reasons));
      EXPECT_NE(row.law, "NO REASON GIVEN") << name;
    }
  }
  EXPECT_GT(killed, 0);
}

TEST(ClosedMatrix, IsTheOneCheckedIn) {
  const char* const text = std::getenv("NETPOLL_EVERY");
  const std::size_t every =
      text == nullptr ? 8 : std::strtoul(text, nullptr, 10);
  ASSERT_GE(every, 1u);
  const ClosedRows golden = Golden();
  RunOptions options;
  options.bounded = false;
  options.closed = true;
  std::vector<const Variant*> mutants = Mutants();
  if (every > 1) {
    std::erase_if(mutants, [&](const Variant* mutant) {
      const auto row = golden.find(mutant->name);
      return row == golden.end() || row->second.configuration.empty() ||
             std::hash<std::string>()(mutant->name) % every != 0;
    });
    for (const auto& [name, row] : golden) {
      options.closed_in[name] = row.configuration;
    }
  }
  ASSERT_FALSE(mutants.empty());
  const Reasons reasons = ParseReasons(ReadFile(kClosedReasonsFile));
  for (const MutantResult& result : RunMutants(mutants, options)) {
    const auto row = golden.find(result.name);
    ASSERT_NE(row, golden.end()) << result.name;
    const ClosedRow found = ClosedRowOf(result, reasons);
    EXPECT_EQ(row->second, found)
        << result.name << " dies in \"" << found.configuration << "\" by "
        << found.law << ". If that is meant:\n"
        << "  bazel run //model/mutants:write_closed_golden " << result.name;
  }
}

}  // namespace
}  // namespace netpoll::model
