// SPDX-License-Identifier: Apache-2.0
//
// The smaller state machines around the semaphore, as data: what each event
// does to the status word, the wake token and the poll turn.
// state_tables_test.cc holds core to them; state_table_text.h prints them.

#ifndef NETPOLL_MODEL_REFERENCE_STATE_TABLES_H_
#define NETPOLL_MODEL_REFERENCE_STATE_TABLES_H_

#include <cstddef>
#include <cstdint>

namespace netpoll::reference {

// --- The status word --------------------------------------------------------

enum class StatusField : std::uint8_t {
  kClosing,
  kErrors,
  kReadExpired,
  kWriteExpired,
  kNoMoreEdges,
  kGeneration,
};

struct StatusFieldSpec {
  StatusField field;
  const char* bits;
  const char* name;
  const char* reader_gets;
  const char* writer_gets;
};

// In the order in which they count: the first that holds is the answer.
inline constexpr StatusFieldSpec kStatusFields[] = {
    {StatusField::kClosing, "0", "closing", "Closing", "Closing"},
    {StatusField::kReadExpired, "2", "read deadline passed", "Timeout", "-"},
    {StatusField::kWriteExpired, "3", "write deadline passed", "-", "Timeout"},
    {StatusField::kErrors, "1, 5..7", "error reports in a row, up to 8",
     "NotPollable of 8, from a wait", "-"},
    {StatusField::kNoMoreEdges, "4", "no more edges will come", "-", "-"},
    {StatusField::kGeneration, "32..63", "generation", "-", "-"},
};

enum class StatusEvent : std::uint8_t {
  kPublish,
  kEventOfThis,
  kEventOfAnother,
  kReadReset,
  kOpen,
};

// What becomes of a field.
enum class Touch : std::uint8_t {
  kKept,
  kGiven,   // Becomes what the event says.
  kSticky,  // Set if the event says so, else kept.
  kCleared,
  kCounted,  // One more if the event says error, else none.
};

struct StatusRule {
  StatusEvent event;
  Touch closing;
  Touch read_expired;
  Touch write_expired;
  Touch errors;
  Touch no_more_edges;
  Touch generation;
  const char* caller;
  const char* order;
};

inline constexpr StatusRule kStatusRules[] = {
    {StatusEvent::kPublish, Touch::kGiven, Touch::kGiven, Touch::kGiven,
     Touch::kKept, Touch::kKept, Touch::kGiven,
     "a deadline, a timer, unblock, close; under the lock",
     "seq_cst, before the unblock that follows"},
    {StatusEvent::kEventOfThis, Touch::kKept, Touch::kKept, Touch::kKept,
     Touch::kCounted, Touch::kSticky, Touch::kKept, "a poll; no lock",
     "acq_rel, before the semaphore moves"},
    {StatusEvent::kEventOfAnother, Touch::kKept, Touch::kKept, Touch::kKept,
     Touch::kKept, Touch::kKept, Touch::kKept, "a poll; no lock", "acquire"},
    {StatusEvent::kReadReset, Touch::kKept, Touch::kKept, Touch::kKept,
     Touch::kCleared, Touch::kKept, Touch::kKept,
     "the reader, before it tries its call; no lock", "acq_rel"},
    {StatusEvent::kOpen, Touch::kCleared, Touch::kCleared, Touch::kCleared,
     Touch::kCleared, Touch::kCleared, Touch::kGiven, "open; under the lock",
     "release, before the system knows the key"},
};

constexpr const char* Name(StatusEvent event) {
  constexpr const char* kNames[] = {"publish", "event of this generation",
                                    "event of another generation",
                                    "a reader's reset", "open"};
  return kNames[static_cast<std::size_t>(event)];
}
constexpr const char* Name(Touch touch) {
  constexpr const char* kNames[] = {"kept", "as given", "set if given",
                                    "cleared", "one more or none"};
  return kNames[static_cast<std::size_t>(touch)];
}

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

}  // namespace netpoll::reference

#endif  // NETPOLL_MODEL_REFERENCE_STATE_TABLES_H_
