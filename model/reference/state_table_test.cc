// SPDX-License-Identifier: Apache-2.0
//
// The documentation is what the reference model says.

#include <fstream>
#include <sstream>
#include <string>

#include "gtest/gtest.h"
#include "netpoll/model/reference/state_table_text.h"

namespace netpoll::model::reference {
namespace {

TEST(StateTableTest, TheDocumentationIsUpToDate) {
  std::ifstream file("docs/state-table.md");
  ASSERT_TRUE(file.good()) << "docs/state-table.md cannot be read";
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_TRUE(text.str() == StateTableText())
      << "docs/state-table.md differs from the reference model. Run\n"
         "  bazel run //model/reference:state_table > docs/state-table.md";
}

}  // namespace
}  // namespace netpoll::model::reference
