// SPDX-License-Identifier: Apache-2.0
//
// bazel run //model/mutants:write_golden [-- --quick]: runs every mutant and
// writes matrix.golden, families.golden and the table of docs/mutants.md anew.
// What changed is for a reviewer to see. --quick, for the day: where a mutant
// was not killed before it is looked for among the first 20,000 states only,
// which takes a fifth of the time and may miss a kill that is won.

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string_view>

#include "netpoll/model/mutants/golden_files.h"
#include "netpoll/model/source/read_file.h"

namespace netpoll::model {
namespace {

constexpr std::uint64_t kFirstStates = 20'000;

}  // namespace
}  // namespace netpoll::model

int main(int argc, char** argv) {
  using namespace netpoll::model;
  const char* const root = std::getenv("BUILD_WORKSPACE_DIRECTORY");
  if (root == nullptr || chdir(root) != 0) {
    std::cerr << "write_golden: run it with bazel run\n";
    return 2;
  }
  const bool quick = argc == 2 && std::string_view(argv[1]) == "--quick";
  if (argc > 1 && !quick) {
    std::cerr << "write_golden: use write_golden [--quick]\n";
    return 2;
  }
  RunOptions options;
  if (quick) {
    options.bounded_in = KilledIn(ReadFile(kGoldenFile));
    options.states_elsewhere = kFirstStates;
  }
  options.progress = [](const MutantResult& result, int done, int all) {
    std::cerr << done << "/" << all << " " << result.name
              << (result.kills() == 0 ? " SURVIVES" : "") << "\n";
  };
  const auto results = RunMutants(Mutants(), options);
  const std::string page = WithTable(ReadFile(kDocsFile), DocsTable(results));
  std::ofstream(kGoldenFile) << Golden(results, Configurations(),
                                       ParseReasons(ReadFile(kReasonsFile)));
  std::ofstream(kFamiliesFile) << FamiliesGolden();
  if (page.empty()) {
    std::cerr << "write_golden: " << kDocsFile << " lacks a marker\n";
    return 1;
  }
  std::ofstream(kDocsFile) << page;
  return 0;
}
