// SPDX-License-Identifier: Apache-2.0
//
// A walk through a schedule goes both ways, may leave it, and ends in a string
// that leads there again; a schedule may be written by hand.

#include "netpoll/model/report/step_through.h"

#include <cstdlib>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpoll/model/report/broken_world.h"
#include "netpoll/model/report/check.h"
#include "netpoll/model/report/hand_written.h"
#include "netpoll/model/report/replay_string.h"

namespace netpoll::model {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

struct Read {
  std::string wrong;
  std::string letters;
  int cycle = -1;
};
Read ReadBy(const std::string& text, const std::vector<std::string>& threads) {
  Read read;
  std::vector<Choice> schedule;
  read.wrong = ReadSchedule(text, threads, &schedule, &read.cycle);
  read.letters = ScheduleText(schedule);
  return read;
}

TEST(HandWritten, NamesAndLettersSayTheSame) {
  const std::vector<std::string> threads = {"reader", "closer", "a"};
  EXPECT_EQ(ReadBy("4 reader, 8 closer, 5 reader", threads).letters, "4a8b5a");
  EXPECT_EQ(ReadBy("4reader 8closer\n5 reader", threads).letters, "4a8b5a");
  EXPECT_EQ(ReadBy("4a8b5a", threads).letters, "4a8b5a");
  EXPECT_EQ(ReadBy("4a 8b, 5a", {"x", "y"}).letters, "4a8b5a");
  EXPECT_EQ(ReadBy("reader closer#2 reader", threads).letters, "abBa");
  // A thread's name goes before a letter.
  EXPECT_EQ(ReadBy("2 a", threads).letters, "2c");
  EXPECT_EQ(ReadBy("reader / 2 closer", threads).cycle, 1);
  EXPECT_EQ(ReadBy("a/2b", {"x", "y"}).cycle, 1);
  EXPECT_EQ(ReadBy("", threads).letters, "");
}

TEST(HandWritten, WhatIsWrongIsSaid) {
  const std::vector<std::string> threads = {"reader", "closer"};
  const auto wrong = [&](const std::string& text) {
    return ReadBy(text, threads).wrong;
  };
  EXPECT_EQ(wrong("reader, 2 closr"),
            "'closr' is no thread: there are reader (a), closer (b)");
  EXPECT_THAT(wrong("writer"), HasSubstr("'writer' names no threads: there "
                                         "are reader (a), closer (b)"));
  EXPECT_THAT(wrong("2c"), HasSubstr("'2c' names no threads"));
  EXPECT_THAT(wrong("2 writer"), HasSubstr("'writer' names no threads"));
  EXPECT_THAT(wrong("0 reader"), HasSubstr("out of range"));
  EXPECT_THAT(wrong("999999999999 reader"), HasSubstr("out of range"));
  EXPECT_THAT(wrong("reader 3"), HasSubstr("ends with a number"));
  EXPECT_THAT(wrong("reader#0"), HasSubstr("names no branch"));
  EXPECT_THAT(wrong("reader#"), HasSubstr("names no branch"));
  EXPECT_THAT(wrong("reader / closer / reader"), HasSubstr("more than one /"));
  EXPECT_THAT(wrong("60000 reader 60000 reader"), HasSubstr("too long"));
}

TEST(HandWritten, IsToldFromWhatWasPrinted) {
  EXPECT_TRUE(HandWritten::Looks("read-close: 2 reader"));
  EXPECT_TRUE(HandWritten::Looks("C1-row/read-close:4a\n"));
  EXPECT_FALSE(HandWritten::Looks("np1:read-close:01234567:4a:00000"));
  EXPECT_FALSE(HandWritten::Looks("read-close"));
  EXPECT_FALSE(HandWritten::Looks("some words: reader"));
  const HandWritten written = HandWritten::Parse(" C1-row/read-close: 4a \n");
  EXPECT_EQ(written.variant, "C1-row");
  EXPECT_EQ(written.scenario, "read-close");
  EXPECT_EQ(written.schedule, "4a");
}

class Walk : public ::testing::Test {
 protected:
  const Scenario scenario_ = BrokenScenario();
  const Story story_ = Check("shipped", scenario_).story;
  StepThrough walk_{"shipped", scenario_, story_.schedule, -1};
};

TEST_F(Walk, GoesToTheEndStepByStepAndBack) {
  std::vector<std::string> seen = {walk_.Where()};
  EXPECT_THAT(seen[0], StartsWith("before the first step"));
  const int steps = static_cast<int>(story_.schedule.size());
  for (int i = 0; i < steps; ++i) {
    EXPECT_FALSE(walk_.walked().broken());
    seen.push_back(walk_.Do(i % 2 == 0 ? "" : "n"));
    EXPECT_THAT(seen.back(), StartsWith("step " + std::to_string(i + 1) +
                                        " of " + std::to_string(steps) + ": "));
  }
  EXPECT_TRUE(walk_.walked().broken());
  EXPECT_THAT(seen.back(), HasSubstr(Diagnose(story_).sentence));
  EXPECT_EQ(walk_.walked(), story_);
  EXPECT_EQ(walk_.Replay(), "netpoll replay " + ReplayStringOf(story_));
  ::setenv("NETPOLL_COMMAND", "tools/netpoll", 1);
  EXPECT_THAT(walk_.Replay(), StartsWith("tools/netpoll replay np1:"));
  ::unsetenv("NETPOLL_COMMAND");
  EXPECT_THAT(walk_.Do("n"), HasSubstr("a property is broken"));
  for (int i = steps - 1; i >= 0; --i) {
    EXPECT_EQ(walk_.Do("b"), seen[static_cast<std::size_t>(i)]);
  }
  EXPECT_THAT(walk_.Do("b"), HasSubstr("this is the beginning"));
  EXPECT_EQ(walk_.Do("2"), seen[2]);
  EXPECT_EQ(walk_.Do("end"), seen.back());
  EXPECT_EQ(walk_.Do("back 3"), seen[static_cast<std::size_t>(steps - 3)]);
}

TEST_F(Walk, AStepShowsTheWordBeforeAndAfter) {
  std::string all;
  for (std::size_t i = 0; i < story_.schedule.size(); ++i) all += walk_.Do("");
  EXPECT_THAT(all, HasSubstr("step news: 0 -> 1"));
  EXPECT_THAT(all, HasSubstr("news 0 -> 1"));
  EXPECT_THAT(all, HasSubstr("* sleeper"));
}

TEST_F(Walk, AnotherThreadIsChosenAndGoneOnFrom) {
  const std::string off = walk_.Do("waker");
  EXPECT_THAT(off, HasSubstr("on a way of its own: waker, waker.go"));
  EXPECT_THAT(walk_.Do("go"), HasSubstr("steps on"));
  EXPECT_TRUE(walk_.walked().at_rest || walk_.walked().broken());
  ReplayString read;
  const std::string text = walk_.Replay().substr(15);
  ASSERT_EQ(ReplayString::Parse(text, &read), "");
  EXPECT_EQ(TellTwice("shipped", scenario_, read.schedule), walk_.walked());
  EXPECT_THAT(walk_.Do("given"), Not(HasSubstr("of its own")));
  walk_.Do("end");
  EXPECT_EQ(walk_.walked(), story_);
}

TEST_F(Walk, WhatCannotBeDoneIsSaidAndChangesNothing) {
  walk_.Do("2");
  const std::string before = walk_.Where();
  EXPECT_THAT(walk_.Do("nobody"), HasSubstr("nor a thread (sleeper, waker)"));
  EXPECT_THAT(walk_.Do("next x"), HasSubstr("'x' is not a number"));
  EXPECT_THAT(walk_.Do("a b c"), HasSubstr("too many words"));
  EXPECT_THAT(walk_.Do("waker 5"), HasSubstr("there is no such branch"));
  EXPECT_THAT(walk_.Do("waker 0"), HasSubstr("branches are 1 to 26"));
  EXPECT_EQ(walk_.Where(), before);
  EXPECT_THAT(walk_.Do("999"), HasSubstr("a property is broken"));
  EXPECT_EQ(walk_.at(), static_cast<int>(story_.schedule.size()));
  EXPECT_FALSE(walk_.done());
  EXPECT_EQ(walk_.Do("q"), "");
  EXPECT_TRUE(walk_.done());
}

TEST(StepThrough, EveryCommandIsInTheHelp) {
  for (const char* const word :
       {"n, next", "b, back", "end", "go", "given", "w, words", "l, lanes",
        "r, replay", "q, quit", "NAME"}) {
    EXPECT_THAT(StepThrough::Help(), HasSubstr(word));
  }
}

}  // namespace
}  // namespace netpoll::model
