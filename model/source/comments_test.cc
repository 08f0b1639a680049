// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/source/comments.h"

#include <algorithm>
#include <string>

#include "gtest/gtest.h"

namespace netpoll::model {
namespace {

TEST(WithoutCommentsTest, CommentsGoAndLinesStay) {
  EXPECT_EQ(WithoutComments("int a;  // one\n// two\n\nint b;\n"),
            "int a;\n\n\nint b;\n");
  EXPECT_EQ(WithoutComments("int/* of\nmine */a;\n"), "int\na;\n");
  EXPECT_EQ(WithoutComments("int a;  // the end"), "int a;");
  EXPECT_EQ(WithoutComments("/* never closed\n"), "\n");
  EXPECT_EQ(WithoutComments(""), "");
}

TEST(WithoutCommentsTest, WhatOnlyLooksLikeACommentStays) {
  for (const std::string text : {
           R"(auto a = "http://here"; b)",
           R"(auto a = "\"//"; b)",
           R"(char a = '"'; auto b = "//";)",
           R"(char a = '\''; auto b = "/*";)",
           "int a = 1'000 / 2; auto b = \"//\";",
           "a = b / c / d;",
       }) {
    EXPECT_EQ(WithoutComments(text), text);
  }
  EXPECT_EQ(WithoutComments("int a = 1'000;  // it's\nint b;"),
            "int a = 1'000;\nint b;");
}

// What two versions of a source that differ in comments have in common.
TEST(WithoutCommentsTest, AnEditOfACommentChangesNothing) {
  EXPECT_EQ(
      WithoutComments("a();  // Now.\n// Then b.\nb();\n"),
      WithoutComments("a();\n// First a, which is why b follows.\nb();\n"));
  EXPECT_NE(WithoutComments("a();  // Now.\n"),
            WithoutComments("b();  // Now.\n"));
}

}  // namespace
}  // namespace netpoll::model
