// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/common/progress_line.h"

#include "gtest/gtest.h"

namespace netpoll::tools {
namespace {

TEST(Fitted, LeavesOutWholePartsAndTheLastColumn) {
  constexpr std::string_view kText = "47 of 76 deep-reopen, pass 2 of 2, 3.2 M";
  EXPECT_EQ(Fitted(kText, 41), kText);
  EXPECT_EQ(Fitted(kText, 40), "47 of 76 deep-reopen, pass 2 of 2");
  EXPECT_EQ(Fitted(kText, 34), "47 of 76 deep-reopen, pass 2 of 2");
  EXPECT_EQ(Fitted(kText, 33), "47 of 76 deep-reopen");
  EXPECT_EQ(Fitted(kText, 10), "47 of 76 ");
  EXPECT_EQ(Fitted("", 10), "");
}

TEST(Rounded, HasAUnitWhereItIsLarge) {
  EXPECT_EQ(Rounded(0), "0");
  EXPECT_EQ(Rounded(9'999), "9999");
  EXPECT_EQ(Rounded(41'234), "41.2 K");
  EXPECT_EQ(Rounded(3'200'000), "3.2 M");
}

}  // namespace
}  // namespace netpoll::tools
