// SPDX-License-Identifier: Apache-2.0
//
// The workers' glue with a scheduler that answers by script: until when it
// polls, what it looks at and in what order, and what a turn costs.

#include "netpoll/core/worker_glue.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/sleep_protocol.h"

namespace netpoll {
namespace {

using Protocol = SleepProtocol<StdEnv>;
using testing::Test;

// Says what it was asked, in words. Each answer is used once, the last one for
// good.
struct Script {
  std::int64_t Now() {
    said += "now ";
    return Take(nows);
  }
  std::int64_t NextTime() {
    said += "timers ";
    return Take(times);
  }
  void Poll(Delta delta) {
    said += delta.forever()    ? "poll-for-ever "
            : delta.blocking() ? "poll-" + std::to_string(delta.nanos()) + " "
                               : "poll-0 ";
  }
  void PollAll() { said += "poll-all "; }
  void Expire(std::int64_t now) {
    said += "expire-" + std::to_string(now) + " ";
  }
  bool WorkVisible() {
    said += "look ";
    return visible;
  }
  void Break() { said += "break "; }

  static std::int64_t Take(std::vector<std::int64_t>& from) {
    const std::int64_t first = from.front();
    if (from.size() > 1) from.erase(from.begin());
    return first;
  }

  std::vector<std::int64_t> nows = {1};
  std::vector<std::int64_t> times = {kNever};
  bool visible = false;
  std::string said = "";
};

using Glue = WorkerGlue<StdEnv, Script>;

class WorkerGlueTest : public Test {
 protected:
  std::string Idle(Script script) {
    Glue(protocol_, 0, script).Idle();
    EXPECT_FALSE(protocol_.AnyPoller());
    return script.said;
  }
  std::string Look(Script script) {
    Glue(protocol_, 0, script).Look();
    return script.said;
  }
  std::int64_t Until(std::vector<std::int64_t> times) {
    Script script{.times = std::move(times)};
    const auto rest = Glue(protocol_, 0, script).Prepare();
    EXPECT_EQ(rest.next, Glue::Next::kPoll);
    protocol_.EndPoll();
    return rest.until;
  }

  Protocol protocol_;
};

TEST_F(WorkerGlueTest, APollNeverLastsLongerThanWasAnnounced) {
  EXPECT_EQ(Until({5, kNever}), 5) << "another worker has expired it meanwhile";
  EXPECT_EQ(Until({5, 9}), 5);
  EXPECT_EQ(Until({5, 5}), 5);
  EXPECT_EQ(Until({kNever, kNever}), kNever);
}

TEST_F(WorkerGlueTest, NorLongerThanTheTimersSayAfterTheAnnouncement) {
  EXPECT_EQ(Until({5, 3}), 3);
  EXPECT_EQ(Until({kNever, 9}), 9) << "set before anybody could be told";
}

// The story that lost a deadline: announced 5, another worker expires that, and
// a deadline of 9 is set, whose setter sees that the poll ends at 5.
TEST_F(WorkerGlueTest, ADeadlineAfterTheAnnouncedOneIsNotLost) {
  struct Moving : Script {
    bool WorkVisible() {
      times = {kNever};  // Expired by somebody else.
      return false;
    }
    void Poll(Delta delta) {
      EXPECT_FALSE(protocol->DeadlineMoved(9)) << "it ends before that";
      EXPECT_FALSE(delta.forever());
      EXPECT_EQ(delta.nanos(), 4);
    }
    Protocol* protocol = nullptr;
  } host;
  host.times = {5};
  host.protocol = &protocol_;
  WorkerGlue<StdEnv, Moving>(protocol_, 0, host).Idle();
}

TEST_F(WorkerGlueTest, WhatIsSetUnderThePollIsBroken) {
  Script script{.times = {7, 7}};
  EXPECT_EQ(Glue(protocol_, 0, script).Prepare().until, 7);
  EXPECT_TRUE(protocol_.DeadlineMoved(6));
  EXPECT_FALSE(protocol_.DeadlineMoved(7));
  EXPECT_TRUE(protocol_.Wake()) << "work breaks it too";
}

TEST_F(WorkerGlueTest, ATurnWithNothingDueIsOnePoll) {
  EXPECT_EQ(Idle({}), "timers look timers poll-for-ever timers ");
  EXPECT_EQ(Idle({.nows = {1, 2}, .times = {9}}),
            "timers look timers now poll-8 timers now ");
  EXPECT_EQ(Look({}), "timers poll-0 ");
  EXPECT_EQ(Look({.times = {9}}), "timers now poll-0 ");
}

TEST_F(WorkerGlueTest, ADeadlineIsBelievedAtATimeBeforeALookForEvents) {
  EXPECT_EQ(Idle({.nows = {1, 9, 20}, .times = {9}}),
            "timers look timers now poll-8 timers now poll-all expire-9 ");
  EXPECT_EQ(Look({.nows = {9, 20}, .times = {9}}),
            "timers now poll-all expire-9 ");
}

TEST_F(WorkerGlueTest, OneThatHasPassedAlreadyCostsOneLook) {
  EXPECT_EQ(Idle({.nows = {9, 20}, .times = {9}}),
            "timers look timers now poll-all expire-9 ");
  EXPECT_EQ(Idle({.nows = {1}, .times = {-5}}),
            "timers look timers now poll-all expire-1 ");
}

TEST_F(WorkerGlueTest, OneThatIsSetUnderTheBlockingPollIsDueAfterIt) {
  EXPECT_EQ(Idle({.nows = {9}, .times = {kNever, kNever, 9}}),
            "timers look timers poll-for-ever timers now poll-all expire-9 ");
}

TEST_F(WorkerGlueTest, WorkThatIsVisibleIsNotPolledFor) {
  EXPECT_EQ(Idle({.visible = true}), "timers look ");
}

TEST_F(WorkerGlueTest, WhoRetractsFromTheTurnWakesSomebodyToPoll) {
  (void)protocol_.Announce(5, kNever);
  (void)protocol_.Announce(1, kNever);
  protocol_.EndPoll();
  EXPECT_EQ(Idle({.visible = true}), "timers look ");
  EXPECT_FALSE(protocol_.AnySleeper());
}

// A sleeper that was chosen while it found other work passes that on, and if
// nobody else sleeps, the poll is broken.
TEST_F(WorkerGlueTest, AWakeUpThatIsNotNeededReachesThePoller) {
  (void)protocol_.Announce(5, kNever);
  struct Chosen : Script {
    bool WorkVisible() {
      EXPECT_FALSE(protocol->Wake()) << "this worker was taken";
      return true;
    }
    Protocol* protocol = nullptr;
  } host;
  host.protocol = &protocol_;
  WorkerGlue<StdEnv, Chosen>(protocol_, 0, host).Idle();
  EXPECT_EQ(host.said, "timers break ");
}

TEST_F(WorkerGlueTest, SomebodyElsePollsWhileThisOneWorks) {
  struct Finds : Script {
    void Poll(Delta) {
      (void)protocol->Announce(1, kNever);
      visible = true;
    }
    Protocol* protocol = nullptr;
  } host;
  host.protocol = &protocol_;
  WorkerGlue<StdEnv, Finds>(protocol_, 0, host).Idle();
  EXPECT_FALSE(protocol_.AnySleeper());
  EXPECT_FALSE(protocol_.AnyPoller());
}

// The turn is over before deadlines wake anybody: they find nobody to break.
TEST_F(WorkerGlueTest, DeadlinesAreActedOnAfterTheTurn) {
  struct Expiring : Script {
    void Expire(std::int64_t) {
      EXPECT_FALSE(protocol->Wake());
      said += "expired ";
    }
    Protocol* protocol = nullptr;
  } host;
  host.protocol = &protocol_;
  host.nows = {1, 9};
  host.times = {9};
  WorkerGlue<StdEnv, Expiring>(protocol_, 0, host).Idle();
  EXPECT_EQ(host.said,
            "timers look timers now poll-8 timers now poll-all expired ");
}

// Whoever polls sees to events and to deadlines: a busy worker must not act on
// a deadline while the other may have events in hand.
TEST_F(WorkerGlueTest, ABusyWorkerLeavesItToTheOneThatPolls) {
  (void)protocol_.Announce(5, 9);
  EXPECT_EQ(Look({.nows = {20}, .times = {9}}), "");
  EXPECT_TRUE(protocol_.AnyPoller());
  protocol_.EndPoll();
  EXPECT_EQ(Look({.nows = {20}, .times = {9}}),
            "timers now poll-all expire-20 ");
}

// A quick look is no poll that must be broken, and whoever fell asleep because
// of it is woken.
TEST_F(WorkerGlueTest, AQuickLookNeedsNoBreakAndLeavesNoSleeperAlone) {
  struct Quick : Script {
    void Poll(Delta) {
      EXPECT_FALSE(protocol->AnyPoller());
      EXPECT_FALSE(protocol->Wake());
      EXPECT_FALSE(protocol->DeadlineMoved(1));
      EXPECT_EQ(protocol->Announce(1, kNever), IdleRole::kSleeper);
      said += "quick ";
    }
    Protocol* protocol = nullptr;
  } host;
  host.protocol = &protocol_;
  WorkerGlue<StdEnv, Quick>(protocol_, 0, host).Look();
  EXPECT_EQ(host.said, "timers quick ");
  EXPECT_FALSE(protocol_.AnySleeper());
}

// A foreign loop: it blocks in a call of its own.
TEST_F(WorkerGlueTest, AForeignLoopIsTheSameInTwoHalves) {
  Script script{.nows = {9}, .times = {9}};
  Glue glue(protocol_, 0, script);
  const auto rest = glue.Prepare();
  EXPECT_EQ(rest.next, Glue::Next::kPoll);
  EXPECT_EQ(rest.until, 9);
  EXPECT_TRUE(protocol_.Wake());
  glue.Finish();
  EXPECT_FALSE(protocol_.Wake());
  EXPECT_EQ(script.said,
            "timers look timers timers now poll-0 poll-all expire-9 ");
}

}  // namespace
}  // namespace netpoll
