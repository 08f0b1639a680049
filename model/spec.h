// SPDX-License-Identifier: Apache-2.0
//
// The reference model: what each event may do to a semaphore's word and to the
// status word, as data. The shipped code is checked against it at every step
// (refinement), and the pure functions in a table test. Written down
// independently of core/: where the two disagree, one of them is wrong.

#ifndef NETPOLL_MODEL_SPEC_H_
#define NETPOLL_MODEL_SPEC_H_

#include <cstdint>
#include <cstring>

namespace netpoll::model {

enum class Sem : std::uint8_t { kNil, kReady, kWait, kTask };

constexpr Sem SemOf(std::uint64_t word) {
  return word > 2 ? Sem::kTask : static_cast<Sem>(word);
}

// Who calls: at a site named EVENT.object the word may move as listed; it may
// always stay.
struct SemRule {
  const char* event;
  Sem from;
  Sem to;
};

inline constexpr SemRule kSemRules[] = {
    // A task, one per direction.
    {"prepare", Sem::kNil, Sem::kWait},
    {"prepare", Sem::kReady, Sem::kNil},
    {"commit", Sem::kWait, Sem::kTask},
    {"finish", Sem::kReady, Sem::kNil},
    {"finish", Sem::kWait, Sem::kNil},
    {"reset", Sem::kReady, Sem::kNil},
    // A poller, any number.
    {"ready", Sem::kNil, Sem::kReady},
    {"ready", Sem::kWait, Sem::kReady},
    {"ready", Sem::kTask, Sem::kReady},
    // Deadlines, timers, Unblock: under the lock.
    {"cancel", Sem::kWait, Sem::kNil},
    {"cancel", Sem::kTask, Sem::kNil},
    // A new incarnation: what a late event left behind.
    {"open", Sem::kReady, Sem::kNil},
};

inline bool IsEvent(const char* site, const char* event) {
  const std::size_t length = std::strlen(event);
  return std::strncmp(site, event, length) == 0 && site[length] == '.';
}

inline bool SemMayMove(const char* site, std::uint64_t from, std::uint64_t to) {
  if (from == to) return true;
  for (const SemRule& rule : kSemRules) {
    if (IsEvent(site, rule.event) && rule.from == SemOf(from) &&
        rule.to == SemOf(to)) {
      return true;
    }
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
    return (flags_to & ~flags_from & ~rule.sets) == 0 &&
           (flags_from & ~flags_to & ~rule.clears) == 0 &&
           (same_generation || rule.moves_generation);
  }
  return false;
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SPEC_H_
