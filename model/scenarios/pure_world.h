// SPDX-License-Identifier: Apache-2.0
//
// What no interleaving reaches, because the model's counters are narrow and its
// clock is small: arithmetic at the widths that ship. One thread, one step.

#ifndef NETPOLL_MODEL_SCENARIOS_PURE_WORLD_H_
#define NETPOLL_MODEL_SCENARIOS_PURE_WORLD_H_

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "netpoll/core/deadline.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/descriptor_lock_word.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/generation.h"
#include "netpoll/core/status.h"
#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/engine/world.h"

namespace netpoll::model {

class PureWorld : public World {
 public:
  using Check = const char* (*)();

  explicit PureWorld(Check check) {
    AddThread("arithmetic", [check](Thread& thread) {
      thread.May("arithmetic.go");
      const char* const broken = check();
      if (broken != nullptr) thread.Fail(broken);
    });
    Settle();
  }
};

namespace pure {

inline constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

// A deadline is never early, never turns into "past", and into none only if its
// time can't be said.
inline const char* Deadlines() {
  for (const std::int64_t now : {std::int64_t{0}, std::int64_t{5}, kMax - 1}) {
    for (const std::int64_t delay : {std::int64_t{1}, kMax / 2, kMax}) {
      const bool never = delay >= kMax - now;
      const Deadline deadline =
          Deadline::After(now, std::chrono::nanoseconds(delay));
      if (deadline.none() != never ||
          (!never && deadline.value() < now + delay)) {
        return "I20: a deadline ends before its time";
      }
    }
  }
  if (!Deadline::After(5, std::chrono::nanoseconds(0)).past() ||
      !Deadline::After(5, std::chrono::hours::min()).past()) {
    return "I20: no time at all is not past";
  }
  if (!Deadline::After(5, std::chrono::hours::max()).none() ||
      !Deadline::After(5, std::chrono::duration<double>(1e300)).none()) {
    return "I20: a deadline ends before its time";
  }
  using Picoseconds = std::chrono::duration<std::int64_t, std::pico>;
  if (Deadline::After(5, Picoseconds(1001)).value() < 7) {
    return "I20: a deadline is rounded down";
  }
  return nullptr;
}

// A poll is never shorter than asked, and 0 alone does not block.
inline const char* Deltas() {
  for (const std::int64_t nanos : {1, 999'999, 1'000'000, 1'000'001}) {
    const int millis =
        Delta::AtMost(std::chrono::nanoseconds(nanos)).ToMillisecondsCeil();
    if (std::int64_t{millis} * 1'000'000 < nanos) {
      return "K17: a poll is shorter than asked";
    }
  }
  if (!Delta::FromMilliseconds(-1).forever() ||
      Delta::FromMilliseconds(0).blocking() ||
      !Delta::FromMilliseconds(1).blocking()) {
    return "K17: the sign of the milliseconds is taken otherwise";
  }
  // In nanoseconds the second is positive again when it runs over.
  if (!Delta::FromMilliseconds(kMax).forever() ||
      !Delta::FromMilliseconds(20'000'000'000'000).forever()) {
    return "K17: a very long time turns into a short one";
  }
  if (!Delta::Until(5, kNever).forever() ||
      Delta::Until(5, kNever - 1).forever()) {
    return "K17: for ever and a very long time are taken for each other";
  }
  return nullptr;
}

// Keys of different lives, slots and kinds differ, and say what they are.
inline const char* Keys() {
  constexpr std::uint32_t kGenerations[] = {1, 2, 0x10001, 0x80000001,
                                            0xffffffff};
  for (const std::uint32_t a : kGenerations) {
    const EventKey key = EventKey::ForSlot(7, a);
    if (key.generation() != a || key.index() != 7 || !key.valid_slot()) {
      return "S6: a key forgets a part of what it was made of";
    }
    for (const std::uint32_t b : kGenerations) {
      if ((key == EventKey::ForSlot(7, b)) != (a == b)) {
        return "S5: keys of two lives are taken for the same";
      }
    }
  }
  if (EventKey::FromBits(0).valid_slot()) {
    return "E3: a cookie of zeros is taken for a slot";
  }
  const EventKey internal =
      EventKey::FromBits(EventKey::Internal(1).bits() | std::uint64_t{9} << 32);
  if (!internal.internal() || internal.valid_slot() ||
      EventKey::ForSlot(EventKey::kMaxIndex, 1).internal()) {
    return "S5: a descriptor of the backend is taken for a slot, or the "
           "reverse";
  }
  return nullptr;
}

// Generations that differ in high bits only differ for the status word.
inline const char* Statuses() {
  constexpr std::uint32_t kGenerations[] = {1, 0x10001, 0x100001, 0x80000001};
  for (const std::uint32_t now : kGenerations) {
    const StatusWord word = status::Open(0, now).next;
    for (const std::uint32_t event : kGenerations) {
      if (status::Event(word, event, {true, false}).accepted !=
          (now == event)) {
        return "S6: the generation's width differs between its two sides";
      }
    }
    if (GenerationOf<32>::Next(now) == now) {
      return "S7: a generation is followed by itself";
    }
  }
  const StatusWord open = status::Open(0, 1).next;
  const StatusWord last = status::Event(open, 1, {false, true}).next;
  const StatusStep later = status::Event(last, 1, {true, false});
  if (!status::NoMoreEdges(later.write ? later.next : last)) {
    return "D11: that no more edges come was forgotten";
  }
  return nullptr;
}

// The descriptor lock's counts at their limits.
inline const char* Locks() {
  const LockWord full = lock_word::kCountMask << lock_word::kRefShift;
  const LockWord held = full - lock_word::kRef;
  for (const Mode direction : {Mode::kRead, Mode::kWrite}) {
    const LockWord waited = lock_word::HeldBit(direction) | lock_word::kRef |
                            lock_word::kCountMask
                                << lock_word::WaitShift(direction);
    if (lock_word::Acquire(full, direction).outcome != LockOutcome::kMisuse ||
        lock_word::Acquire(waited, direction).outcome != LockOutcome::kMisuse) {
      return "F: a count of the descriptor lock runs over";
    }
    const LockStep last = lock_word::Acquire(held, direction);
    if (last.outcome != LockOutcome::kDone ||
        lock_word::References(last.next) != lock_word::kCountMask) {
      return "F: a count of the descriptor lock ends before its width";
    }
  }
  if (lock_word::AddReference(full).outcome != LockOutcome::kMisuse ||
      lock_word::Close(full).outcome != LockOutcome::kMisuse ||
      lock_word::DropReference(0).outcome != LockOutcome::kMisuse) {
    return "F: a count of the descriptor lock runs over";
  }
  return nullptr;
}

}  // namespace pure

inline void AddPureScenarios(std::vector<Scenario>& all) {
  const auto add = [&all](const char* name, const char* about,
                          PureWorld::Check check) {
    all.push_back({name, about, false, [check] {
                     return std::unique_ptr<World>(new PureWorld(check));
                   }});
  };
  add("pure-deadlines", "arithmetic of deadlines at its limits",
      pure::Deadlines);
  add("pure-deltas", "how long a poll may block, in milliseconds",
      pure::Deltas);
  add("pure-keys", "the key that travels through the kernel", pure::Keys);
  add("pure-locks", "the descriptor lock's counts at their limits",
      pure::Locks);
  add("pure-status", "the status word at its full width", pure::Statuses);
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_PURE_WORLD_H_
