// SPDX-License-Identifier: Apache-2.0
//
// What check writes for a browser and for Perfetto's UI, as a user meets it.

#include <sys/stat.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

#include "gtest/gtest.h"
#include "netpoll/tools/cli/call_command.h"
#include "netpoll/tools/cli/command.h"

namespace netpoll::tools {
namespace {

std::string Temp(const std::string& name) {
  return ::testing::TempDir() + "/" + name;
}

// Empty: there is none.
std::string Contents(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(CheckFolder, IsWrittenWhenAllHolds) {
  const std::string folder = Temp("holds");
  const Said said = Call({"check", "--only", "read-edge", "--html", folder});
  EXPECT_EQ(said.status, kExitOk) << said.err;
  const std::string index = Contents(folder + "/index.html");
  EXPECT_TRUE(Has(index, "every property holds in 1 configurations"));
  EXPECT_TRUE(Has(index, "C1-no-recheck"));
  EXPECT_TRUE(Has(index, "class=\"states\""));
  EXPECT_TRUE(Has(Contents(folder + "/states.svg"), "the states of read-edge"));
  EXPECT_TRUE(Has(Contents(folder + "/certificate.txt"), "read-edge  "));
  EXPECT_TRUE(Has(Contents(folder + "/certificate.txt"), "source "));
}

TEST(CheckFolder, HasAPageOfEachCounterexample) {
  const std::string folder = Temp("broken");
  const std::string trace = Temp("broken.json");
  const Said said = Call({"check", "--mutant", "canary", "--only", "wait-*",
                          "--html", folder, "--trace", trace});
  EXPECT_EQ(said.status, kExitFinding) << said.err;
  EXPECT_TRUE(
      Has(Contents(folder + "/index.html"), "<a href=\"wait-canceled.html\">"));
  EXPECT_TRUE(Has(Contents(folder + "/wait-canceled.html"),
                  "netpoll replay np1:canary/wait-canceled:"));
  EXPECT_TRUE(Has(Contents(trace), "\"traceEvents\": ["));
}

TEST(CheckFolder, ANameThatEndsInHtmlIsOnePage) {
  const std::string page = Temp("one.html");
  EXPECT_EQ(Call({"check", "--mutant", "canary", "--only", "wait-canceled",
                  "--html", page})
                .status,
            kExitFinding);
  EXPECT_TRUE(Has(Contents(page), "id=\"steps\""));
}

TEST(CheckFolder, WhatCannotBeWrittenIsOneSentenceBeforeAnythingIsExplored) {
  const std::string file = Temp("a-file");
  std::ofstream(file) << "text";
  const auto refused = [](const Said& said, const std::string& because) {
    EXPECT_EQ(said.status, kExitBadUse);
    EXPECT_EQ(said.out, "");
    EXPECT_TRUE(Has(said.err, because)) << said.err;
    EXPECT_EQ(said.err.find('\n'), said.err.size() - 1) << said.err;
  };
  refused(Call({"check", "--only", "read-edge", "--html", file}),
          "is a file: --html takes a folder");
  refused(Call({"check", "--only", "read-edge", "--html", Temp("no/such")}),
          "cannot make the folder");
  refused(Call({"check", "--only", "read-edge", "--memory-model", "sc",
                "--html", Temp("graphs")}),
          "of execution graphs there is one page");
}

}  // namespace
}  // namespace netpoll::tools
