// SPDX-License-Identifier: Apache-2.0
//
// Breaking a rule ends the run with "FILE:LINE: what is wrong"; what was
// printed before stays printed.
#include <string>

#include "gtest/gtest.h"
#include "netpoll/tests/scenario/command_runner.h"
#include "netpoll/tests/scenario/in_process.h"

namespace netpoll {
namespace {

struct Broken {
  const char* text;
  int line;
  const char* says;
};

// Each breaks one rule in its last line.
constexpr Broken kBroken[] = {
    // Words.
    {"opne a", 1, "unknown statement 'opne' (did you mean 'open'?)"},
    {"OPEN a", 1, "unknown statement 'OPEN'"},
    {"open", 1, "open takes 1 word after it, not 0"},
    {"open a b", 1, "open takes 1 word after it, not 2"},
    {"open a\nwait a r", 2, "wait takes 3 words after it, not 2"},
    {"open a\nsleep", 2, "sleep takes 1 word after it, not 0"},
    {"open a\nreset a rw", 2, "'rw' is not a direction: r or w"},
    {"open a\nreset a R", 2, "'R' is not a direction: r or w"},
    {"open a\ndeadline a x none", 2, "'x' is not a direction: r, w or rw"},
    {"open a\x01", 1, "control character in 'a\\001'"},
    // Numbers.
    {"open a\nread a 0", 2, "'0' is not a number from 1 to 65536"},
    {"open a\nread a 65537", 2, "'65537' is not a number from 1 to 65536"},
    {"open a\nwrite a -1", 2, "'-1' is not a number from 1 to 65536"},
    {"open a\npeer-read a ten", 2, "'ten' is not a number from 1 to 65536"},
    {"open a\npeer-write a 1.5", 2, "'1.5' is not a number from 1 to 65536"},
    {"open a\nreader a t 0", 2, "'0' is not a number from 1 to 1073741824"},
    {"open a\nwriter a t 99999999999999999999999", 2,
     "'99999999999999999999999' is not a number from 1 to 1073741824"},
    {"sleep -5", 1, "'-5' is not a number from 0 to 86400000"},
    {"sleep 86400001", 1, "'86400001' is not a number from 0 to 86400000"},
    {"open a\ndeadline a r 0", 2,
     "'0' is not a number from 1 to 9223372036854775807, none or past"},
    {"open a\ndeadline a r soon", 2,
     "'soon' is not a number from 1 to 9223372036854775807, none or past"},
    // Names.
    {"reset a r", 1, "descriptor 'a' is not open"},
    {"open a\nopen a", 2, "descriptor 'a' is open already"},
    {"open a\nunblock a\nclose a\nread a 1", 4, "descriptor 'a' is not open"},
    {"task t", 1, "task 't' is not known"},
    {"open a\nreader a t 1\ntask a", 3, "task 'a' is not known"},
    {"open a\nreader a t 1\nreader b t2 1", 3, "descriptor 'b' is not open"},
    // Tasks.
    {"open a\nreader a t 1\nreader a u 1", 3,
     "descriptor 'a' has a parked reader"},
    {"open a\nreader a t 1\nwait a r u", 3,
     "descriptor 'a' has a parked reader"},
    {"open a\nfill a\nwriter a t 1\nwriter a u 1", 4,
     "descriptor 'a' has a parked writer"},
    {"open a\nreader a t 1\nreset a r", 3,
     "descriptor 'a' has a parked reader"},
    {"open a\nopen b\nreader a t 1\nreader b t 1", 4, "task 't' is parked"},
    {"open a\nreader a t 1\nwriter a t 1", 3, "task 't' is parked"},
    // Ends.
    {"open a\nunblock a\nunblock a", 3, "descriptor 'a' is unblocked already"},
    {"open a\nclose a", 2, "descriptor 'a' is closed before unblock"},
    {"open a\nreader a t 1\nclose a", 3, "descriptor 'a' has a parked reader"},
    {"open a\npeer-close a\npeer-close a", 3,
     "the peer of 'a' is closed already"},
    {"open a\npeer-close a\npeer-shutdown a", 3,
     "the peer of 'a' is closed already"},
};

TEST(Rules, EachIsNamedWithFileAndLine) {
  for (const Broken& broken : kBroken) {
    const ScenarioResult result = RunText(broken.text, "dir/file.scenario");
    EXPECT_FALSE(result.kept_the_rules) << broken.text;
    const std::string start =
        "dir/file.scenario:" + std::to_string(broken.line) + ": " + broken.says;
    EXPECT_TRUE(result.err.starts_with(start)) << result.err << start;
    EXPECT_EQ(result.err.find('\n'), result.err.size() - 1) << result.err;
  }
}

TEST(Rules, NothingIsDoneByAStatementThatBreaksOne) {
  EXPECT_EQ(RunText("open a\nreader a t 1\nwait a r u\n").out, "open a: 0\n");
  EXPECT_EQ(RunText("open a\nopen a\n").out, "open a: 0\n");
}

TEST(Rules, EndingIsNoBreach) {
  for (const char* text :
       {"", "\n\n", "# only a comment", "open a", "open a\nreader a t 1",
        "open a\nunblock a", "open a\nfill a\nwriter a w 1\nreader a r 1\n"}) {
    const ScenarioResult result = RunText(text);
    EXPECT_TRUE(result.kept_the_rules) << text;
    EXPECT_EQ(result.err, "");
  }
}

TEST(Lines, MayEndAsOtherSystemsEndThem) {
  EXPECT_EQ(RunText("open a\r\npeer-write a 2\r\n\r\nread a 5").out,
            "open a: 0\npeer-write a 2: 2\nread a 5: 2\n");
}

TEST(Lines, HaveALimit) {
  const std::string limit(65536, ' ');
  EXPECT_TRUE(RunText(limit + "\nopen a\n").kept_the_rules);
  const ScenarioResult result = RunText("open a\n" + limit + " \nopen b\n");
  EXPECT_EQ(result.err, "f:2: a line of more than 65536 bytes\n");
  EXPECT_EQ(result.out, "open a: 0\n");
}

TEST(Lines, MayHoldNoZeroBytesOutsideComments) {
  using std::string_literals::operator""s;
  EXPECT_EQ(RunText("open a\0b\n"s).err,
            "f:1: control character in 'a\\000b'\n");
  EXPECT_TRUE(RunText("open a # \0\x01\xff\n"s).kept_the_rules);
}

TEST(Names, MayBeAnyWord) {
  EXPECT_EQ(RunText("open r\nreset r r\nreader r 7 1\ntask 7\n").out,
            "open r: 0\nreset r r: ok\ntask 7: parked\n");
}

TEST(Command, ABrokenRuleIsExitStatusTwoAndKeepsWhatWasPrinted) {
  const CommandResult result = RunNetpoll({"scenario", "-"}, "open a\nclose a");
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(result.out, "open a: 0\n");
  EXPECT_EQ(result.err, "-:2: descriptor 'a' is closed before unblock\n");
}

TEST(Command, AFileThatCannotBeReadIsExitStatusTwo) {
  const CommandResult missing = RunNetpoll({"scenario", "no-such-file"});
  EXPECT_EQ(missing.status, 2);
  EXPECT_EQ(missing.err,
            "netpoll scenario: cannot open 'no-such-file': No such file or "
            "directory\n");
  EXPECT_EQ(RunNetpoll({"scenario", "/"}).status, 2);
  EXPECT_EQ(RunNetpoll({"scenario"}).status, 2);
  EXPECT_EQ(RunNetpoll({"scenario", "-", "--backend", "none"}).status, 2);
}

TEST(Command, AScenarioThatKeepsTheRulesIsExitStatusZero) {
  const CommandResult result =
      RunNetpoll({"scenario", "-"}, "open a\nwriter a t 1000000\nunblock a\n");
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.out, "open a: 0\n");
  EXPECT_EQ(result.err, "");
}

}  // namespace
}  // namespace netpoll
