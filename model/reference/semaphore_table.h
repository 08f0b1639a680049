// SPDX-License-Identifier: Apache-2.0
//
// What a descriptor's semaphore must do, as data: every state with every
// event. Written from the specification, not from core, and checked against
// core in both directions: semaphore_table_test.cc holds core's functions to
// it, state_table_text.h prints it.
//
//   state    word of core      meaning
//   nil      0                 nothing pending, nobody waits
//   ready    1                 readiness recorded, not yet consumed
//   wait     2                 a task is about to park
//   parked   its waiter        a task is parked

#ifndef NETPOLL_MODEL_REFERENCE_SEMAPHORE_TABLE_H_
#define NETPOLL_MODEL_REFERENCE_SEMAPHORE_TABLE_H_

#include <cstddef>
#include <cstdint>

namespace netpoll::model::reference {

enum class State : std::uint8_t { kNil, kReady, kWait, kParked };
inline constexpr State kStates[] = {State::kNil, State::kReady, State::kWait,
                                    State::kParked};

enum class Event : std::uint8_t {
  kPrepare,
  kCommit,
  kFinish,
  kReady,
  kCancel,
  kReset,
  kOpen,
  kClose,
};
inline constexpr Event kEvents[] = {
    Event::kPrepare, Event::kCommit, Event::kFinish, Event::kReady,
    Event::kCancel,  Event::kReset,  Event::kOpen,   Event::kClose,
};

// What the caller of the event learns.
enum class Effect : std::uint8_t {
  kNothing,
  kConsumed,    // The wait is over: readiness was there.
  kMustPark,    // Look for errors, then commit.
  kParked,      // The task belongs to whoever moves the word next.
  kNotParked,   // Something came first: the task goes on to finish.
  kWoken,       // No readiness: look for errors.
  kWakeWaiter,  // The parked task is the caller's to make runnable.
  kMisuse,      // The process stops with a sentence.
};

enum class Caller : std::uint8_t {
  kTask,    // The one task of the direction.
  kPoller,  // Any thread in a poll.
  kAnyone,
  kOwner,  // Whoever opens or closes; nobody else uses the descriptor then.
};

struct Rule {
  State state;
  Event event;
  State next;
  Effect effect;
};

// clang-format off
inline constexpr Rule kRules[] = {
    {State::kNil,    Event::kPrepare, State::kWait,   Effect::kMustPark},
    {State::kReady,  Event::kPrepare, State::kNil,    Effect::kConsumed},
    {State::kWait,   Event::kPrepare, State::kWait,   Effect::kMisuse},
    {State::kParked, Event::kPrepare, State::kParked, Effect::kMisuse},

    {State::kNil,    Event::kCommit,  State::kNil,    Effect::kNotParked},
    {State::kReady,  Event::kCommit,  State::kReady,  Effect::kNotParked},
    {State::kWait,   Event::kCommit,  State::kParked, Effect::kParked},
    {State::kParked, Event::kCommit,  State::kParked, Effect::kMisuse},

    {State::kNil,    Event::kFinish,  State::kNil,    Effect::kWoken},
    {State::kReady,  Event::kFinish,  State::kNil,    Effect::kConsumed},
    {State::kWait,   Event::kFinish,  State::kNil,    Effect::kWoken},
    {State::kParked, Event::kFinish,  State::kParked, Effect::kMisuse},

    {State::kNil,    Event::kReady,   State::kReady,  Effect::kNothing},
    {State::kReady,  Event::kReady,   State::kReady,  Effect::kNothing},
    {State::kWait,   Event::kReady,   State::kReady,  Effect::kNothing},
    {State::kParked, Event::kReady,   State::kReady,  Effect::kWakeWaiter},

    {State::kNil,    Event::kCancel,  State::kNil,    Effect::kNothing},
    {State::kReady,  Event::kCancel,  State::kReady,  Effect::kNothing},
    {State::kWait,   Event::kCancel,  State::kNil,    Effect::kNothing},
    {State::kParked, Event::kCancel,  State::kNil,    Effect::kWakeWaiter},

    {State::kNil,    Event::kReset,   State::kNil,    Effect::kNothing},
    {State::kReady,  Event::kReset,   State::kNil,    Effect::kNothing},
    {State::kWait,   Event::kReset,   State::kWait,   Effect::kMisuse},
    {State::kParked, Event::kReset,   State::kParked, Effect::kMisuse},

    {State::kNil,    Event::kOpen,    State::kNil,    Effect::kNothing},
    {State::kReady,  Event::kOpen,    State::kNil,    Effect::kNothing},
    {State::kWait,   Event::kOpen,    State::kWait,   Effect::kMisuse},
    {State::kParked, Event::kOpen,    State::kParked, Effect::kMisuse},

    {State::kNil,    Event::kClose,   State::kNil,    Effect::kNothing},
    {State::kReady,  Event::kClose,   State::kReady,  Effect::kNothing},
    {State::kWait,   Event::kClose,   State::kWait,   Effect::kMisuse},
    {State::kParked, Event::kClose,   State::kParked, Effect::kMisuse},
};
// clang-format on

// What holds for an event in every state.
struct EventSpec {
  Event event;
  Caller caller;
  const char* order;       // The weakest memory order that is right.
  const char* invariants;  // The rules that it serves.
  const char* meaning;
};

inline constexpr EventSpec kEventSpecs[] = {
    {Event::kPrepare, Caller::kTask,
     "seq_cst, before a seq_cst load of the status word", "I3, I4, I8",
     "the task is about to wait"},
    {Event::kCommit, Caller::kTask, "release: publishes the task's frame",
     "I1, I2, I6", "the task can be resumed by another thread from now on"},
    {Event::kFinish, Caller::kTask, "acquire: sees the flags of its event",
     "I4, L1", "the task runs again, or never parked"},
    {Event::kReady, Caller::kPoller, "acq_rel: flags out, the task's frame in",
     "I1, I4, I5, L1", "the system reports the direction ready"},
    {Event::kCancel, Caller::kAnyone,
     "seq_cst load after the seq_cst publish; acquire on taking a task",
     "I1, I4, I14, L2", "the deadline passed, or the descriptor closes"},
    {Event::kReset, Caller::kTask, "acq_rel", "I4, L1",
     "forget what was recorded: the system call comes next"},
    {Event::kOpen, Caller::kOwner, "under the descriptor's lock", "I16, I17",
     "a new incarnation begins"},
    {Event::kClose, Caller::kOwner, "acquire", "I16",
     "the incarnation ends; only looks"},
};

constexpr Rule Find(State state, Event event) {
  for (const Rule& rule : kRules) {
    if (rule.state == state && rule.event == event) return rule;
  }
  return {state, event, state, Effect::kMisuse};
}

constexpr int CountRules(State state, Event event) {
  int count = 0;
  for (const Rule& rule : kRules) {
    if (rule.state == state && rule.event == event) ++count;
  }
  return count;
}

constexpr bool EveryPairHasOneRule() {
  for (const State state : kStates) {
    for (const Event event : kEvents) {
      if (CountRules(state, event) != 1) return false;
    }
  }
  return true;
}
static_assert(EveryPairHasOneRule());
static_assert(sizeof(kEventSpecs) / sizeof(kEventSpecs[0]) ==
              sizeof(kEvents) / sizeof(kEvents[0]));

constexpr const char* Name(State state) {
  constexpr const char* kNames[] = {"nil", "ready", "wait", "parked"};
  return kNames[static_cast<std::size_t>(state)];
}
constexpr const char* Name(Event event) {
  constexpr const char* kNames[] = {"prepare", "commit", "finish", "ready",
                                    "cancel",  "reset",  "open",   "close"};
  return kNames[static_cast<std::size_t>(event)];
}
constexpr const char* Name(Effect effect) {
  constexpr const char* kNames[] = {"nothing",     "consumed",   "must park",
                                    "parked",      "not parked", "woken",
                                    "wake waiter", "misuse"};
  return kNames[static_cast<std::size_t>(effect)];
}
constexpr const char* Name(Caller caller) {
  constexpr const char* kNames[] = {"the direction's task", "a poll", "anyone",
                                    "who opens or closes"};
  return kNames[static_cast<std::size_t>(caller)];
}

}  // namespace netpoll::model::reference

#endif  // NETPOLL_MODEL_REFERENCE_SEMAPHORE_TABLE_H_
