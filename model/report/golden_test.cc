// SPDX-License-Identifier: Apache-2.0
//
// What was explored is what is written down, to the last digit.

#include "netpoll/model/report/golden.h"

#include <sstream>
#include <string>

#include "gtest/gtest.h"
#include "netpoll/model/source/read_file.h"

namespace netpoll::model {
namespace {

class GoldenTest : public testing::Test {
 protected:
  static const Golden& Explored() {
    static const Golden& golden = *new Golden(ExploreForGolden(1));
    return golden;
  }
};

TEST_F(GoldenTest, EveryPropertyHolds) {
  EXPECT_TRUE(Explored().broken.empty()) << "\n" << Explored().broken;
}

TEST_F(GoldenTest, TheCertificateIsTheOneOnFile) {
  if (!Explored().broken.empty()) GTEST_SKIP() << "properties are broken";
  EXPECT_EQ(ReadFile("model/report/certificate.golden"), Explored().certificate)
      << "If the change is meant:\n"
         "  bazel run //model/report:golden > model/report/certificate.golden";
}

TEST_F(GoldenTest, TheDocumentationQuotesIt) {
  std::istringstream page(ReadFile("docs/counterexamples.md"));
  const std::string golden = "\n" + ReadFile("model/report/certificate.golden");
  int quoted = 0;
  for (std::string line; std::getline(page, line);) {
    // A line of the table: a configuration, then counts.
    if (line.find("  ") == std::string::npos || !line.starts_with("read-")) {
      continue;
    }
    EXPECT_NE(golden.find("\n" + line + "\n"), std::string::npos) << line;
    ++quoted;
  }
  EXPECT_GT(quoted, 0);
}

TEST_F(GoldenTest, TheStateDiagramIsTheOneInTheDocumentation) {
  EXPECT_EQ(ReadFile("docs/semaphore-states.md"), Explored().states_page)
      << "If the change is meant:\n"
         "  bazel run //model/report:golden states > docs/semaphore-states.md";
}

TEST_F(GoldenTest, WhatIsNotMetIsExplained) {
  EXPECT_EQ(Explored().unexplained, "");
}

TEST_F(GoldenTest, TwoWorkersFindTheSame) {
  const Golden two = ExploreForGolden(2);
  EXPECT_EQ(two.certificate, Explored().certificate);
  EXPECT_EQ(two.states_page, Explored().states_page);
}

}  // namespace
}  // namespace netpoll::model
