// SPDX-License-Identifier: Apache-2.0
//
// Writes model/mutants/closed_matrix.golden. By `bazel run`.

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "netpoll/model/mutants/golden_files.h"
#include "netpoll/model/mutants/matrix.h"
#include "netpoll/model/source/read_file.h"

int main() {
  using namespace netpoll::model;
  const char* const workspace = std::getenv("BUILD_WORKSPACE_DIRECTORY");
  if (workspace != nullptr && chdir(workspace) != 0) return 2;
  RunOptions options;
  options.bounded = false;
  options.closed = true;
  options.progress = [](const MutantResult& result, int done, int of) {
    std::fprintf(stderr, "%d of %d: %s%s\n", done, of, result.name.c_str(),
                 result.kills() == 0 ? " survives" : "");
  };
  std::ofstream(kClosedGoldenFile)
      << ClosedGolden(RunMutants(Mutants(), options),
                      ParseReasons(ReadFile(kClosedReasonsFile)));
  return 0;
}
