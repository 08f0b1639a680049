// SPDX-License-Identifier: Apache-2.0
//
// Every scenario prints what its .expected file says. Those files were compared
// with what Go's runtime poller does. The ones in portable/ run on every
// backend; those in epoll/ ask what an edge remembers.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/host/host_backends.h"
#include "netpoll/model/source/read_file.h"
#include "netpoll/tests/scenario/command_runner.h"
#include "netpoll/tools/cli/try_backend.h"

namespace netpoll {
namespace {

struct Case {
  std::string path;  // Without ".scenario".
  std::string backend;
};

std::vector<Case> CasesIn(const std::string& folder,
                          const std::string& backend) {
  std::vector<Case> cases;
  const std::string root = "tests/scenario/" + folder;
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    if (entry.path().extension() != ".scenario") continue;
    cases.push_back(
        {entry.path().parent_path() / entry.path().stem(), backend});
  }
  std::sort(cases.begin(), cases.end(),
            [](const Case& a, const Case& b) { return a.path < b.path; });
  return cases;
}

std::vector<Case> AllCases() {
  std::vector<Case> all = CasesIn("epoll", "epoll");
  for (const std::string& backend : HostBackends::Names()) {
    bool runs = false;
    HostBackends::Visit(
        backend, [&]<class B>() { runs = tools::TryBackend<B>().empty(); });
    if (!runs) continue;
    for (Case& c : CasesIn("portable", backend)) all.push_back(std::move(c));
  }
  return all;
}

class Golden : public ::testing::TestWithParam<Case> {};

TEST_P(Golden, PrintsWhatIsExpected) {
  const std::string file = GetParam().path + ".scenario";
  const CommandResult result =
      RunNetpoll({"scenario", file, "--backend", GetParam().backend});
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.out, model::ReadFile(GetParam().path + ".expected"));
}

INSTANTIATE_TEST_SUITE_P(
    Scenario, Golden, ::testing::ValuesIn(AllCases()), [](const auto& test) {
      return test.param.backend + "_" +
             std::filesystem::path(test.param.path).filename().string();
    });

TEST(Golden, ThereAreScenarios) { EXPECT_GE(AllCases().size(), 95u); }

}  // namespace
}  // namespace netpoll
