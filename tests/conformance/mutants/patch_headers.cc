// SPDX-License-Identifier: Apache-2.0
//
// patch_headers OUT_FOLDER ROW HEADER...: copies the headers, with the changes
// of one mutant, into a folder of its own. Status 1, and a sentence, if a
// change does not fit.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <string>

#include "netpoll/model/mutants/row.h"
#include "netpoll/model/source/read_file.h"

namespace netpoll::model {
namespace {

// The path from the root of the repository, which may be an external one.
std::string LogicalPath(const std::string& path) {
  for (const char* const room : {"backends/", "core/", "runtime/"}) {
    const auto at = path.find(room);
    if (at != std::string::npos) return path.substr(at);
  }
  return path;
}

int Fail(const std::string& why) {
  std::cerr << "patch_headers: " << why << "\n";
  return 1;
}

int Main(int argc, char** argv) {
  if (argc < 4) return Fail("use patch_headers OUT_FOLDER ROW HEADER...");
  Row row;
  std::string why;
  const std::string name = std::filesystem::path(argv[2]).stem();
  if (!ParseRow(name, ReadFile(argv[2]), &row, &why)) return Fail(why);
  std::set<std::string> wanted;
  for (const Change& change : row.changes) wanted.insert(change.file);
  for (int i = 3; i < argc; ++i) {
    const std::string file = LogicalPath(argv[i]);
    std::string text = ReadFile(argv[i]);
    if (!Apply(row, file, &text, &why)) return Fail(why);
    wanted.erase(file);
    const auto out = std::filesystem::path(argv[1]) / file;
    std::filesystem::create_directories(out.parent_path());
    if (!(std::ofstream(out, std::ios::binary) << text).flush()) {
      return Fail("cannot write " + out.string());
    }
  }
  if (wanted.empty()) return 0;
  return Fail(name + " changes " + *wanted.begin() +
              ", which is not among the headers");
}

}  // namespace
}  // namespace netpoll::model

int main(int argc, char** argv) { return netpoll::model::Main(argc, argv); }
