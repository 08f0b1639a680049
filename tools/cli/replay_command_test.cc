// SPDX-License-Identifier: Apache-2.0
//
// replay as a user meets it: whatever names a schedule, and a walk through one
// by commands from a pipe.

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpoll/model/report/replay_string.h"
#include "netpoll/model/report/source.h"
#include "netpoll/tools/cli/call_command.h"
#include "netpoll/tools/cli/command.h"

namespace netpoll::tools {
namespace {

using ::testing::HasSubstr;

std::string WriteTemp(const std::string& name, const std::string& text) {
  const std::string file = ::testing::TempDir() + "/" + name;
  std::ofstream(file) << text;
  return file;
}

// With `input` as standard input.
Said CallWith(const std::string& input, const std::vector<std::string>& words) {
  const std::string file = WriteTemp("input", input);
  EXPECT_NE(std::freopen(file.c_str(), "r", stdin), nullptr);
  return Call(words);
}

// One that breaks a property of the canary, as check prints it.
const std::string& Printed() {
  static const std::string& text = *new std::string(
      Call({"check", "--mutant", "canary", "--only", "wait-canceled"}).out);
  return text;
}
std::string PrintedString() {
  const std::size_t at = Printed().find("np1:");
  return Printed().substr(at, Printed().find('\n', at) - at);
}

TEST(Replay, WhateverHoldsThePrintedStringDoes) {
  const std::string line = "  netpoll replay " + PrintedString() + "\n";
  const std::string want = Call({"replay", PrintedString()}).out;
  ASSERT_THAT(want, HasSubstr("L1: a task is parked although"));
  const std::vector<std::string> files = {
      WriteTemp("string", PrintedString()), WriteTemp("line", line),
      WriteTemp("all", Printed()), WriteTemp("quoted", "`" + line + "`")};
  for (const std::string& file : files) {
    const Said said = Call({"replay", file});
    EXPECT_EQ(said.status, kExitFinding);
    EXPECT_EQ(said.out, want);
    EXPECT_EQ(said.err, "");
  }
  EXPECT_EQ(Call({"replay", line}).out, want);
  EXPECT_EQ(CallWith(line, {"replay", "-"}).out, want);
  EXPECT_EQ(CallWith(Printed(), {"replay", "-"}).out, want);
}

TEST(Replay, AFileOfManyIsItsFirst) {
  const Said said = Call(
      {"replay", WriteTemp("two", PrintedString() + "\n" + PrintedString())});
  EXPECT_EQ(said.status, kExitFinding);
  EXPECT_THAT(said.err, HasSubstr("holds 2 replay strings: this is the first"));
}

TEST(Replay, AScheduleIsWrittenByHand) {
  const Said said = Call({"replay", "read-close: 2 reader, closer"});
  EXPECT_EQ(said.status, kExitOk) << said.err;
  EXPECT_THAT(said.out, HasSubstr("no property was broken in 3 steps"));
  EXPECT_EQ(Call({"replay", "read-close:2ab"}).out, said.out);
  EXPECT_EQ(
      Call({"replay", WriteTemp("own", "read-close: 2 reader\ncloser")}).out,
      said.out);
  EXPECT_EQ(CallWith("read-close:2ab\n", {"replay", "-"}).out, said.out);
}

TEST(Replay, WhatHoldsNoneIsOneSentence) {
  ExpectRefused(Call({"replay", "no/such/file"}), "there is no file");
  ExpectRefused(Call({"replay", "nothing"}), "there is no file 'nothing'");
  ExpectRefused(Call({"replay", ::testing::TempDir()}), "cannot read");
  ExpectRefused(Call({"replay", WriteTemp("empty", "")}), "is empty");
  ExpectRefused(Call({"replay", WriteTemp("prose", "some words\nof mine")}),
                "holds no replay string");
  ExpectRefused(CallWith("", {"replay", "-"}), "standard input is empty");
  ExpectRefused(CallWith("np1:C99-row/read-close:", {"replay", "-"}),
                "was it cut?");
  ExpectRefused(Call({"replay", "read-close: 2 reeder"}),
                "'reeder' names no threads: there are reader (a), closer (b)");
  ExpectRefused(Call({"replay", "read-clos: reader"}),
                "no configuration is named 'read-clos' (did you mean "
                "'read-close'?)");
  ExpectRefused(Call({"replay", "C99-row/read-close: reader"}),
                "no mutant is named 'C99-row'");
  ExpectRefused(Call({"replay", "-", "--step"}),
                "--step reads its commands from standard input");
  ExpectRefused(Call({"replay", "ng1:x", "--step"}),
                "an execution graph has no order to step through");
}

TEST(ReplayStep, WalksByCommandsAndSaysWhatWasWalked) {
  const Said said =
      CallWith("n\n\nb\nend\n", {"replay", PrintedString(), "--step"});
  EXPECT_EQ(said.status, kExitFinding);
  EXPECT_THAT(said.out, HasSubstr("before the first step"));
  EXPECT_THAT(said.out, HasSubstr("step 2 of "));
  EXPECT_THAT(said.out, HasSubstr("L1: a task is parked although"));
  EXPECT_THAT(said.out,
              HasSubstr("walked: netpoll replay " + PrintedString() + "\n"));
}

TEST(ReplayStep, LeavesTheScheduleAndPrintsAStringThatReplays) {
  const Said said = CallWith("4\ncloser\nreader\nreader\ngo\nq\n",
                             {"replay", "read-close: 6 reader", "--step"});
  EXPECT_EQ(said.status, kExitOk) << said.out;
  EXPECT_THAT(said.out, HasSubstr("* reader"));
  EXPECT_THAT(said.out, HasSubstr("on a way of its own: closer, closer.go\n"));
  EXPECT_THAT(said.out, HasSubstr("  > const auto done = Update<Env>("));
  const std::size_t at = said.out.find("np1:read-close:");
  ASSERT_NE(at, std::string::npos);
  const std::string replay = said.out.substr(at, said.out.find('\n', at) - at);
  EXPECT_EQ(Call({"replay", replay}).status, kExitOk);
  model::ReplayString read;
  ASSERT_EQ(model::ReplayString::Parse(replay, &read), "");
  EXPECT_THAT(model::ScheduleText(read.schedule), ::testing::StartsWith("4ab"));
}

TEST(ReplayStep, NonsenseIsAnsweredAndTheWalkGoesOn) {
  const Said said = CallWith("\x01\xff\nfoo\nn 99999999\nh\nn",
                             {"replay", "read-close: reader", "--step"});
  EXPECT_EQ(said.status, kExitOk);
  EXPECT_THAT(said.out, HasSubstr("'foo' is neither a command (h lists them)"));
  EXPECT_THAT(said.out, HasSubstr("'99999999' is not a number"));
  EXPECT_THAT(said.out, HasSubstr("step 1 of 1: reader"));
}

}  // namespace
}  // namespace netpoll::tools
