// SPDX-License-Identifier: Apache-2.0
//
// How the explorer keeps queues of tasks, which are plain fields of some lock:
// of parked ones, any struct of a list and a number of permits; of runnable
// ones, a list and a number.

#ifndef NETPOLL_MODEL_LAWS_PARKED_TASKS_H_
#define NETPOLL_MODEL_LAWS_PARKED_TASKS_H_

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "netpoll/model/engine/object.h"

namespace netpoll::model {

// A list of parked tasks refers to the tasks by links inside them: it is kept
// as the sequence that it stands for. Permits: wake-ups for tasks yet to come.
struct KeptTasks {
  std::vector<const void*> parked;
  std::int64_t permits;
  friend bool operator==(const KeptTasks&, const KeptTasks&) = default;
  std::string Text() const {
    return std::to_string(parked.size()) + " parked" +
           (permits == 0 ? "" : ", permits " + std::to_string(permits));
  }
};

template <class State>
requires requires(State state) {
  state.parked.Pop();
  state.permits;
}
struct Codec<State> {
  using Kept = KeptTasks;
  static Kept Keep(const State& state) {
    Kept kept{{}, static_cast<std::int64_t>(state.permits)};
    for (auto* at = state.parked.front(); at != nullptr; at = at->next) {
      kept.parked.push_back(at);
    }
    return kept;
  }
  static State Restore(const Kept& kept) {
    State state;
    using Item = decltype(state.parked.front());
    for (const void* item : kept.parked) {
      state.parked.Push(static_cast<Item>(const_cast<void*>(item)));
    }
    state.permits = static_cast<decltype(state.permits)>(kept.permits);
    return state;
  }
};

// A queue of runnable tasks, kept in the same way, with its one number: how
// many they are, or when something is to be done about them.
struct KeptQueue {
  std::vector<const void*> tasks;
  std::int64_t number;
  friend bool operator==(const KeptQueue&, const KeptQueue&) = default;
  std::string Text() const { return std::to_string(tasks.size()) + " tasks"; }
};

template <class State>
std::int64_t& NumberOf(State& state) requires requires {
  state.earliest;
}
{ return state.earliest; }
template <class State>
std::int32_t& NumberOf(State& state) requires requires {
  state.size;
}
{ return state.size; }

template <class State>
requires requires(State state) {
  state.tasks.Pop();
  NumberOf(state);
}
struct Codec<State> {
  using Kept = KeptQueue;
  static Kept Keep(const State& state) {
    State copy = state;
    Kept kept{{}, NumberOf(copy)};
    for (auto* at = state.tasks.front(); at != nullptr; at = at->next) {
      kept.tasks.push_back(at);
    }
    return kept;
  }
  static State Restore(const Kept& kept) {
    State state;
    using Item = decltype(state.tasks.front());
    for (const void* item : kept.tasks) {
      state.tasks.Push(static_cast<Item>(const_cast<void*>(item)));
    }
    auto& number = NumberOf(state);
    number =
        static_cast<std::remove_reference_t<decltype(number)>>(kept.number);
    return state;
  }
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_LAWS_PARKED_TASKS_H_
