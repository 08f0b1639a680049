// SPDX-License-Identifier: Apache-2.0
//
// `netpoll check --mutant ROW` as a user types it: for every row it ends with a
// counterexample and exit status 1. It does not crash, and no row survives.
// Every row in the configuration where its counterexample is shortest, or, of
// liveness, in that of docs/mutants.md; and one in sixteen as a whole: all of
// them, which take minutes, at the deepest bounds.

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/report/kills.h"
#include "netpoll/tools/cli/command.h"
#include "netpoll/tools/cli/commands.h"
#include "netpoll/tools/cli/dispatch.h"

namespace netpoll::tools {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

constexpr char kMatrix[] =
#include "netpoll/model/mutants/matrix_text.inc"
    ;

std::vector<std::string> Rows() {
  std::vector<std::string> all;
  for (const model::Variant& variant : model::Variants()) {
    if (variant.name != "shipped") all.push_back(variant.name);
  }
  std::sort(all.begin(), all.end());
  return all;
}

// By row: where it has its shortest counterexample, by the matrix.
std::map<std::string, std::string> ShortestIn() {
  std::map<std::string, std::string> shortest;
  for (const model::KilledMutant& mutant : model::ReadKills(kMatrix)) {
    int steps = 0;
    for (const model::Kill& kill : mutant.kills) {
      if (kill.steps == 0 || (steps != 0 && steps <= kill.steps)) continue;
      steps = kill.steps;
      shortest[mutant.name] = kill.configuration;
    }
  }
  return shortest;
}

struct Ended {
  int status = -1;  // As waitpid has it.
  std::string out;
};

// In a process of its own: one that crashes must not take the others along.
Ended Check(const std::vector<std::string>& words) {
  Ended ended;
  std::FILE* const out = std::tmpfile();
  if (out == nullptr) return ended;
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(200);
    ::dup2(::fileno(out), STDOUT_FILENO);
    ::dup2(::fileno(out), STDERR_FILENO);
    const int status = Dispatch(Commands(), words);
    std::fflush(nullptr);
    ::_exit(status);
  }
  ::waitpid(child, &ended.status, 0);
  std::rewind(out);
  char buffer[4096];
  for (std::size_t got;
       (got = std::fread(buffer, 1, sizeof buffer, out)) != 0;) {
    ended.out.append(buffer, got);
  }
  std::fclose(out);
  return ended;
}

void ExpectACounterexample(const std::string& row,
                           const std::vector<std::string>& words) {
  const Ended ended = Check(words);
  ASSERT_TRUE(WIFEXITED(ended.status))
      << "signal " << WTERMSIG(ended.status) << "\n"
      << ended.out;
  EXPECT_EQ(WEXITSTATUS(ended.status), kExitFinding) << ended.out;
  EXPECT_THAT(ended.out, HasSubstr("\nBROKEN: "));
  EXPECT_THAT(ended.out,
              AnyOf(HasSubstr("netpoll replay np1:" + row + "/"),
                    HasSubstr("netpoll replay ng1:")));  // Of a weaker order.
}

TEST(EveryRow, IsBrokenWhereItsCounterexampleIsShortest) {
  const auto shortest = ShortestIn();
  int told = 0;
  for (const std::string& row : Rows()) {
    const auto found = shortest.find(row);
    if (found == shortest.end()) continue;  // Of liveness; or it is new.
    SCOPED_TRACE(row + " in " + found->second);
    ExpectACounterexample(row,
                          {"check", "--mutant", row, "--only", found->second});
    ++told;
  }
  EXPECT_GT(told, 400);
}

// "| `ROW` | what went wrong | `configuration` | law |", of those that have a
// file.
std::map<std::string, std::string> OfLiveness() {
  std::map<std::string, std::string> rows;
  std::ifstream page("docs/mutants.md");
  for (std::string line; std::getline(page, line);) {
    if (!line.starts_with("| `")) continue;
    const std::string row = line.substr(3, line.find('`', 3) - 3);
    const std::string file = "model/mutants/liveness/" + row + ".mutant";
    if (::access(file.c_str(), R_OK) != 0) continue;
    const auto end = line.rfind("` | ");
    const auto begin = line.rfind('`', end - 1) + 1;
    rows[row] = line.substr(begin, end - begin);
  }
  return rows;
}

TEST(EveryRow, OfLivenessIsBrokenWhereThePageSaysSo) {
  const auto liveness = OfLiveness();
  std::size_t told = 0;
  for (const std::string& row : Rows()) {
    const auto found = liveness.find(row);
    if (found == liveness.end()) continue;
    SCOPED_TRACE(row + " in " + found->second);
    ExpectACounterexample(row,
                          {"check", "--mutant", row, "--only", found->second});
    ++told;
  }
  EXPECT_EQ(told, liveness.size());
  EXPECT_GE(told, 14u);
}

class AWholeRow : public ::testing::TestWithParam<std::string> {};

TEST_P(AWholeRow, EndsWithACounterexampleAndStatusOne) {
  ExpectACounterexample(GetParam(), {"check", "--mutant", GetParam()});
}

std::vector<std::string> Some() {
  const std::vector<std::string> all = Rows();
  if (std::getenv("NETPOLL_DEEP") != nullptr) return all;
  std::vector<std::string> some;
  for (std::size_t i = 0; i < all.size(); i += 16) some.push_back(all[i]);
  return some;
}

std::string NameOf(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Check, AWholeRow, ::testing::ValuesIn(Some()), NameOf);

}  // namespace
}  // namespace netpoll::tools
