// SPDX-License-Identifier: Apache-2.0
//
// check and replay as a user meets them.

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpoll/model/report/replay_string.h"
#include "netpoll/model/report/source.h"
#include "netpoll/model/source/read_file.h"
#include "netpoll/tools/cli/call_command.h"
#include "netpoll/tools/cli/check_report.h"
#include "netpoll/tools/cli/command.h"

namespace netpoll::tools {
namespace {

using model::ReplayString;
using ::testing::ContainsRegex;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string Replay(const std::string& scenario, const std::string& steps) {
  ReplayString replay;
  replay.scenario = scenario;
  replay.digest = std::string(model::SourceDigest());
  EXPECT_EQ(model::ParseSchedule(steps, &replay.schedule), "");
  return replay.Text();
}

TEST(CheckCommand, PrintsACertificate) {
  const Said said = Call({"check", "--only", "read-edge"});
  EXPECT_EQ(said.status, kExitOk);
  EXPECT_THAT(said.out, HasSubstr("read-edge"));
  EXPECT_THAT(said.out, HasSubstr("every property holds"));
}

TEST(CheckCommand, IsTheSameWithAnyNumberOfWorkers) {
  const auto digest = [](const char* workers) {
    const std::string out =
        Call({"check", "--only", "read-*", "--workers", workers}).out;
    return out.substr(0, out.find("source "));
  };
  const std::string one = digest("1");
  EXPECT_THAT(one, HasSubstr("read-timer-close"));
  EXPECT_EQ(one, digest("2"));
  EXPECT_EQ(one, digest("5"));
}

TEST(CheckCommand, IsTheSameWithoutReduction) {
  const auto table = [](std::vector<std::string> words) {
    const std::string out = Call(words).out;
    return out.substr(0, out.find("total"));
  };
  EXPECT_EQ(table({"check", "--only", "lock-*"}),
            table({"check", "--only", "lock-*", "--no-reduction"}));
}

TEST(CheckCommand, AMutantIsFoundAndItsStringReplays) {
  const Said said =
      Call({"check", "--mutant", "canary", "--only", "wait-canceled"});
  EXPECT_EQ(said.status, kExitFinding);
  EXPECT_THAT(said.out, HasSubstr("L1: a task is parked although"));
  const auto at = said.out.find("np1:canary/wait-canceled:");
  ASSERT_NE(at, std::string::npos);
  const std::string replay = said.out.substr(at, said.out.find('\n', at) - at);
  const Said again = Call({"replay", replay});
  EXPECT_EQ(again.status, kExitFinding);
  EXPECT_THAT(again.out, HasSubstr("L1: a task is parked although"));
}

TEST(CheckCommand, SaysTheVerdictThenTheShortestThenALineForEachOther) {
  const Said said = Call(
      {"check", "--mutant", "canary", "--only", "wait-*,read-past-cleared"});
  EXPECT_EQ(said.status, kExitFinding);
  const auto at = said.out.find("\nBROKEN: ");
  ASSERT_NE(at, std::string::npos) << said.out;
  EXPECT_THAT(said.out.substr(at),
              ContainsRegex("BROKEN: [0-9]+ configurations, [0-9]+ kinds?, "
                            "shortest [0-9]+ steps in "));
  const auto count = [](const std::string& text, const std::string& word) {
    int found = 0;
    for (auto i = text.find(word); i != std::string::npos;
         i = text.find(word, i + 1)) {
      ++found;
    }
    return found;
  };
  EXPECT_EQ(count(said.out, "netpoll replay np1:"), 1);
  const Said all = Call({"check", "--mutant", "canary", "--only",
                         "wait-*,read-past-cleared", "--all"});
  EXPECT_GT(count(all.out, "netpoll replay np1:"), 1);
  EXPECT_THAT(said.out, Not(HasSubstr("NOT EXPLAINED")));
}

TEST(CheckCommand, OnlyTakesSeveralNames) {
  const Said said =
      Call({"check", "--only", "read-edge,read-close", "--only", "lock-plain"});
  EXPECT_EQ(said.status, kExitOk);
  for (const char* name : {"read-edge ", "read-close ", "lock-plain "}) {
    EXPECT_THAT(said.out, HasSubstr(name));
  }
  EXPECT_THAT(said.out, HasSubstr("total 3"));
  ExpectRefused({"check", "--only", "read-edge,read-clos"},
                "no configuration is named 'read-clos'");
  ExpectRefused({"check", "--only", "read-edge,"}, "--only is 'read-edge,'");
}

TEST(CheckCommand, ListsWhatThereIs) {
  const Said said = Call({"check", "--list", "--only", "read-close,deep-*"});
  EXPECT_EQ(said.status, kExitOk);
  EXPECT_THAT(said.out, HasSubstr("read-close "));
  EXPECT_THAT(said.out, HasSubstr("(--deep)"));
  EXPECT_THAT(said.out, Not(HasSubstr("read-edge ")));
  EXPECT_THAT(Call({"check", "--list", "--only", "read-close", "--json"}).out,
              HasSubstr("{\"name\": \"read-close\", \"about\": "));
}

TEST(CheckCommand, EachThatIsBrokenHasALine) {
  std::vector<Broken> broken(40);
  for (std::size_t i = 0; i < broken.size(); ++i) {
    broken[i].configuration = "number-" + std::to_string(i + 100);
    broken[i].violation = "L2: a task is parked";
    broken[i].steps = 10 + i;
    broken[i].text = "in full";
  }
  const std::string text = VerdictText(broken, false, 80);
  EXPECT_THAT(text, StartsWith("BROKEN: 40 configurations, 1 kind, shortest 10 "
                               "steps in number-100\n"));
  for (std::size_t i = 1; i < broken.size(); ++i) {
    EXPECT_THAT(text, HasSubstr("\n  " + broken[i].configuration + " "));
  }
}

TEST(CheckCommand, SaysWhatItDoesNotWrite) {
  ExpectRefused({"check", "--only", "read-edge", "--html", "/no/where/a.html"},
                "cannot write '/no/where/a.html': No such file");
  ExpectRefused({"check", "--only", "read-edge", "--trace", "/no/where/a"},
                "cannot write '/no/where/a'");
  const std::string file = ::testing::TempDir() + "not_written.html";
  const Said said = Call({"check", "--only", "read-edge", "--html", file});
  EXPECT_EQ(said.status, kExitOk);
  EXPECT_THAT(said.err,
              HasSubstr("nothing is broken, so " + file + " was not written"));
}

TEST(MutantsCommand, ListsAlsoWhatIsNotInThisProgram) {
  const Said said = Call({"mutants", "--list", "--only", "C1-no-recheck,S*"});
  EXPECT_EQ(said.status, kExitOk);
  EXPECT_THAT(said.out, HasSubstr("C1-no-recheck              A task parks "));
  EXPECT_THAT(said.out, Not(HasSubstr("C1-no-publish")));
  ExpectRefused({"mutants", "--list", "--only", "C1-no-rechek"},
                "no mutant is named 'C1-no-rechek' (did you mean "
                "'C1-no-recheck'?)");
}

TEST(CheckCommand, PrintsOneJsonObject) {
  const Said said = Call({"check", "--only", "read-close", "--json"});
  EXPECT_EQ(said.status, kExitOk);
  EXPECT_THAT(said.out, StartsWith("{\n  \"version\": \""));
  EXPECT_THAT(said.out, EndsWith("}\n"));
  for (const char* member :
       {"\"source\": \"", "\"variant\": \"shipped\"", "\"holds\": true",
        "\"coverage\": null", "\"summary\": {\"configurations\": 1, ",
        "\"results\": [", "\"interleavings\": \""}) {
    EXPECT_THAT(said.out, HasSubstr(member));
  }
  const Said broken = Call(
      {"check", "--mutant", "canary", "--only", "wait-canceled", "--json"});
  EXPECT_EQ(broken.status, kExitFinding);
  for (const char* member :
       {"\"holds\": false", "\"broken\": 1", "\"shortest\": \"wait-canceled\"",
        "\"task\": \"reader\"", "\"replay\": \"np1:canary/"}) {
    EXPECT_THAT(broken.out, HasSubstr(member));
  }
}

TEST(CheckCommand, UnknownNamesAreOneSentence) {
  ExpectRefused({"check", "--only", "huge-lock"}, "netpoll fuzz runs it");
  ExpectRefused({"check", "--only", "deep-reopen"}, "with --deep only");
  ExpectRefused({"check", "--only", "read-clos"},
                "no configuration is named 'read-clos' (did you mean "
                "'read-close'?)");
  ExpectRefused({"check", "--mutant", "C99-nothing"},
                "no mutant is named 'C99-nothing'");
  ExpectRefused({"check", "--worker", "2"}, "did you mean '--workers'?");
  ExpectRefused({"check", "--workers", "0"}, "--workers is '0'");
}

TEST(ReplayCommand, APassingScheduleIsShown) {
  const Said said = Call({"replay", Replay("read-edge", "3a")});
  EXPECT_EQ(said.status, kExitOk);
  EXPECT_THAT(said.out, HasSubstr("check.status"));
  EXPECT_THAT(said.out, HasSubstr("no property was broken"));
}

TEST(ReplayCommand, WhatCannotBeReplayedIsOneSentence) {
  ExpectRefused({"replay", "nonsense"}, "not a replay string");
  ExpectRefused({"replay", "np9:a:b:c:d"}, "version 9");
  ExpectRefused({"replay", Replay("read-edge", "a") + "x"}, "checksum");
  ExpectRefused({"replay", Replay("read-egde", "a")},
                "no configuration is named 'read-egde' (did you mean "
                "'read-edge'?)");
  ExpectRefused({"replay", "no/such/file"}, "there is no file");
}

TEST(ReplayCommand, AScheduleThatDoesNotFitSaysWhere) {
  const Said said = Call({"replay", Replay("read-close", "2ac4a")});
  EXPECT_EQ(said.status, kExitBadUse);
  EXPECT_THAT(said.err, HasSubstr("step 3 of the schedule cannot be taken: "
                                  "there is no such thread"));
}

TEST(ReplayCommand, ATraceIsComparedLineByLine) {
  const std::string file = ::testing::TempDir() + "/run.trace";
  ASSERT_EQ(Call({"replay", Replay("read-edge", "3a"), "--trace", file}).status,
            kExitOk);
  EXPECT_EQ(Call({"replay", file}).status, kExitOk);
  std::string changed = model::ReadFile(file);
  const std::string was = "2 reader reset.word";
  ASSERT_THAT(changed, HasSubstr(was));
  changed.replace(changed.find(was), was.size(), "2 reader reset.slit");
  std::ofstream(file) << changed;
  const Said stale = Call({"replay", file});
  EXPECT_EQ(stale.status, kExitBadUse);
  EXPECT_THAT(stale.err, HasSubstr("went stale at line 7: expected '2 reader "
                                   "reset.slit"));
}

TEST(ReplayCommand, WritesAPageThatLoadsNothing) {
  const std::string file = ::testing::TempDir() + "/run.html";
  ASSERT_EQ(Call({"replay", Replay("read-edge", "3a"), "--html", file}).status,
            kExitOk);
  const std::string page = model::ReadFile(file);
  EXPECT_THAT(page, HasSubstr("np1:read-edge:"));
  EXPECT_THAT(page, ::testing::Not(HasSubstr("http")));
  EXPECT_THAT(page, ::testing::Not(HasSubstr("src=")));
}

}  // namespace
}  // namespace netpoll::tools
