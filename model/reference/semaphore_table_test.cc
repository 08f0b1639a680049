// SPDX-License-Identifier: Apache-2.0
//
// Core's semaphore against the reference table: every state with every event,
// at compile time and once more at run time for the report.

#include "netpoll/model/reference/semaphore_table.h"

#include <cstdio>

#include "gtest/gtest.h"
#include "netpoll/core/semaphore.h"

namespace netpoll::model::reference {
namespace {

// Any address will do; the second waiter is one that must not get in.
constexpr SemaphoreWord kParkedWord = 64;

constexpr SemaphoreWord WordOf(State state) {
  switch (state) {
    case State::kNil:
      return 0;
    case State::kReady:
      return 1;
    case State::kWait:
      return 2;
    case State::kParked:
      break;
  }
  return kParkedWord;
}

constexpr State StateOf(SemaphoreWord word) {
  if (word == 0) return State::kNil;
  if (word == 1) return State::kReady;
  return word == 2 ? State::kWait : State::kParked;
}

constexpr Effect EffectOf(SemaphoreOutcome outcome) {
  switch (outcome) {
    case SemaphoreOutcome::kNothing:
      return Effect::kNothing;
    case SemaphoreOutcome::kConsumed:
      return Effect::kConsumed;
    case SemaphoreOutcome::kMustPark:
      return Effect::kMustPark;
    case SemaphoreOutcome::kParked:
      return Effect::kParked;
    case SemaphoreOutcome::kNotParked:
      return Effect::kNotParked;
    case SemaphoreOutcome::kWoken:
      return Effect::kWoken;
    case SemaphoreOutcome::kWake:
      return Effect::kWakeWaiter;
    case SemaphoreOutcome::kMisuse:
      break;
  }
  return Effect::kMisuse;
}

constexpr SemaphoreStep CoreStep(SemaphoreWord word, Event event) {
  switch (event) {
    case Event::kPrepare:
      return semaphore::Prepare(word);
    case Event::kCommit:
      return semaphore::Commit(word, kParkedWord);
    case Event::kFinish:
      return semaphore::Finish(word);
    case Event::kReady:
      return semaphore::Ready(word);
    case Event::kCancel:
      return semaphore::Cancel(word);
    case Event::kReset:
    case Event::kOpen:
      return semaphore::Reset(word);
    case Event::kClose:
      break;
  }
  return SemaphoreStep::Stay(semaphore::Idle(word) ? SemaphoreOutcome::kNothing
                                                   : SemaphoreOutcome::kMisuse);
}

// Core's step is the rule's, and it writes only when the state changes.
constexpr bool Agrees(const Rule& rule) {
  const SemaphoreWord word = WordOf(rule.state);
  const SemaphoreStep step = CoreStep(word, rule.event);
  const SemaphoreWord next = step.write ? step.next : word;
  return StateOf(next) == rule.next && EffectOf(step.outcome) == rule.effect &&
         step.write == (rule.state != rule.next);
}

constexpr bool AllAgree() {
  for (const Rule& rule : kRules) {
    if (!Agrees(rule)) return false;
  }
  return true;
}
static_assert(AllAgree());

TEST(SemaphoreTableTest, EveryStateWithEveryEventIsAsTheReferenceSays) {
  int pairs = 0;
  for (const Rule& rule : kRules) {
    EXPECT_TRUE(Agrees(rule)) << Name(rule.state) << " x " << Name(rule.event);
    ++pairs;
  }
  std::printf("semaphore: %d (state, event) pairs\n", pairs);
  EXPECT_EQ(pairs, 32);
}

// Rules over the whole table, so that the table itself is checked.
TEST(SemaphoreTableTest, ReadinessLeavesOnlyByItsTask) {
  for (const Rule& rule : kRules) {
    if (rule.state != State::kReady || rule.next == State::kReady) continue;
    EXPECT_TRUE(rule.event == Event::kPrepare || rule.event == Event::kFinish ||
                rule.event == Event::kReset || rule.event == Event::kOpen)
        << Name(rule.event);
  }
}

TEST(SemaphoreTableTest, AParkedTaskLeavesOnlyByBeingHandedOut) {
  for (const Rule& rule : kRules) {
    if (rule.state != State::kParked) continue;
    EXPECT_EQ(rule.next != State::kParked, rule.effect == Effect::kWakeWaiter);
  }
  for (const Rule& rule : kRules) {
    if (rule.effect == Effect::kWakeWaiter) {
      EXPECT_EQ(rule.state, State::kParked) << Name(rule.event);
    }
  }
}

TEST(SemaphoreTableTest, ATaskParksOnlyThroughWait) {
  for (const Rule& rule : kRules) {
    if (rule.next != State::kParked || rule.state == State::kParked) continue;
    EXPECT_EQ(rule.state, State::kWait);
    EXPECT_EQ(rule.event, Event::kCommit);
  }
}

}  // namespace
}  // namespace netpoll::model::reference
