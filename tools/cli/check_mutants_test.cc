// SPDX-License-Identifier: Apache-2.0
//
// `netpoll check --mutant ROW` as a user types it: for every row it ends with a
// counterexample and exit status 1. It does not crash, and no row survives.
// Every eighth row; all of them, which take minutes, at the deepest
// bounds.

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpoll/model/engine/scenario.h"
#include "netpoll/tools/cli/command.h"
#include "netpoll/tools/cli/commands.h"
#include "netpoll/tools/cli/dispatch.h"

namespace netpoll::tools {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

std::vector<std::string> Rows() {
  std::vector<std::string> all;
  for (const model::Variant& variant : model::Variants()) {
    if (variant.name != "shipped") all.push_back(variant.name);
  }
  std::sort(all.begin(), all.end());
  if (std::getenv("NETPOLL_DEEP") != nullptr) return all;
  std::vector<std::string> some;
  for (std::size_t i = 0; i < all.size(); i += 8) some.push_back(all[i]);
  return some;
}

struct Ended {
  int status = -1;  // As waitpid has it.
  std::string out;
};

// In a process of its own: one that crashes must not take the others along.
Ended Check(const std::string& row) {
  Ended ended;
  std::FILE* const out = std::tmpfile();
  if (out == nullptr) return ended;
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(200);
    ::dup2(::fileno(out), STDOUT_FILENO);
    ::dup2(::fileno(out), STDERR_FILENO);
    const std::vector<std::string> words = {"check", "--mutant", row};
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

class EveryRow : public ::testing::TestWithParam<std::string> {};

TEST_P(EveryRow, EndsWithACounterexampleAndStatusOne) {
  const Ended ended = Check(GetParam());
  ASSERT_TRUE(WIFEXITED(ended.status))
      << "signal " << WTERMSIG(ended.status) << "\n"
      << ended.out;
  EXPECT_EQ(WEXITSTATUS(ended.status), kExitFinding) << ended.out;
  EXPECT_THAT(ended.out, HasSubstr("\nBROKEN: "));
  EXPECT_THAT(ended.out,
              AnyOf(HasSubstr("netpoll replay np1:" + GetParam() + "/"),
                    HasSubstr("netpoll replay ng1:")));  // Of a weaker order.
}

std::string NameOf(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Check, EveryRow, ::testing::ValuesIn(Rows()), NameOf);

}  // namespace
}  // namespace netpoll::tools
