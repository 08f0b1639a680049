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

namespace netpoll::reference {
namespace {

// --- Status -----------------------------------------------------------------

constexpr std::uint32_t kMine = 7;
constexpr std::uint32_t kNew = 8;

StatusWord Word(unsigned flags, std::uint32_t generation) {
  return flags | (StatusWord{generation} << 32);
}

// What core makes of a word with `flags` by an event that gives `given`.
StatusWord AfterCore(StatusEvent event, unsigned flags, unsigned given) {
  const StatusWord word = Word(flags, kMine);
  const EventFlags said{(given & 2) != 0, (given & 16) != 0};
  StatusStep step{};
  switch (event) {
    case StatusEvent::kPublish:
      step = status::Publish(
          word, {(given & 1) != 0, (given & 4) != 0, (given & 8) != 0, kNew});
      break;
    case StatusEvent::kEventOfThis:
      step = status::Event(word, kMine, said);
      break;
    case StatusEvent::kEventOfAnother:
      step = status::Event(word, kNew, said);
      break;
    case StatusEvent::kReadReset:
      step = status::ForgetErrors(word);
      break;
    case StatusEvent::kOpen:
      step = status::Open(word, kNew);
      break;
  }
  return step.write ? step.next : word;
}

bool After(Touch touch, bool before, bool given) {
  switch (touch) {
    case Touch::kKept:
      return before;
    case Touch::kGiven:
      return given;
    case Touch::kSticky:
      return before || given;
    case Touch::kCleared:
    case Touch::kCounted:
      break;
  }
  return false;
}

// The same of the number of errors, which is in bits of its own.
unsigned ErrorsAfter(Touch touch, unsigned before, bool given) {
  if (touch == Touch::kKept) return before;
  if (touch != Touch::kCounted || !given) return 0;
  return before < 8 ? before + 1 : 8;
}

constexpr unsigned kErrorBits = 2 | 7 << 5;

unsigned ErrorsIn(unsigned flags) {
  return (flags & 2) != 0 ? 8 : flags >> 5 & 7;
}
unsigned ErrorFlags(unsigned errors) {
  return errors == 8 ? kErrorBits : errors << 5;
}
bool Possible(unsigned flags) {
  return (flags & kErrorBits) == ErrorFlags(ErrorsIn(flags));
}

TEST(StateTablesTest, TheStatusWordFollowsItsRules) {
  int cases = 0;
  for (const StatusRule& rule : kStatusRules) {
    const Touch touches[] = {rule.closing, rule.errors, rule.read_expired,
                             rule.write_expired, rule.no_more_edges};
    for (unsigned flags = 0; flags < 256; ++flags) {
      if (!Possible(flags)) continue;
      for (unsigned given = 0; given < 32; ++given) {
        unsigned expected = ErrorFlags(
            ErrorsAfter(rule.errors, ErrorsIn(flags), (given & 2) != 0));
        for (const unsigned bit : {0u, 2u, 3u, 4u}) {
          const bool set = After(touches[bit], (flags >> bit & 1) != 0,
                                 (given >> bit & 1) != 0);
          expected |= set ? 1u << bit : 0;
        }
        EXPECT_EQ(
            AfterCore(rule.event, flags, given),
            Word(expected, rule.generation == Touch::kGiven ? kNew : kMine))
            << Name(rule.event) << " " << flags << " " << given;
        ++cases;
      }
    }
  }
  std::printf("status: %d (word, event) cases\n", cases);
}

TEST(StateTablesTest, TheFirstFieldThatHoldsIsTheAnswer) {
  const auto matches = [](PollError error, const char* text) {
    const std::string name = text;
    if (name == "Closing") return error == PollError::kClosing;
    if (name == "Timeout") return error == PollError::kTimeout;
    if (name.starts_with("NotPollable")) {
      return error == PollError::kNotPollable;
    }
    return false;
  };
  int cases = 0;
  for (unsigned flags = 0; flags < 32; ++flags) {
    for (const bool read : {true, false}) {
      const PollError got =
          status::Check(Word(flags, kMine), read ? Mode::kRead : Mode::kWrite);
      const char* expected = "-";
      for (const StatusFieldSpec& spec : kStatusFields) {
        const char* answer = read ? spec.reader_gets : spec.writer_gets;
        if (spec.field == StatusField::kGeneration || *expected != '-') break;
        if ((flags >> (spec.bits[0] - '0') & 1) != 0) expected = answer;
      }
      EXPECT_TRUE(*expected == '-' ? got == PollError::kNone
                                   : matches(got, expected))
          << flags << " " << expected;
      ++cases;
    }
  }
  std::printf("status: %d (word, direction) cases\n", cases);
}

// --- The wake token ---------------------------------------------------------

TEST(StateTablesTest, TheWakeTokenFollowsItsRules) {
  for (const TokenRule& rule : kTokenRules) {
    WakeToken<StdEnv> token;
    if (rule.state == TokenState::kPending) token.Request();
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
      return Announce(protocol, Protocol::kForever);
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
    protocol.Announce(0, kUntil);
    protocol.Announce(2, kUntil);
    protocol.EndPoll();
    if (rule.state == TurnState::kForever) {
      protocol.Announce(0, Protocol::kForever);
    } else if (rule.state == TurnState::kUntil) {
      protocol.Announce(0, kUntil);
    }
    EXPECT_EQ(Happen(protocol, rule.event), rule.effect)
        << Name(rule.state) << ", " << Name(rule.event);
    EXPECT_EQ(StateOf(protocol), rule.next)
        << Name(rule.state) << ", " << Name(rule.event);
  }
}

}  // namespace
}  // namespace netpoll::reference
