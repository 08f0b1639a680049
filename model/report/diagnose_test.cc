// SPDX-License-Identifier: Apache-2.0
//
// What is said of a counterexample: a shortest one, the task that the law
// meant, the steps that matter, and who decided; and the lanes below it.

#include <cstddef>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpoll/model/engine/object.h"
#include "netpoll/model/report/broken_world.h"
#include "netpoll/model/report/check.h"
#include "netpoll/model/report/pictures.h"
#include "netpoll/model/report/replay_string.h"
#include "netpoll/model/report/sentence_truth.h"
#include "netpoll/model/report/source.h"
#include "netpoll/model/report/story.h"

namespace netpoll::model {
namespace {

using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Counterexample, IsAShortestWithTheFewestSwitches) {
  const Verdict verdict = Check("shipped", BrokenScenario());
  // Look; go, tell, see nobody asleep; say so and park.
  EXPECT_EQ(ScheduleText(verdict.story.schedule), "a3ba");
  EXPECT_EQ(verdict.story.switches, 2);
  EXPECT_TRUE(Check("shipped", BrokenScenario(true)).ok());
}

TEST(Counterexample, SaysWhoLookedLastWhatChangedAndThatNobodyLookedAgain) {
  const Verdict verdict = Check("shipped", BrokenScenario());
  const Diagnosis diagnosis = Diagnose(verdict.story);
  EXPECT_EQ(diagnosis.lost, 0);
  EXPECT_EQ(diagnosis.task, 0);
  EXPECT_EQ(diagnosis.headline,
            "news: somebody sleeps through them: sleeper is parked for ever");
  EXPECT_THAT(
      diagnosis.facts,
      ElementsAre("sleeper last looked at news in step 1 (look: news is 0)",
                  "waker changed news in step 3 (tell: news 0 -> 1)",
                  "waker last looked at asleep in step 4 (see_asleep: asleep "
                  "is 0), before sleeper was there",
                  "sleeper went to sleep in step 5 (say_asleep: asleep 0 -> 1)",
                  "and nobody looked again: not sleeper at news after that; "
                  "nobody else looked at asleep after step 5"));
  EXPECT_EQ(SentenceTruth(verdict.story).Untrue(), "");
}

// A story of two threads, moment by moment, that ends with both as they stand.
struct Told {
  Story story;

  Told(std::vector<std::string> threads, const char* violation) {
    story.threads = std::move(threads);
    story.violation = violation;
    story.at_rest = true;
    story.next = {"", "park"};
    story.next_object = {-1, -1};
  }
  void Add(int thread, const char* site, const char* object, int index,
           const char* before, const char* after) {
    Moment moment;
    moment.step = static_cast<int>(story.moments.size()) + 1;
    moment.thread = thread;
    moment.site = site;
    moment.operation = "exchange";
    moment.object = object;
    moment.object_index = index;
    moment.before = before;
    moment.after = after;
    moment.looked = true;
    moment.changed = std::string(before) != after;
    moment.stands = {Stand::kEnded, Stand::kParked};
    story.moments.push_back(moment);
  }
};

// Whoever happens to be parked then was not lost.
TEST(Counterexample, ALawOfAFieldNamesWhoChangedTheFieldLast) {
  Told told({"setter", "writer"},
            "I13: a deadline is set and no timer serves it");
  told.story.object = 0;
  told.story.object_name = "state";
  told.Add(0, "a.lock", "state", 0, "open r- w-", "open r@5 w@5");
  told.Add(0, "b.lock", "state", 0, "open r@5 w@5", "open r- w@5");
  told.Add(1, "commit", "wg", 1, "wait", "task:writer");
  const Diagnosis diagnosis = Diagnose(told.story);
  EXPECT_EQ(diagnosis.lost, -1);
  EXPECT_EQ(diagnosis.to, 2);
  EXPECT_THAT(diagnosis.sentence,
              HasSubstr("setter changed state last, in step 2 (b.lock: state "
                        "open r@5 w@5 -> open r- w@5); nobody put it right "
                        "after that; in the end parked: writer"));
}

TEST(Counterexample, AndWhoHadChangedItBefore) {
  Told told({"canceller", "reader"}, "F: a wake-up that nobody waited for");
  told.story.object = 0;
  told.story.object_name = "queue";
  told.story.object_value = "permits 1";
  told.Add(0, "withdraw", "queue", 0, "1 parked", "0 parked");
  told.Add(1, "grant", "queue", 0, "0 parked", "permits 1");
  EXPECT_THAT(Diagnose(told.story).facts[0],
              "canceller had changed queue in step 1 (withdraw: queue 1 parked "
              "-> 0 parked)");
}

TEST(Counterexample, AWakeThatWasDroppedNamesTheStepThatDroppedIt) {
  Told told({"closer", "writer"}, "L2: a task is parked");
  told.story.task = 1;
  told.Add(1, "commit", "wg", 0, "wait", "task:writer");
  told.Add(0, "cancel", "wg", 0, "task:writer", "nil");
  const Diagnosis diagnosis = Diagnose(told.story);
  EXPECT_EQ(diagnosis.lost, 1);
  EXPECT_EQ(diagnosis.taken, 2);
  EXPECT_THAT(diagnosis.sentence,
              HasSubstr("closer took writer out of wg in step 2 (cancel: wg "
                        "task:writer -> nil); nobody made writer runnable "
                        "after that: closer has ended"));
}

// The other one waits too, and rightly.
TEST(Counterexample, TheTaskIsTheOneThatTheLawMeant) {
  Told told({"reader", "writer"}, "L2: a task is parked");
  told.story.task = 1;
  told.story.object = 2;
  told.story.object_name = "status";
  told.Add(0, "check", "status", 2, "open", "open");
  told.Add(0, "commit", "rg", 0, "wait", "task:reader");
  told.Add(1, "commit", "wg", 1, "wait", "task:writer");
  told.story.moments.back().stands = {Stand::kParked, Stand::kParked};
  EXPECT_EQ(Diagnose(told.story).lost, 1);
  told.story.task = 0;
  EXPECT_EQ(Diagnose(told.story).lost, 0);
}

// Woken by somebody who left its word as it was.
TEST(Counterexample, WhatOthersLeftIsTold) {
  Told told({"waker", "task"}, "misuse: two tasks wait for one wake-up");
  told.story.at_rest = false;
  told.story.task = 1;
  told.Add(1, "commit", "word", 0, "2", "task:task");
  told.Add(0, "wake", "word", 0, "task:task", "task:task");
  told.Add(0, "run", "task.runnable", 1, "asleep", "runnable");
  told.Add(1, "finish", "word", 0, "task:task", "task:task");
  EXPECT_THAT(
      Diagnose(told.story).facts,
      ElementsAre("task changed word in step 1 (commit: word 2 -> task:task)",
                  "waker looked at word in step 2 (wake: word is task:task), "
                  "and left it",
                  "waker made task runnable in step 3 (run: task.runnable "
                  "asleep -> runnable)",
                  "task went as far as step 4 (finish: word is task:task)",
                  "nobody changed word between that and step 4"));
  EXPECT_EQ(SentenceTruth(told.story).Untrue(), "");
}

TEST(Counterexample, WhatNobodyElseHadAPartInSaysWhatWasDoneLast) {
  Told told({"setter", "task"}, "L6: the caller is not told");
  told.story.at_rest = false;
  told.story.task = 0;
  told.Add(0, "field", "state", 0, "never", "at 5");
  told.Add(0, "unlock", "lock", 1, "held", "free");
  told.story.moments.back().operation = Name(Op::kRelease);
  EXPECT_THAT(Diagnose(told.story).facts,
              ElementsAre("setter changed state in step 1 (field: state never "
                          "-> at 5)",
                          "setter went as far as step 2 (unlock: lock held -> "
                          "free)",
                          "setter changed nothing more after that"));
  EXPECT_EQ(SentenceTruth(told.story).Untrue(), "");
}

// What a thread took, and wrote by it although somebody had changed it since.
TEST(Counterexample, AFieldWrittenOnTheWayIsTold) {
  Told told({"closer", "clock"}, "I14: the status word moved otherwise");
  told.story.at_rest = false;
  told.story.task = 1;
  told.story.object = 2;
  told.Add(1, "pop", "timer", 0, "at 5", "idle");
  told.Add(0, "field", "state", 1, "open", "closing");
  told.Add(0, "retire", "status", 2, "gen1", "gen2");
  told.Add(1, "field", "state", 1, "closing", "expired");
  told.story.moments.back().operation = Name(Op::kSet);
  told.Add(1, "fire", "status", 2, "gen2", "gen2+expired");
  EXPECT_THAT(
      Diagnose(told.story).facts,
      ElementsAre("clock changed timer in step 1 (pop: timer at 5 -> idle)",
                  "closer changed state in step 2 (field: state open -> "
                  "closing)",
                  "closer changed status in step 3 (retire: status gen1 -> "
                  "gen2)",
                  "clock changed state in step 4 (field: state closing -> "
                  "expired)",
                  "clock went as far as step 5 (fire: status gen2 -> "
                  "gen2+expired)",
                  "clock goes on at park"));
  EXPECT_EQ(SentenceTruth(told.story).Untrue(), "");
}

// What a thread did about what it saw stands in no line that accesses anything.
TEST(Counterexample, WhatWasSeenIsFollowedToThePureFunctionThatDecided) {
  Told told({"closer", "clock"}, "I14: the status word moved otherwise");
  told.story.at_rest = false;
  told.story.task = 1;
  told.story.object = 2;
  told.Add(0, "field", "state", 1, "open timer@5", "closing");
  told.Add(0, "retire", "status", 2, "gen1", "gen2");
  told.Add(1, "fire.lock", "lock", 3, "free", "held");
  told.story.moments.back().operation = Name(Op::kAcquire);
  told.Add(1, "field", "state", 1, "closing", "closing");
  told.story.moments.back().operation = Name(Op::kGet);
  for (const SourceLine& known : SourceLines()) {
    const std::string_view line(known.line);
    if (line.find("Planner::Fire(state_.Get()") == line.npos) continue;
    told.story.moments.back().place = known.place;
  }
  told.Add(1, "fire", "status", 2, "gen2", "gen2");
  told.Add(1, "fire", "status", 2, "gen2", "gen2+expired");
  EXPECT_THAT(
      Diagnose(told.story).sentence,
      ContainsRegex("clock saw that and went on all the same; clock's step 5 "
                    "was decided by DeadlinePlanner::Fire, "
                    "core/deadline_plan.h:[0-9]+, of state closing .no longer "
                    "open, timer@5 since step 1.$"));
  EXPECT_EQ(SentenceTruth(told.story).Untrue(), "");
  // Without the lock it need not have gone by that.
  told.story.moments[2].operation = Name(Op::kRelease);
  EXPECT_THAT(Diagnose(told.story).sentence, Not(HasSubstr("decided by")));
}

// The statement itself may say so, be it in a function that it hands over.
TEST(Counterexample, AStatementNamesThePureFunctionThatDecided) {
  EXPECT_THAT(PureFunctionIn(StatementOf("ready.status")),
              ContainsRegex("^status::Event, core/status.h:[0-9]+$"));
  EXPECT_THAT(PureFunctionIn(StatementOf("unblock.status")),
              ContainsRegex("^DeadlinePlanner::Unblock, "
                            "core/deadline_plan.h:[0-9]+$"));
  EXPECT_THAT(PureFunctionIn(StatementOf("fdlock.withdraw")),
              ContainsRegex("^lock_word::Withdraw, "
                            "core/descriptor_lock_word.h:[0-9]+$"));
  EXPECT_EQ(PureFunctionIn(StatementOf("prepare.nothing")), "");
  EXPECT_EQ(PureFunctionIn("std::Event(Mode::kRead, ::"), "");
}

// The line that is wrong is one that ships, not the model's.
TEST(Counterexample, AStepOfTheSystemSaysFromWhereItCame) {
  Told told({"handle", "canceller"}, "R8: a cancel reaches what has ended");
  told.story.at_rest = false;
  told.story.task = 1;
  told.Add(1, "commit.word", "word", 0, "2", "3");
  told.Add(0, "end", "descriptor", 1, "open", "ended");
  told.Add(1, "look", "descriptor", 1, "ended", "ended");
  told.story.moments.back().place = "model/world.cc:1";
  EXPECT_THAT(
      Diagnose(told.story).sentence,
      ContainsRegex("canceller came there from step 1 .commit.word, "
                    "core/poll_desc.h:[0-9]+: word 2 -> 3., and looked at "
                    "nothing after that"));
  told.story.moments[1].thread = 1;
  EXPECT_THAT(Diagnose(told.story).sentence,
              Not(HasSubstr("looked at nothing after that")));
}

TEST(Counterexample, AChangeTooManyNamesTheOneBeforeAndWhatWasLookedAt) {
  Told told({"first", "second"}, "I22: breaks are not coalesced");
  told.story.at_rest = false;
  told.story.object = 0;
  told.story.object_name = "pipe";
  told.Add(1, "hear", "news", 1, "1", "1");
  told.Add(0, "write", "pipe", 0, "0 bytes", "1 bytes");
  told.Add(1, "write", "pipe", 0, "1 bytes", "2 bytes");
  EXPECT_THAT(
      Diagnose(told.story).facts,
      ElementsAre(
          "first changed pipe in step 2 (write: pipe 0 bytes -> 1 bytes)",
          "second went as far as step 3 (write: pipe 1 bytes -> 2 bytes)",
          "second had looked at news, and at nothing else"));
  EXPECT_EQ(SentenceTruth(told.story).Untrue(), "");
}

TEST(Counterexample, ALawOfArithmeticNamesWhoseAnswerItWas) {
  Told told({"arithmetic", ""},
            "K17: too short (ns 1, by ToMillisecondsCeil of core/delta.h)");
  told.story.at_rest = false;
  told.Add(0, "go", "", -1, "", "");
  EXPECT_THAT(Diagnose(told.story).sentence,
              ContainsRegex("the answer is that of ToMillisecondsCeil, "
                            "core/delta.h:[0-9]+$"));
}

TEST(Lanes, EndWithTheLineOfTheSource) {
  Told told({"reader", "writer"}, "");
  told.Add(0, "commit.word", "rg", 0, "wait", "task:reader");
  EXPECT_THAT(Lanes(told.story, 100),
              ContainsRegex("commit.word .* poll_desc.h:[0-9]+\n"));
  for (const int width : {90, 100, 160}) {
    std::istringstream lines(Lanes(told.story, width));
    for (std::string line; std::getline(lines, line);) {
      EXPECT_LE(line.size(), static_cast<std::size_t>(width));
    }
  }
}

// As many threads as the largest configurations have.
TEST(Lanes, HaveANameEachHoweverNarrowTheyAre) {
  Story story;
  for (int i = 0; i < 12; ++i) {
    story.threads.push_back("thread" + std::to_string(i));
  }
  Moment moment;
  moment.step = 1;
  moment.site = "a.site";
  moment.operation = "load";
  moment.stands.assign(12, Stand::kRuns);
  story.moments = {moment};
  for (const int width : {40, 80, 100, 400}) {
    const std::string text = Lanes(story, width);
    if (width == 40) continue;  // Cut off on the right.
    for (const std::string& name : story.threads) {
      EXPECT_THAT(text, HasSubstr(name)) << width;
    }
  }
}

}  // namespace
}  // namespace netpoll::model
