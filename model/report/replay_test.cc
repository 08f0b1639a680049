// SPDX-License-Identifier: Apache-2.0
//
// A failure, printed, is read back as the same failure; anything else that is
// read is refused in one sentence.

#include <cstddef>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpoll/model/report/broken_world.h"
#include "netpoll/model/report/check.h"
#include "netpoll/model/report/replay_string.h"
#include "netpoll/model/report/story.h"
#include "netpoll/model/report/trace_file.h"

namespace netpoll::model {
namespace {

using ::testing::HasSubstr;

TEST(ReplayString, AFailureIsReplayedFromItsString) {
  const Scenario broken = BrokenScenario();
  const Verdict verdict = Check("shipped", broken);
  ASSERT_FALSE(verdict.ok());
  EXPECT_EQ(verdict.violation, "news: somebody sleeps through them");
  ReplayString read;
  ASSERT_EQ(ReplayString::Parse(ReplayStringOf(verdict.story), &read), "");
  EXPECT_EQ(read.scenario, "broken");
  EXPECT_EQ(read.schedule, verdict.story.schedule);
  EXPECT_EQ(TellTwice("shipped", broken, read.schedule), verdict.story);
}

TEST(ReplayString, EveryScheduleIsReadBack) {
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) {
    ReplayString written{
        i % 2 != 0 ? "shipped" : "C1-row", "a-name", "01234567", {}};
    while (random() % 40 != 0) {
      const Choice choice{
          static_cast<std::uint8_t>(random() % 26),
          static_cast<std::uint8_t>(random() % 8 == 0 ? random() % 26 : 0)};
      written.schedule.insert(written.schedule.end(), 1 + random() % 13,
                              choice);
    }
    ReplayString read;
    ASSERT_EQ(ReplayString::Parse(written.Text(), &read), "") << written.Text();
    EXPECT_EQ(read.variant, written.variant);
    EXPECT_EQ(read.scenario, written.scenario);
    EXPECT_EQ(read.digest, written.digest);
    EXPECT_EQ(read.schedule, written.schedule);
  }
}

TEST(ReplayString, EveryChangedCharacterIsNoticed) {
  const std::string text =
      ReplayString{"shipped", "read-edge", "01234567", {{0, 0}, {1, 2}}}.Text();
  ReplayString read;
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const char c : {'a', 'b', '0', '9', ':', 'B', ' '}) {
      std::string changed = text;
      if (changed[at] == c) continue;
      changed[at] = c;
      EXPECT_NE(ReplayString::Parse(changed, &read), "") << changed;
    }
    EXPECT_NE(ReplayString::Parse(text.substr(0, at), &read), "") << at;
  }
}

TEST(ReplayString, WhatIsWrongIsSaid) {
  ReplayString read;
  EXPECT_THAT(ReplayString::Parse("", &read), HasSubstr("not a replay string"));
  EXPECT_THAT(ReplayString::Parse("npx:a:b:c:d", &read),
              HasSubstr("not a replay string"));
  EXPECT_THAT(ReplayString::Parse("np2:read-edge:01234567:a:00000", &read),
              HasSubstr("version 2, and this program reads version 1"));
  EXPECT_THAT(ReplayString::Parse("np1:read-edge", &read),
              HasSubstr("was it cut?"));
  EXPECT_THAT(ReplayString::Parse("np1:read-edge:01234567:a:00000", &read),
              HasSubstr("checksum"));
  std::vector<Choice> schedule;
  EXPECT_THAT(ParseSchedule("ab!", &schedule), HasSubstr("character 3"));
  EXPECT_THAT(ParseSchedule("a0b", &schedule), HasSubstr("out of range"));
  EXPECT_THAT(ParseSchedule("99999999999999999999a", &schedule),
              HasSubstr("out of range"));
  EXPECT_THAT(ParseSchedule("a7", &schedule), HasSubstr("ends with a number"));
}

TEST(TraceFile, IsReadBackAndAgreesWithItsRun) {
  const Scenario broken = BrokenScenario();
  const Story story = Check("shipped", broken).story;
  const std::string text = TraceFileText(story);
  ASSERT_TRUE(TraceFile::Looks(text));
  TraceFile file;
  ASSERT_EQ(TraceFile::Parse(text, &file), "");
  EXPECT_EQ(file.verdict, story.violation);
  EXPECT_EQ(file.Compare(Tell("shipped", broken, file.replay.schedule)), "");
}

TEST(TraceFile, TheFirstStaleLineIsNamed) {
  const Scenario broken = BrokenScenario();
  const Story story = Check("shipped", broken).story;
  std::string text = TraceFileText(story);
  const std::string was = "3 waker tell step news 0 -> 1";
  ASSERT_THAT(text, HasSubstr(was));
  text.replace(text.find(was), was.size(), "3 waker tell step news 0 -> 2");
  TraceFile file;
  ASSERT_EQ(TraceFile::Parse(text, &file), "");
  EXPECT_EQ(file.Compare(story),
            "the trace went stale at line 8: expected '3 waker tell step news "
            "0 -> 2', found '3 waker tell step news 0 -> 1'");
  const Story other = Tell("shipped", BrokenScenario(true), story.schedule);
  ASSERT_EQ(TraceFile::Parse(TraceFileText(story), &file), "");
  EXPECT_THAT(file.Compare(other),
              HasSubstr("verdict went stale: expected 'news: somebody sleeps "
                        "through them', found 'no property was broken'"));
}

TEST(TraceFile, WhatIsWrongIsSaid) {
  const std::string text =
      TraceFileText(Check("shipped", BrokenScenario()).story);
  TraceFile file;
  const auto parse = [&file](std::string changed, const std::string& from,
                             const std::string& to) {
    changed.replace(changed.find(from), from.size(), to);
    return TraceFile::Parse(changed, &file);
  };
  EXPECT_THAT(parse(text, "trace 1", "trace 7"),
              HasSubstr("version '7', and this program reads version 1"));
  EXPECT_THAT(parse(text, "verdict ", "verdikt "), HasSubstr("line 5"));
  EXPECT_THAT(parse(text, "configuration broken", "configuration other"),
              HasSubstr("contradicts"));
  EXPECT_THAT(TraceFile::Parse("netpoll trace 1\n", &file),
              HasSubstr("ends within its header"));
}

}  // namespace
}  // namespace netpoll::model
