// SPDX-License-Identifier: Apache-2.0
//
// The steps that lead out of a state, and the walk over every state that they
// lead to: one loop for all who look at states spelled out (the search with
// parents, the survey, the parts of a large configuration).

#ifndef NETPOLL_MODEL_ENGINE_WALK_H_
#define NETPOLL_MODEL_ENGINE_WALK_H_

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "netpoll/model/engine/state_store.h"
#include "netpoll/model/engine/stepper.h"

namespace netpoll::model {

// A thread that takes its next step, and in which of the ways that it has.
struct Choice {
  std::uint8_t thread = 0;
  std::uint8_t branch = 0;
  friend bool operator==(const Choice&, const Choice&) = default;
};

// What there is after a state.
enum class Outlook {
  kGoesOn,
  kRests,    // Nothing more must happen in it.
  kStopped,  // The program has stopped there, as it may.
  kCutOff,   // `take` had enough.
};

// Calls `take(choice, next)` after each step that can be taken in `state`, for
// as long as it returns true. `state` must stay where it is.
template <class Take>
Outlook EachStep(Stepper& stepper, const Value* state, Value* next, Take take) {
  if (stepper.Stopped(state)) return Outlook::kStopped;
  Outlook outlook = Outlook::kRests;
  for (int thread = 0; thread < stepper.threads(); ++thread) {
    const int branches = stepper.Branches(state, thread);
    const bool optional = branches > 0 && stepper.Optional(state, thread);
    for (int branch = 0; branch < branches; ++branch) {
      if (!stepper.Take(state, thread, branch, next)) continue;
      if (!optional) outlook = Outlook::kGoesOn;
      const Choice choice{static_cast<std::uint8_t>(thread),
                          static_cast<std::uint8_t>(branch)};
      if (!take(choice, static_cast<const Value*>(next))) {
        return Outlook::kCutOff;
      }
    }
  }
  return outlook;
}

// Calls `work(width)` with the number of values that a state has, and again
// from the start whenever it meets an object that had no room.
template <class Work>
auto WithRoom(const Tabulator& tables, Work work) {
  int spare = std::max(0, 8 - tables.slots());
  for (;;) {
    try {
      return work(tables.thread_count() + tables.slots() + spare);
    } catch (const StateTooNarrow&) {
      spare = 2;
    }
  }
}

// Breadth-first, each state once, numbered in the order of discovery. Visitor:
//   bool Enter(number)           about to look at its steps; false: no further
//   bool Step(from, choice)      a step was taken; false: no further
//   bool Come(from, choice, to, added)   and where it led; false: no further
//   void Leave(number, Outlook)  all its steps were taken
class Walk {
 public:
  Walk(Tabulator& tables, int width)
      : stepper_(tables, width), store_(width), from_(width), next_(width) {}

  Stepper& stepper() { return stepper_; }
  const StateStore& states() const { return store_; }

  // A state to begin with: its number, and whether it is new.
  std::pair<std::uint32_t, bool> Add(const Value* state) {
    return store_.Insert(state);
  }

  // True: everything was seen.
  template <class Visitor>
  bool Run(Visitor& visitor) {
    for (std::uint32_t number = 0; number < store_.size(); ++number) {
      if (!visitor.Enter(number)) return false;
      // The store moves as it grows.
      std::copy_n(store_.At(number), stepper_.width(), from_.begin());
      const Outlook outlook =
          EachStep(stepper_, from_.data(), next_.data(),
                   [&](Choice choice, const Value* next) {
                     if (!visitor.Step(number, choice)) return false;
                     const auto [to, added] = store_.Insert(next);
                     return visitor.Come(number, choice, to, added);
                   });
      if (outlook == Outlook::kCutOff) return false;
      visitor.Leave(number, outlook);
    }
    return true;
  }

 private:
  Stepper stepper_;
  StateStore store_;
  std::vector<Value> from_;
  std::vector<Value> next_;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_ENGINE_WALK_H_
