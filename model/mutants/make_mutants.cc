// SPDX-License-Identifier: Apache-2.0
//
// make_mutants OUT ROW... SOURCE... [GOLDEN...]: writes the translation unit of
// some mutants (files named *.mutant). With the golden files (matrix, closed
// matrix, families) a mutant has only the families in which it is to die. One
// whose change does not fit the sources is left out, with a sentence: the
// source may just have a bug of its own at that place, and the tests that find
// it must still be built. rows_test and matrix_test fail for it.

#include <fstream>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "netpoll/model/mutants/compose.h"
#include "netpoll/model/mutants/killers.h"
#include "netpoll/model/source/read_file.h"

namespace netpoll::model {
namespace {

// "rows/C2-wait-by-store.mutant" -> "C2-wait-by-store"
std::string NameOf(const std::string& path) {
  const std::string file = path.substr(path.rfind('/') + 1);
  return file.substr(0, file.rfind('.'));
}

// The path from the root of the repository, which may be an external one.
std::string LogicalPath(const std::string& path) {
  constexpr std::string_view kRoots[] = {"core/", "model/", "runtime/"};
  for (const std::string_view root : kRoots) {
    if (path.starts_with(root)) return path;
    const auto at = path.find("/" + std::string(root));
    if (at != std::string::npos) return path.substr(at + 1);
  }
  return path;
}

int Main(int argc, char** argv) {
  std::vector<Row> rows;
  Sources sources;
  Sources golden;
  std::string why;
  std::string text;
  for (int i = 2; i < argc; ++i) {
    const std::string path = argv[i];
    if (path.ends_with(".golden")) {
      golden[NameOf(path)] = ReadFile(path);
      continue;
    }
    if (!path.ends_with(".mutant")) {
      sources[LogicalPath(path)] = ReadFile(path);
      continue;
    }
    rows.emplace_back();
    if (!ParseRow(NameOf(path), ReadFile(path), &rows.back(), &why)) {
      std::cerr << "make_mutants: " << why << "\n";
      return 1;
    }
  }
  if (sources.count(kMatrixSource) == 0) {
    std::cerr << "make_mutants: use make_mutants OUT ROW... SOURCE..., with "
              << kMatrixSource << " among the sources\n";
    return 2;
  }
  Composer composer(std::move(sources));
  composer.Limit(KillingFamilies(golden["matrix"], golden["closed_matrix"],
                                 golden["families"]));
  std::vector<Row> fitting;
  for (const Row& row : rows) {
    if (composer.Compose({row}, &text, &why)) {
      fitting.push_back(row);
    } else {
      std::cerr << "make_mutants: left out: " << why << "\n";
    }
  }
  if (!composer.Compose(fitting, &text, &why)) {
    std::cerr << "make_mutants: " << why << "\n";
    return 1;
  }
  std::ofstream out(argv[1], std::ios::binary);
  out << text;
  return out.flush() ? 0 : 1;
}

}  // namespace
}  // namespace netpoll::model

int main(int argc, char** argv) { return netpoll::model::Main(argc, argv); }
