// SPDX-License-Identifier: Apache-2.0
//
// The smaller state machines around the semaphore, as data: what each event
// does to the wake token and the poll turn. state_tables_test.cc holds core to
// them; state_table_text.h prints them.

#ifndef NETPOLL_MODEL_REFERENCE_STATE_TABLES_H_
#define NETPOLL_MODEL_REFERENCE_STATE_TABLES_H_

#include <cstddef>
#include <cstdint>

namespace netpoll::model::reference {

// --- The wake token ---------------------------------------------------------

enum class TokenState : std::uint8_t { kIdle, kPending };
enum class TokenEvent : std::uint8_t { kRequest, kClear, kRetract };

struct TokenRule {
  TokenState state;
  TokenEvent event;
  TokenState next;
  bool post;  // The caller posts to the kernel object.
};

inline constexpr TokenRule kTokenRules[] = {
    {TokenState::kIdle, TokenEvent::kRequest, TokenState::kPending, true},
    {TokenState::kPending, TokenEvent::kRequest, TokenState::kPending, false},
    {TokenState::kIdle, TokenEvent::kClear, TokenState::kIdle, false},
    {TokenState::kPending, TokenEvent::kClear, TokenState::kIdle, false},
    {TokenState::kIdle, TokenEvent::kRetract, TokenState::kIdle, false},
    {TokenState::kPending, TokenEvent::kRetract, TokenState::kIdle, false},
};

struct TokenEventSpec {
  TokenEvent event;
  const char* caller;
  const char* order;
};
inline constexpr TokenEventSpec kTokenEventSpecs[] = {
    {TokenEvent::kRequest, "anyone who breaks a poll", "release"},
    {TokenEvent::kClear, "the blocking poll, after draining", "acquire"},
    {TokenEvent::kRetract, "a breaker whose post failed", "release"},
};

constexpr const char* Name(TokenState state) {
  return state == TokenState::kIdle ? "idle" : "pending";
}
constexpr const char* Name(TokenEvent event) {
  constexpr const char* kNames[] = {"request", "clear", "retract"};
  return kNames[static_cast<std::size_t>(event)];
}

// --- The poll turn ----------------------------------------------------------

enum class TurnState : std::uint8_t { kNobody, kForever, kUntil };
enum class TurnEvent : std::uint8_t {
  kAnnounceForever,
  kAnnounceUntil,
  kEnd,
  kWorkNobodySleeps,
  kWorkSomebodySleeps,
  kEarlierDeadline,  // Before the time until which is polled.
  kLaterDeadline,
};
enum class TurnEffect : std::uint8_t {
  kNothing,
  kPoll,   // Look again, then poll.
  kSleep,  // Look again, then sleep.
  kBreak,
  kWakeSleeper,
};

struct TurnRule {
  TurnState state;
  TurnEvent event;
  TurnState next;
  TurnEffect effect;
};

// Only the holder ends its turn, so nobody x end is not there.
// clang-format off
inline constexpr TurnRule kTurnRules[] = {
    {TurnState::kNobody,  TurnEvent::kAnnounceForever,    TurnState::kForever, TurnEffect::kPoll},
    {TurnState::kNobody,  TurnEvent::kAnnounceUntil,      TurnState::kUntil,   TurnEffect::kPoll},
    {TurnState::kNobody,  TurnEvent::kWorkNobodySleeps,   TurnState::kNobody,  TurnEffect::kNothing},
    {TurnState::kNobody,  TurnEvent::kWorkSomebodySleeps, TurnState::kNobody,  TurnEffect::kWakeSleeper},
    {TurnState::kNobody,  TurnEvent::kEarlierDeadline,    TurnState::kNobody,  TurnEffect::kWakeSleeper},
    {TurnState::kNobody,  TurnEvent::kLaterDeadline,      TurnState::kNobody,  TurnEffect::kWakeSleeper},
    {TurnState::kForever, TurnEvent::kAnnounceForever,    TurnState::kForever, TurnEffect::kSleep},
    {TurnState::kForever, TurnEvent::kAnnounceUntil,      TurnState::kForever, TurnEffect::kSleep},
    {TurnState::kForever, TurnEvent::kEnd,                TurnState::kNobody,  TurnEffect::kNothing},
    {TurnState::kForever, TurnEvent::kWorkNobodySleeps,   TurnState::kForever, TurnEffect::kBreak},
    {TurnState::kForever, TurnEvent::kWorkSomebodySleeps, TurnState::kForever, TurnEffect::kWakeSleeper},
    {TurnState::kForever, TurnEvent::kEarlierDeadline,    TurnState::kForever, TurnEffect::kBreak},
    {TurnState::kForever, TurnEvent::kLaterDeadline,      TurnState::kForever, TurnEffect::kBreak},
    {TurnState::kUntil,   TurnEvent::kAnnounceForever,    TurnState::kUntil,   TurnEffect::kSleep},
    {TurnState::kUntil,   TurnEvent::kAnnounceUntil,      TurnState::kUntil,   TurnEffect::kSleep},
    {TurnState::kUntil,   TurnEvent::kEnd,                TurnState::kNobody,  TurnEffect::kNothing},
    {TurnState::kUntil,   TurnEvent::kWorkNobodySleeps,   TurnState::kUntil,   TurnEffect::kBreak},
    {TurnState::kUntil,   TurnEvent::kWorkSomebodySleeps, TurnState::kUntil,   TurnEffect::kWakeSleeper},
    {TurnState::kUntil,   TurnEvent::kEarlierDeadline,    TurnState::kUntil,   TurnEffect::kBreak},
    {TurnState::kUntil,   TurnEvent::kLaterDeadline,      TurnState::kUntil,   TurnEffect::kNothing},
};
// clang-format on

struct TurnEventSpec {
  TurnEvent event;
  const char* caller;
  const char* order;
};
inline constexpr TurnEventSpec kTurnEventSpecs[] = {
    {TurnEvent::kAnnounceForever, "a worker out of work",
     "seq_cst, before it looks again"},
    {TurnEvent::kAnnounceUntil, "a worker out of work",
     "seq_cst, before it looks again"},
    {TurnEvent::kEnd, "the worker that polled", "seq_cst"},
    {TurnEvent::kWorkNobodySleeps, "who pushed work",
     "seq_cst, after the push"},
    {TurnEvent::kWorkSomebodySleeps, "who pushed work",
     "seq_cst, after the push"},
    {TurnEvent::kEarlierDeadline, "who set a deadline",
     "seq_cst, after the timer is armed"},
    {TurnEvent::kLaterDeadline, "who set a deadline",
     "seq_cst, after the timer is armed"},
};

constexpr const char* Name(TurnState state) {
  constexpr const char* kNames[] = {"nobody polls", "polls for ever",
                                    "polls until t"};
  return kNames[static_cast<std::size_t>(state)];
}
constexpr const char* Name(TurnEvent event) {
  constexpr const char* kNames[] = {
      "announce, for ever",   "announce, until t",     "end",
      "work, nobody sleeps",  "work, somebody sleeps", "deadline before t",
      "deadline not before t"};
  return kNames[static_cast<std::size_t>(event)];
}
constexpr const char* Name(TurnEffect effect) {
  constexpr const char* kNames[] = {"nothing", "poll", "sleep",
                                    "break the poll", "wake a sleeper"};
  return kNames[static_cast<std::size_t>(effect)];
}

}  // namespace netpoll::model::reference

#endif  // NETPOLL_MODEL_REFERENCE_STATE_TABLES_H_
