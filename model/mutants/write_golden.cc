// SPDX-License-Identifier: Apache-2.0
//
// bazel run //model/mutants:write_golden: runs every mutant and writes
// matrix.golden and the table of docs/mutants.md anew. What changed is for a
// reviewer to see.

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>

#include "netpoll/model/mutants/golden_files.h"
#include "netpoll/model/source/read_file.h"

int main() {
  using namespace netpoll::model;
  const char* const root = std::getenv("BUILD_WORKSPACE_DIRECTORY");
  if (root == nullptr || chdir(root) != 0) {
    std::cerr << "write_golden: run it with bazel run\n";
    return 2;
  }
  RunOptions options;
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
