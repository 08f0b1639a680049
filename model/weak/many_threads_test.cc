// SPDX-License-Identifier: Apache-2.0
//
// The configurations of four threads and more, under RC11, as far as they go.

#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/model/source/read_file.h"
#include "netpoll/model/weak/certificate.h"

namespace netpoll::model {
namespace {

TEST(ManyThreads, TheCountsAreThoseOnFile) {
  const std::string file = ReadFile("model/weak/many_threads.golden");
  std::vector<std::string> names;
  std::istringstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    names.push_back(line.substr(0, line.find(' ')));
  }
  EXPECT_GT(names.size(), 30u);
  EXPECT_EQ(file, WeakCertificate(names, Size::kMoreThreads, 2))
      << "If the change is meant:\n"
         "  bazel run //model/weak:write_golden -- many > "
         "model/weak/many_threads.golden";
}

}  // namespace
}  // namespace netpoll::model
