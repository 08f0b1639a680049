// SPDX-License-Identifier: Apache-2.0
//
// Core's status word, wake token and poll turn against the reference tables,
// rule by rule.

#include "netpoll/model/reference/state_tables.h"

#include <cstdint>
#include <cstdio>

#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/sleep_protocol.h"
#include "netpoll/core/status.h"
#include "netpoll/core/types.h"
#include "netpoll/core/wake_token.h"
#include "netpoll/model/reference/status_table.h"

namespace netpoll::model::reference {
namespace {

// --- Status -----------------------------------------------------------------

constexpr std::uint32_t kMine = 7;
constexpr std::uint32_t kNew = 8;

StatusWord Word(std::uint64_t flags, std::uint32_t generation) {
  return flags | (StatusWord{generation} << kGenerationShift);
}

// What core makes of a word by an event that gives the bits `given`. What a
// publish says of a field that it is not about is what the field said.
StatusWord AfterCore(StatusEvent event, StatusWord word, std::uint64_t given) {
  const EventFlags said{(given & kErrorStays) != 0,
                        (given & kNoMoreEdges) != 0};
  StatusSummary summary{(word & kClosing) != 0, (word & kReadExpired) != 0,
                        (word & kWriteExpired) != 0, kMine, false};
  StatusStep step{};
  switch (event) {
    case StatusEvent::kDeadline:
      summary.read_expired = (given & kReadExpired) != 0;
      summary.write_expired = (given & kWriteExpired) != 0;
      break;
    case StatusEvent::kFire:
      summary.read_expired |= (given & kReadExpired) != 0;
      summary.write_expired |= (given & kWriteExpired) != 0;
      break;
    case StatusEvent::kUnblock:
      summary.closing = true;
      break;
    case StatusEvent::kRetire:
      summary.generation = kNew;
      summary.retired = true;
      break;
    case StatusEvent::kReady:
      step = status::Event(word, kMine, said);
      return step.write ? step.next : word;
    case StatusEvent::kReadyOfAnother:
      step = status::Event(word, kNew, said);
      return step.write ? step.next : word;
    case StatusEvent::kReset:
      step = status::ForgetErrors(word);
      return step.write ? step.next : word;
    case StatusEvent::kOpen:
      step = status::Open(word, kNew);
      return step.write ? step.next : word;
  }
  step = status::Publish(word, summary);
  return step.write ? step.next : word;
}

std::uint64_t After(Touch touch, std::uint64_t before, std::uint64_t given,
                    std::uint64_t bits) {
  switch (touch) {
    case Touch::kKept:
      return before;
    case Touch::kGiven:
      return given;
    case Touch::kSticky:
      return before | given;
    case Touch::kSet:
      return bits;
    case Touch::kCleared:
      return 0;
    case Touch::kCounted:
      break;
  }
  const int errors = ErrorsIn(before);
  if (given == 0) return 0;
  return ErrorBits(errors < kErrorReports ? errors + 1 : errors);
}

bool Possible(std::uint64_t flags) {
  return (flags & kErrors) == ErrorBits(ErrorsIn(flags));
}

TEST(StateTablesTest, TheStatusWordFollowsItsRules) {
  int cases = 0;
  for (const StatusRule& rule : kStatusRules) {
    for (unsigned flags = 0; flags < 256; ++flags) {
      if (!Possible(flags)) continue;
      for (unsigned bits = 0; bits < 32; ++bits) {
        const StatusWord before = Word(flags, kMine);
        const StatusWord given = Word(bits, kNew);
        StatusWord expected = 0;
        for (const StatusField& field : kStatusFields) {
          expected |= After(rule.Of(field.bits), before & field.bits,
                            given & field.bits, field.bits);
        }
        const StatusWord after = AfterCore(rule.event, before, given);
        EXPECT_EQ(after, expected)
            << Name(rule.event) << " " << flags << " " << bits;
        EXPECT_TRUE(Allows(rule, before, after)) << Name(rule.event);
        ++cases;
      }
    }
  }
  std::printf("status: %d (word, event) cases\n", cases);
}

// The explorer asks of each move whether a rule allows it; a rule that allowed
// everything would be no law.
TEST(StateTablesTest, ARuleAllowsNoFieldToMoveOtherwise) {
  for (const StatusRule& rule : kStatusRules) {
    const StatusWord before = Word(kClosing | kReadExpired | kOneError, kMine);
    const StatusWord after = AfterCore(rule.event, before, 0);
    for (const StatusField& field : kStatusFields) {
      const bool free = rule.Of(field.bits) == Touch::kGiven;
      const StatusWord turned = after ^ (field.bits & ~(field.bits - 1));
      const bool sets =
          rule.Of(field.bits) == Touch::kSticky && (after & field.bits) == 0;
      EXPECT_EQ(Allows(rule, before, turned), free || sets)
          << Name(rule.event) << " " << field.name;
    }
  }
}

TEST(StateTablesTest, TheFirstFieldThatHoldsIsTheAnswer) {
  int cases = 0;
  for (unsigned flags = 0; flags < 512; ++flags) {
    if (!Possible(flags)) continue;
    for (const Mode direction : {Mode::kRead, Mode::kWrite}) {
      const StatusWord word = Word(flags, kMine);
      EXPECT_EQ(status::Check(word, direction), ErrorOf(word, direction))
          << flags;
      EXPECT_EQ(status::Ended(word, direction), EndedBy(word, direction))
          << flags;
      ++cases;
    }
  }
  std::printf("status: %d (word, direction) cases\n", cases);
}

// --- The wake token ---------------------------------------------------------

TEST(StateTablesTest, TheWakeTokenFollowsItsRules) {
  for (const TokenRule& rule : kTokenRules) {
    WakeToken<StdEnv> token;
    if (rule.state == TokenState::kPending) (void)token.Request();
    bool post = false;
    if (rule.event == TokenEvent::kRequest) post = token.Request();
    if (rule.event == TokenEvent::kClear) token.Clear();
    if (rule.event == TokenEvent::kRetract) token.Retract();
    EXPECT_EQ(post, rule.post) << Name(rule.state) << " " << Name(rule.event);
    EXPECT_EQ(token.pending(), rule.next == TokenState::kPending)
        << Name(rule.state) << " " << Name(rule.event);
  }
}

// --- The poll turn ----------------------------------------------------------

constexpr std::int64_t kUntil = 100;
using Protocol = SleepProtocol<StdEnv>;

TurnState StateOf(Protocol& protocol) {
  if (!protocol.AnyPoller()) return TurnState::kNobody;
  return protocol.DeadlineMoved(kUntil) ? TurnState::kForever
                                        : TurnState::kUntil;
}

TurnEffect Announce(Protocol& protocol, std::int64_t until) {
  return protocol.Announce(1, until) == IdleRole::kPoller ? TurnEffect::kPoll
                                                          : TurnEffect::kSleep;
}

// With one sleeper the effect can be seen by its being gone.
TurnEffect Effect(Protocol& protocol, bool broken) {
  if (broken) return TurnEffect::kBreak;
  return protocol.AnySleeper() ? TurnEffect::kNothing
                               : TurnEffect::kWakeSleeper;
}

TurnEffect Happen(Protocol& protocol, TurnEvent event) {
  switch (event) {
    case TurnEvent::kAnnounceForever:
      return Announce(protocol, kNever);
    case TurnEvent::kAnnounceUntil:
      return Announce(protocol, kUntil);
    case TurnEvent::kEnd:
      protocol.EndPoll();
      return TurnEffect::kNothing;
    case TurnEvent::kWorkNobodySleeps:
      protocol.WakeSleeper();
      return protocol.Wake() ? TurnEffect::kBreak : TurnEffect::kNothing;
    case TurnEvent::kWorkSomebodySleeps:
      return Effect(protocol, protocol.Wake());
    case TurnEvent::kEarlierDeadline:
      return Effect(protocol, protocol.DeadlineMoved(kUntil - 1));
    case TurnEvent::kLaterDeadline:
      break;
  }
  return Effect(protocol, protocol.DeadlineMoved(kUntil));
}

TEST(StateTablesTest, ThePollTurnFollowsItsRules) {
  for (const TurnRule& rule : kTurnRules) {
    Protocol protocol;
    // Worker 2 sleeps, worker 0 polls if anybody does.
    (void)protocol.Announce(0, kUntil);
    (void)protocol.Announce(2, kUntil);
    protocol.EndPoll();
    if (rule.state == TurnState::kForever) {
      (void)protocol.Announce(0, kNever);
    } else if (rule.state == TurnState::kUntil) {
      (void)protocol.Announce(0, kUntil);
    }
    EXPECT_EQ(Happen(protocol, rule.event), rule.effect)
        << Name(rule.state) << ", " << Name(rule.event);
    EXPECT_EQ(StateOf(protocol), rule.next)
        << Name(rule.state) << ", " << Name(rule.event);
  }
}

}  // namespace
}  // namespace netpoll::model::reference
