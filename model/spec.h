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
inline constexpr std::uint64_t kSpecFlags = 31;
inline constexpr int kSpecGenerationShift = 32;

// Bits that an event may set, and bits that it may clear.
struct StatusRule {
  const char* event;
  std::uint64_t sets;
  std::uint64_t clears;
  bool moves_generation;
};

inline constexpr std::uint64_t kSpecExpired =
    kSpecReadExpired | kSpecWriteExpired;
inline constexpr StatusRule kStatusRules[] = {
    {"ready", kSpecError | kSpecNoMoreEdges, kSpecError, false},
    {"deadline", kSpecExpired, kSpecExpired, false},
    {"fire", kSpecExpired, 0, false},
    {"unblock", kSpecClosing, 0, false},
    {"retire", 0, 0, true},
    {"open", 0, kSpecFlags, true},
};

inline bool StatusMayMove(const char* site, std::uint64_t from,
                          std::uint64_t to) {
  if (from == to) return true;
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

// The error that a direction meets: closing, then timeout, then not pollable.
constexpr PollError SpecError(std::uint64_t word, Mode direction) {
  if ((word & kSpecClosing) != 0) return PollError::kClosing;
  const bool read = direction == Mode::kRead;
  if ((word & (read ? kSpecReadExpired : kSpecWriteExpired)) != 0) {
    return PollError::kTimeout;
  }
  if (read && (word & kSpecError) != 0) return PollError::kNotPollable;
  return PollError::kNone;
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SPEC_H_
