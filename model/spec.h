// SPDX-License-Identifier: Apache-2.0
//
// The reference model as the explorer asks it, at every step: may the event at
// this site move the semaphore's word, or the status word, like that? Written
// down independently of core/: where the two disagree, one of them is wrong.

#ifndef NETPOLL_MODEL_SPEC_H_
#define NETPOLL_MODEL_SPEC_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "netpoll/core/types.h"
#include "netpoll/model/reference/semaphore_table.h"

namespace netpoll::model {

inline bool IsEvent(const char* site, const char* event) {
  const std::size_t length = std::strlen(event);
  return std::strncmp(site, event, length) == 0 && site[length] == '.';
}

constexpr reference::State StateOf(std::uint64_t word) {
  return word > 2 ? reference::State::kParked
                  : static_cast<reference::State>(word);
}

// Sites are named EVENT.object: whether the event may move the word like that.
inline bool SemMayMove(const char* site, std::uint64_t from, std::uint64_t to) {
  if (from == to) return true;
  for (const reference::Event event : reference::kEvents) {
    if (!IsEvent(site, reference::Name(event))) continue;
    const reference::Rule rule = reference::Find(StateOf(from), event);
    return rule.effect != reference::Effect::kMisuse &&
           rule.next == StateOf(to);
  }
  return false;
}

// The status word's bits, from the document, not from core/.
inline constexpr std::uint64_t kSpecClosing = 1;
inline constexpr std::uint64_t kSpecError = 2;
inline constexpr std::uint64_t kSpecReadExpired = 4;
inline constexpr std::uint64_t kSpecWriteExpired = 8;
inline constexpr std::uint64_t kSpecNoMoreEdges = 16;
inline constexpr std::uint64_t kSpecOneError = 32;  // Counted up to seven.
inline constexpr std::uint64_t kSpecErrorCount = 7 * kSpecOneError;
inline constexpr std::uint64_t kSpecErrors = kSpecError | kSpecErrorCount;
inline constexpr std::uint64_t kSpecFlags = 255;
// Reports of nothing but an error, in a row, after which a wait may say so.
inline constexpr int kSpecErrorReports = 8;
inline constexpr int kSpecGenerationShift = 32;

// Bits that an event may set, and bits that it may clear. How a report counts
// errors is said by CountsErrors.
struct StatusRule {
  const char* event;
  std::uint64_t sets;
  std::uint64_t clears;
  bool moves_generation;
};

inline constexpr std::uint64_t kSpecExpired =
    kSpecReadExpired | kSpecWriteExpired;
inline constexpr StatusRule kStatusRules[] = {
    {"ready", kSpecErrors | kSpecNoMoreEdges, kSpecErrors, false},
    {"reset", 0, kSpecErrors, false},
    {"deadline", kSpecExpired, kSpecExpired, false},
    {"fire", kSpecExpired, 0, false},
    {"unblock", kSpecClosing, 0, false},
    {"retire", 0, 0, true},
    {"open", 0, kSpecFlags, true},
};

// How many error reports in a row a word says, up to kSpecErrorReports.
constexpr int ErrorsIn(std::uint64_t word) {
  if ((word & kSpecError) != 0) return kSpecErrorReports;
  return static_cast<int>((word & kSpecErrorCount) / kSpecOneError);
}

// A report adds one, or takes all back; nobody else adds.
inline bool CountsErrors(const char* site, std::uint64_t from,
                         std::uint64_t to) {
  const int before = ErrorsIn(from);
  const int after = ErrorsIn(to);
  if (after == kSpecErrorReports && (to & kSpecErrors) != kSpecErrors) {
    return false;
  }
  if (after == before || after == 0) return true;
  return IsEvent(site, "ready") && after == before + 1;
}

inline bool StatusMayMove(const char* site, std::uint64_t from,
                          std::uint64_t to) {
  if (from == to) return true;
  if (!CountsErrors(site, from, to)) return false;
  for (const StatusRule& rule : kStatusRules) {
    if (!IsEvent(site, rule.event)) continue;
    const std::uint64_t flags_from = from & kSpecFlags;
    const std::uint64_t flags_to = to & kSpecFlags;
    const bool same_generation =
        from >> kSpecGenerationShift == to >> kSpecGenerationShift;
    if (std::strcmp(rule.event, "open") == 0 && flags_to != 0) return false;
    return (flags_to & ~flags_from & ~rule.sets) == 0 &&
           (flags_from & ~flags_to & ~rule.clears) == 0 &&
           (same_generation || rule.moves_generation);
  }
  return false;
}

// What ends every operation of a direction: closing, then timeout.
constexpr PollError SpecEnded(std::uint64_t word, Mode direction) {
  if ((word & kSpecClosing) != 0) return PollError::kClosing;
  const bool read = direction == Mode::kRead;
  if ((word & (read ? kSpecReadExpired : kSpecWriteExpired)) != 0) {
    return PollError::kTimeout;
  }
  return PollError::kNone;
}

// What ends a wait: of a reader also that errors keep being reported.
constexpr PollError SpecError(std::uint64_t word, Mode direction) {
  const PollError ended = SpecEnded(word, direction);
  if (ended != PollError::kNone) return ended;
  const bool told = direction == Mode::kRead && (word & kSpecError) != 0;
  return told ? PollError::kNotPollable : PollError::kNone;
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SPEC_H_
