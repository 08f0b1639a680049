// SPDX-License-Identifier: Apache-2.0
//
// write_closed_golden [PATTERN...]: writes model/mutants/closed_matrix.golden,
// or only the lines of the mutants that match. By `bazel run`.

#include <fnmatch.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <vector>

#include "netpoll/model/mutants/golden_files.h"
#include "netpoll/model/mutants/matrix.h"
#include "netpoll/model/source/read_file.h"

int main(int argc, char** argv) {
  using namespace netpoll::model;
  const char* const workspace = std::getenv("BUILD_WORKSPACE_DIRECTORY");
  if (workspace != nullptr && chdir(workspace) != 0) return 2;
  ClosedRows rows;
  std::vector<const Variant*> mutants = Mutants();
  if (argc > 1) {
    rows = ParseClosedGolden(ReadFile(kClosedGoldenFile));
    std::erase_if(mutants, [&](const Variant* mutant) {
      return std::none_of(argv + 1, argv + argc, [&](const char* pattern) {
        return ::fnmatch(pattern, mutant->name.c_str(), 0) == 0;
      });
    });
  }
  const Reasons reasons = ParseReasons(ReadFile(kClosedReasonsFile));
  RunOptions options;
  options.bounded = false;
  options.closed = true;
  options.progress = [&](const MutantResult& result, int done, int of) {
    rows[result.name] = ClosedRowOf(result, reasons);
    std::fprintf(stderr, "%d of %d: %s%s\n", done, of, result.name.c_str(),
                 result.kills() == 0 ? " survives" : "");
    std::ofstream(kClosedGoldenFile) << ClosedGolden(rows);
  };
  RunMutants(mutants, options);
  return 0;
}
