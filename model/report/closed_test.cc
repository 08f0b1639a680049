// SPDX-License-Identifier: Apache-2.0
//
// Runs of any length: what was explored to its end is what is written down, and
// a run without end that breaks a law is told as a lasso.

#include <string>

#include "gtest/gtest.h"
#include "netpoll/model/report/check.h"
#include "netpoll/model/report/golden.h"
#include "netpoll/model/source/read_file.h"

namespace netpoll::model {
namespace {

class Closed : public testing::Test {
 protected:
  static const ClosedGolden& Explored() {
    static const ClosedGolden& golden = *new ClosedGolden(ExploreClosed(2));
    return golden;
  }
};

TEST_F(Closed, EveryPropertyHoldsInEveryRunOfAnyLength) {
  EXPECT_TRUE(Explored().broken.empty()) << "\n" << Explored().broken;
}

TEST_F(Closed, TheCertificateIsTheOneOnFile) {
  if (!Explored().broken.empty()) GTEST_SKIP() << "properties are broken";
  EXPECT_EQ(ReadFile("model/report/closed.golden"), Explored().table)
      << "If the change is meant:\n"
         "  bazel run //model/report:golden closed > "
         "model/report/closed.golden";
}

TEST_F(Closed, EachPartHasConfigurations) {
  EXPECT_GE(Explored().configurations, 10);
  for (const char* part : {"closed-edges", "closed-life", "closed-both",
                           "closed-breaks", "closed-pipe", "closed-sleep",
                           "closed-lock", "closed-pool", "closed-errors"}) {
    EXPECT_NE(Explored().table.find("\n" + std::string(part) + " "),
              std::string::npos)
        << part;
  }
}

}  // namespace
}  // namespace netpoll::model
