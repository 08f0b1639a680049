// SPDX-License-Identifier: Apache-2.0
//
// The counts of graphs are those on file, whatever the number of workers; no
// law breaks, nothing is wasted.

#include "netpoll/model/weak/certificate.h"

#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/model/source/read_file.h"

namespace netpoll::model {
namespace {

constexpr char kFile[] = "model/weak/weak.golden";

// The configurations on file.
std::vector<std::string> OnFile() {
  std::set<std::string> names;
  std::istringstream file(ReadFile(kFile));
  for (std::string line; std::getline(file, line);) {
    names.insert(line.substr(0, line.find(' ')));
  }
  return {names.begin(), names.end()};
}

TEST(Certificate, IsTheOneOnFile) {
  const std::vector<std::string> names = OnFile();
  EXPECT_GT(names.size(), 35u);
  const std::string file = ReadFile(kFile);
  EXPECT_EQ(file, WeakCertificate(names, Size::kTwoOrThreeThreads, 1, file))
      << "If the change is meant:\n"
         "  bazel run //model/weak:write_golden > model/weak/weak.golden";
}

// Of those that have not too many graphs.
TEST(Certificate, TwoWorkersFindTheSame) {
  constexpr int kMost = 30'000;
  std::set<std::string> names;
  std::set<std::string> large;
  std::istringstream file(ReadFile(kFile));
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string name, model, complete, blocked, wasted;
    int looked_at = 0;
    words >> name >> model >> complete >> blocked >> wasted >> looked_at;
    if (name == "#") continue;
    (looked_at > 0 && looked_at <= kMost ? names : large).insert(name);
  }
  for (const std::string& name : large) names.erase(name);
  EXPECT_GT(names.size(), 60u);
  std::istringstream found(WeakCertificate({names.begin(), names.end()},
                                           Size::kTwoOrThreeThreads, 2));
  const std::string on_file = ReadFile(kFile);
  std::size_t lines = 0;
  while (std::getline(found, line)) {
    if (line.front() == '#') continue;
    EXPECT_NE(on_file.find(line + "\n"), std::string::npos) << line;
    ++lines;
  }
  EXPECT_EQ(lines, 1 + 3 * names.size());
}

TEST(Certificate, NothingIsWasted) {
  std::istringstream file(ReadFile(kFile));
  std::string line;
  std::getline(file, line);
  int lines = 0;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string name, model, complete, blocked, wasted;
    words >> name >> model >> complete >> blocked >> wasted;
    if (name == "#") continue;
    if (complete == "more") continue;
    EXPECT_EQ(wasted, "0") << line;
    ++lines;
  }
  EXPECT_GT(lines, 100);
}

}  // namespace
}  // namespace netpoll::model
