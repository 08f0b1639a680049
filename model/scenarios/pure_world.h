// SPDX-License-Identifier: Apache-2.0
//
// What no interleaving reaches, because the model's counters are narrow and its
// clock is small: arithmetic at the widths that ship. One thread, one step.

#ifndef NETPOLL_MODEL_SCENARIOS_PURE_WORLD_H_
#define NETPOLL_MODEL_SCENARIOS_PURE_WORLD_H_

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "netpoll/core/deadline.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/descriptor_lock_word.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/generation.h"
#include "netpoll/core/status.h"
#include "netpoll/core/types.h"
#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/engine/world.h"

namespace netpoll::model {

class PureWorld : public World {
 public:
  using Check = std::string (*)();

  explicit PureWorld(Check check) {
    AddThread("arithmetic", [check](Thread& thread) {
      thread.May("arithmetic.go");
      const std::string broken = check();
      if (!broken.empty()) thread.Fail(broken);
    });
    Settle();
  }
};

namespace pure {

inline constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

// A law, the numbers that break it, and what was asked: "I20: ... (now 5, delay
// 1, end 4, by After of core/deadline.h)".
struct Named {
  const char* name;
  std::int64_t value;
};
inline std::string Law(const char* law, const char* asked,
                       std::initializer_list<Named> values) {
  std::string text = std::string(law) + " (";
  const char* between = "";
  for (const Named& named : values) {
    text +=
        between + std::string(named.name) + " " + std::to_string(named.value);
    between = ", ";
  }
  return text + ", by " + asked + ")";
}

// A deadline is never early, never turns into "past", and into none only if its
// time can't be said.
inline std::string Deadlines() {
  constexpr const char* kAfter = "After of core/deadline.h";
  for (const std::int64_t now : {std::int64_t{0}, std::int64_t{5}, kMax - 1}) {
    for (const std::int64_t delay : {std::int64_t{1}, kMax / 2, kMax}) {
      const bool never = delay >= kMax - now;
      const Deadline deadline =
          Deadline::After(now, std::chrono::nanoseconds(delay));
      if (deadline.none() != never ||
          (!never && deadline.value() < now + delay)) {
        return Law(
            "I20: a deadline ends before its time", kAfter,
            {{"now", now}, {"delay", delay}, {"it ends at", deadline.value()}});
      }
    }
  }
  const Deadline at_once = Deadline::After(5, std::chrono::nanoseconds(0));
  const Deadline before = Deadline::After(5, std::chrono::hours::min());
  if (!at_once.past() || !before.past()) {
    return Law("I20: no time at all is not past", kAfter,
               {{"0 ns after 5 is", at_once.value()},
                {"the least number of hours after 5 is", before.value()}});
  }
  const Deadline late = Deadline::After(5, std::chrono::hours::max());
  const Deadline never =
      Deadline::After(5, std::chrono::duration<double>(1e300));
  if (!late.none() || !never.none()) {
    return Law("I20: a deadline ends before its time", kAfter,
               {{"the most hours after 5 end at", late.value()},
                {"1e300 s after 5 at", never.value()}});
  }
  using Picoseconds = std::chrono::duration<std::int64_t, std::pico>;
  const Deadline rounded = Deadline::After(5, Picoseconds(1001));
  if (rounded.value() < 7) {
    return Law("I20: a deadline is rounded down", kAfter,
               {{"1001 ps after 5 end at", rounded.value()}});
  }
  return "";
}

// A poll is never shorter than asked, and 0 alone does not block.
inline std::string Deltas() {
  constexpr const char* kMillis = "FromMilliseconds of core/delta.h";
  for (const std::int64_t nanos : {1, 999'999, 1'000'000, 1'000'001}) {
    const int millis =
        Delta::AtMost(std::chrono::nanoseconds(nanos)).ToMillisecondsCeil();
    if (std::int64_t{millis} * 1'000'000 < nanos) {
      return Law("K17: a poll is shorter than asked",
                 "ToMillisecondsCeil of core/delta.h",
                 {{"ns asked", nanos}, {"ms polled", millis}});
    }
  }
  if (!Delta::FromMilliseconds(-1).forever() ||
      Delta::FromMilliseconds(0).blocking() ||
      !Delta::FromMilliseconds(1).blocking()) {
    return Law("K17: the sign of the milliseconds is taken otherwise", kMillis,
               {{"-1 is for ever", Delta::FromMilliseconds(-1).forever()},
                {"0 blocks", Delta::FromMilliseconds(0).blocking()},
                {"1 blocks", Delta::FromMilliseconds(1).blocking()}});
  }
  // In nanoseconds the second is positive again when it runs over.
  if (!Delta::FromMilliseconds(kMax).forever() ||
      !Delta::FromMilliseconds(20'000'000'000'000).forever()) {
    return Law(
        "K17: a very long time turns into a short one", kMillis,
        {{"ms", kMax},
         {"for ever", Delta::FromMilliseconds(kMax).forever()},
         {"ms", 20'000'000'000'000},
         {"for ever", Delta::FromMilliseconds(20'000'000'000'000).forever()}});
  }
  if (!Delta::Until(5, kNever).forever() ||
      Delta::Until(5, kNever - 1).forever()) {
    return Law(
        "K17: for ever and a very long time are taken for each other",
        "Until of core/delta.h",
        {{"until kNever is for ever", Delta::Until(5, kNever).forever()},
         {"until one before is", Delta::Until(5, kNever - 1).forever()}});
  }
  return "";
}

// Keys of different lives, slots and kinds differ, and say what they are.
inline std::string Keys() {
  constexpr const char* kSlot = "ForSlot of core/event_key.h";
  constexpr std::uint32_t kGenerations[] = {1, 2, 0x10001, 0x80000001,
                                            0xffffffff};
  for (const std::uint32_t a : kGenerations) {
    const EventKey key = EventKey::ForSlot(7, a);
    if (key.generation() != a || key.index() != 7 || !key.valid_slot()) {
      return Law("S6: a key forgets a part of what it was made of", kSlot,
                 {{"generation", a},
                  {"it says", key.generation()},
                  {"index 7: it says", key.index()},
                  {"a slot's", key.valid_slot()}});
    }
    for (const std::uint32_t b : kGenerations) {
      if ((key == EventKey::ForSlot(7, b)) != (a == b)) {
        return Law("S5: keys of two lives are taken for the same", kSlot,
                   {{"generation", a}, {"and", b}});
      }
    }
  }
  if (EventKey::FromBits(0).valid_slot()) {
    return Law("E3: a cookie of zeros is taken for a slot",
               "FromBits of core/event_key.h", {{"bits", 0}});
  }
  const EventKey internal =
      EventKey::FromBits(EventKey::Internal(1).bits() | std::uint64_t{9} << 32);
  if (!internal.internal() || internal.valid_slot() ||
      EventKey::ForSlot(EventKey::kMaxIndex, 1).internal()) {
    return Law(
        "S5: a descriptor of the backend is taken for a slot, or the reverse",
        "Internal of core/event_key.h",
        {{"the backend's is its own", internal.internal()},
         {"a slot's", internal.valid_slot()},
         {"the last slot is the backend's",
          EventKey::ForSlot(EventKey::kMaxIndex, 1).internal()}});
  }
  return "";
}

// Generations that differ in high bits only differ for the status word.
inline std::string Statuses() {
  constexpr const char* kEvent = "Event of core/status.h";
  if (status::Event(status::Open(0, 1).next, 2, {true, false}).accepted) {
    return Law("I11: an event of an earlier incarnation was let in", kEvent,
               {{"the word's", 1}, {"the event's", 2}});
  }
  constexpr std::uint32_t kGenerations[] = {1, 0x10001, 0x100001, 0x80000001};
  for (const std::uint32_t now : kGenerations) {
    const StatusWord word = status::Open(0, now).next;
    for (const std::uint32_t event : kGenerations) {
      if (status::Event(word, event, {true, false}).accepted !=
          (now == event)) {
        return Law("S6: the generation's width differs between its two sides",
                   kEvent, {{"the word's", now}, {"the event's", event}});
      }
    }
    if (GenerationOf<32>::Next(now) == now) {
      return Law("S7: a generation is followed by itself",
                 "Next of core/generation.h", {{"generation", now}});
    }
  }
  const StatusWord open = status::Open(0, 1).next;
  const StatusWord last = status::Event(open, 1, {false, true}).next;
  const StatusStep later = status::Event(last, 1, {true, false});
  if (!status::NoMoreEdges(later.write ? later.next : last)) {
    return Law("D11: that no more edges come was forgotten", kEvent,
               {{"word", static_cast<std::int64_t>(last)},
                {"after one more event",
                 static_cast<std::int64_t>(later.write ? later.next : last)}});
  }
  return "";
}

// Whom a list hands out, as the digits of a number.
inline std::int64_t Taken(WaiterList& list, const Waiter* first) {
  std::int64_t digits = 0;
  while (const Waiter* const waiter = list.Pop()) {
    digits = digits * 10 + (waiter - first) + 1;
  }
  return digits;
}

// First in, first out. The explorer itself keeps lists by pushing them again,
// so that one which turns them round would look like one that does not.
inline std::string Lists() {
  constexpr const char* kLaw =
      "N4: a list hands tasks out in another order than they came in";
  Waiter task[4];
  WaiterList list;
  for (Waiter& one : task) list.Push(&one);
  const std::int64_t all = Taken(list, task);
  if (all != 1234) {
    return Law(kLaw, "Push of core/types.h", {{"in", 1234}, {"out", all}});
  }
  WaiterList other;
  list.Push(&task[0]);
  list.Push(&task[1]);
  other.Push(&task[2]);
  list.Append(other);
  list.Push(&task[3]);
  const std::int64_t joined = Taken(list, task);
  if (joined != 1234) {
    return Law(
        kLaw, "Append of core/types.h",
        {{"in", 12}, {"then a list of", 3}, {"then", 4}, {"out", joined}});
  }
  for (Waiter& one : task) list.Push(&one);
  const bool removed = list.Remove(&task[3]) && list.Remove(&task[1]);
  list.Push(&task[3]);
  const std::int64_t rest = Taken(list, task);
  if (!removed || rest != 134) {
    return Law(kLaw, "Remove of core/types.h",
               {{"in", 1234}, {"4 and 2 taken, 4 put back: out", rest}});
  }
  return "";
}

// The descriptor lock's counts at their limits, and the list of its tasks.
inline std::string Locks() {
  constexpr const char* kAcquire = "Acquire of core/descriptor_lock_word.h";
  const LockWord full = lock_word::kCountMask << lock_word::kRefShift;
  const LockWord held = full - lock_word::kRef;
  for (const Mode direction : {Mode::kRead, Mode::kWrite}) {
    const LockWord waited = lock_word::HeldBit(direction) | lock_word::kRef |
                            lock_word::kCountMask
                                << lock_word::WaitShift(direction);
    if (lock_word::Acquire(full, direction).outcome != LockOutcome::kMisuse ||
        lock_word::Acquire(waited, direction).outcome != LockOutcome::kMisuse) {
      return Law("F: a count of the descriptor lock runs over", kAcquire,
                 {{"references", lock_word::kCountMask},
                  {"direction", static_cast<int>(direction)}});
    }
    const LockStep last = lock_word::Acquire(held, direction);
    if (last.outcome != LockOutcome::kDone ||
        lock_word::References(last.next) != lock_word::kCountMask) {
      return Law("F: a count of the descriptor lock ends before its width",
                 kAcquire,
                 {{"references", lock_word::References(last.next)},
                  {"of", lock_word::kCountMask}});
    }
  }
  if (lock_word::AddReference(full).outcome != LockOutcome::kMisuse ||
      lock_word::Close(full).outcome != LockOutcome::kMisuse ||
      lock_word::DropReference(0).outcome != LockOutcome::kMisuse) {
    return Law("F: a count of the descriptor lock runs over", kAcquire,
               {{"references", lock_word::kCountMask}, {"or", 0}});
  }
  return Lists();
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
