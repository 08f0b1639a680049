// SPDX-License-Identifier: Apache-2.0
//
// The status word, specified: its fields, what each event makes of them, and
// what they tell a task. Written down independently of core/status.h, which
// state_tables_test.cc holds to it, and the explorer at every step (spec.h);
// state_table_text.h prints it.

#ifndef NETPOLL_MODEL_REFERENCE_STATUS_TABLE_H_
#define NETPOLL_MODEL_REFERENCE_STATUS_TABLE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "netpoll/core/types.h"

namespace netpoll::model::reference {

// --- Fields -----------------------------------------------------------------

inline constexpr std::uint64_t kClosing = 1;
inline constexpr std::uint64_t kErrorStays = 2;
inline constexpr std::uint64_t kReadExpired = 4;
inline constexpr std::uint64_t kWriteExpired = 8;
inline constexpr std::uint64_t kNoMoreEdges = 16;
inline constexpr std::uint64_t kOneError = 32;
inline constexpr std::uint64_t kErrorCount = 7 * kOneError;  // Up to seven.
inline constexpr std::uint64_t kErrors = kErrorStays | kErrorCount;
inline constexpr std::uint64_t kEnded = 256;
inline constexpr int kGenerationShift = 32;
inline constexpr std::uint64_t kGeneration = ~std::uint64_t{0}
                                             << kGenerationShift;

// Reports of nothing but an error, in a row, after which a wait may say so:
// then kErrorStays is set, and the count is full.
inline constexpr int kErrorReports = 8;

constexpr int ErrorsIn(std::uint64_t word) {
  if ((word & kErrorStays) != 0) return kErrorReports;
  return static_cast<int>((word & kErrorCount) / kOneError);
}
constexpr std::uint64_t ErrorBits(int errors) {
  return errors == kErrorReports ? kErrors
                                 : static_cast<unsigned>(errors) * kOneError;
}

// What a field tells the tasks of a direction.
struct StatusField {
  std::uint64_t bits;
  const char* name;
  const char* shown;  // In a counterexample.
  PollError reader;
  PollError writer;
  const char* when;  // Empty: whenever the field is not 0.
};

// In the order in which they count: the first that holds is the answer.
inline constexpr StatusField kStatusFields[] = {
    {kClosing, "closing", "closing", PollError::kClosing, PollError::kClosing,
     ""},
    {kReadExpired, "read deadline passed", "r-expired", PollError::kTimeout,
     PollError::kNone, ""},
    {kWriteExpired, "write deadline passed", "w-expired", PollError::kNone,
     PollError::kTimeout, ""},
    {kErrors, "error reports in a row, up to 8", "errors",
     PollError::kNotPollable, PollError::kNone, " of 8, from a wait"},
    {kNoMoreEdges, "no more edges will come", "no-more-edges", PollError::kNone,
     PollError::kNone, ""},
    {kEnded, "the incarnation has ended", "ended", PollError::kNone,
     PollError::kNone, ""},
    {kGeneration, "generation", "gen", PollError::kNone, PollError::kNone, ""},
};

// What ends every operation of a direction.
constexpr PollError EndedBy(std::uint64_t word, Mode direction) {
  for (const StatusField& field : kStatusFields) {
    if (field.bits == kErrors || (word & field.bits) == 0) continue;
    const PollError error =
        direction == Mode::kRead ? field.reader : field.writer;
    if (error != PollError::kNone) return error;
  }
  return PollError::kNone;
}

// What ends a wait: of a reader also that errors keep being reported.
constexpr PollError ErrorOf(std::uint64_t word, Mode direction) {
  const PollError ended = EndedBy(word, direction);
  if (ended != PollError::kNone) return ended;
  const bool told = direction == Mode::kRead && ErrorsIn(word) == kErrorReports;
  return told ? PollError::kNotPollable : PollError::kNone;
}

// --- Events -----------------------------------------------------------------

enum class StatusEvent : std::uint8_t {
  kDeadline,
  kFire,
  kUnblock,
  kRetire,
  kReady,
  kReadyOfAnother,
  kReset,
  kOpen,
};

// What becomes of a field.
enum class Touch : std::uint8_t {
  kKept,
  kGiven,   // Becomes what the event says.
  kSticky,  // Set if the event says so, else kept.
  kSet,
  kCleared,
  kCounted,  // One more if the event says error, else none.
};

struct StatusRule {
  StatusEvent event;
  const char* site;  // Of its accesses: "SITE.status".
  Touch closing;
  Touch read_expired;
  Touch write_expired;
  Touch errors;
  Touch no_more_edges;
  Touch ended;
  Touch generation;
  const char* caller;
  const char* order;

  constexpr Touch Of(std::uint64_t field) const {
    switch (field) {
      case kClosing:
        return closing;
      case kReadExpired:
        return read_expired;
      case kWriteExpired:
        return write_expired;
      case kErrors:
        return errors;
      case kNoMoreEdges:
        return no_more_edges;
      case kEnded:
        return ended;
      default:
        return generation;
    }
  }
};

// clang-format off
inline constexpr StatusRule kStatusRules[] = {
    // closing, read and write expired, errors, no more edges, ended, generation
    {StatusEvent::kDeadline, "deadline",
     Touch::kKept, Touch::kGiven, Touch::kGiven, Touch::kKept, Touch::kKept, Touch::kKept, Touch::kKept,
     "who sets a deadline; under the lock", "seq_cst, before the unblock that follows"},
    {StatusEvent::kFire, "fire",
     Touch::kKept, Touch::kSticky, Touch::kSticky, Touch::kKept, Touch::kKept, Touch::kKept, Touch::kKept,
     "a timer; under the lock", "seq_cst, before the unblock that follows"},
    {StatusEvent::kUnblock, "unblock",
     Touch::kSet, Touch::kKept, Touch::kKept, Touch::kKept, Touch::kKept, Touch::kKept, Touch::kKept,
     "who closes; under the lock", "seq_cst, before the unblock that follows"},
    {StatusEvent::kRetire, "retire",
     Touch::kKept, Touch::kKept, Touch::kKept, Touch::kKept, Touch::kKept, Touch::kSet, Touch::kGiven,
     "close, when the slot is free; under the lock", "release, before the slot is given back"},
    {StatusEvent::kReady, "ready",
     Touch::kKept, Touch::kKept, Touch::kKept, Touch::kCounted, Touch::kSticky, Touch::kKept, Touch::kKept,
     "a poll; no lock", "acq_rel, before the semaphore moves"},
    {StatusEvent::kReadyOfAnother, "ready",
     Touch::kKept, Touch::kKept, Touch::kKept, Touch::kKept, Touch::kKept, Touch::kKept, Touch::kKept,
     "a poll; no lock", "acquire"},
    {StatusEvent::kReset, "reset",
     Touch::kKept, Touch::kKept, Touch::kKept, Touch::kCleared, Touch::kKept, Touch::kKept, Touch::kKept,
     "the reader, before it tries its call; no lock", "acq_rel"},
    {StatusEvent::kOpen, "open",
     Touch::kCleared, Touch::kCleared, Touch::kCleared, Touch::kCleared, Touch::kCleared, Touch::kCleared, Touch::kGiven,
     "open; under the lock", "release, before the system knows the key"},
};
// clang-format on

constexpr const char* Name(StatusEvent event) {
  constexpr const char* kNames[] = {"deadline",
                                    "fire",
                                    "unblock",
                                    "retire",
                                    "event of this generation",
                                    "event of another generation",
                                    "a reader's reset",
                                    "open"};
  return kNames[static_cast<std::size_t>(event)];
}
constexpr const char* Name(Touch touch) {
  constexpr const char* kNames[] = {"kept", "as given", "set if given",
                                    "set",  "cleared",  "one more or none"};
  return kNames[static_cast<std::size_t>(touch)];
}

// Whether the rule allows the field, of these bits, to go from one to the other
// whatever the event says.
constexpr bool Allows(Touch touch, std::uint64_t bits, std::uint64_t from,
                      std::uint64_t to) {
  from &= bits;
  to &= bits;
  switch (touch) {
    case Touch::kKept:
      return to == from;
    case Touch::kGiven:
      return true;
    case Touch::kSticky:
      return (from & ~to) == 0;
    case Touch::kSet:
      return to == bits;
    case Touch::kCleared:
      return to == 0;
    case Touch::kCounted:
      break;
  }
  return to == 0 ||
         to == ErrorBits(std::min(ErrorsIn(from) + 1, kErrorReports));
}

constexpr bool Allows(const StatusRule& rule, std::uint64_t from,
                      std::uint64_t to) {
  for (const StatusField& field : kStatusFields) {
    if (!Allows(rule.Of(field.bits), field.bits, from, to)) return false;
  }
  return true;
}

}  // namespace netpoll::model::reference

#endif  // NETPOLL_MODEL_REFERENCE_STATUS_TABLE_H_
