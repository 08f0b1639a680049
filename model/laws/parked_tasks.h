// SPDX-License-Identifier: Apache-2.0
//
// How the explorer keeps a queue of parked tasks, which is a plain field of
// some lock: any struct of a list and a number of permits.

#ifndef NETPOLL_MODEL_LAWS_PARKED_TASKS_H_
#define NETPOLL_MODEL_LAWS_PARKED_TASKS_H_

#include <cstdint>
#include <vector>

#include "netpoll/model/engine/object.h"

namespace netpoll::model {

// A list of parked tasks refers to the tasks by links inside them: it is kept
// as the sequence that it stands for. Permits: wake-ups for tasks yet to come.
struct KeptTasks {
  std::vector<const void*> parked;
  std::uint64_t permits;
  friend bool operator==(const KeptTasks&, const KeptTasks&) = default;
};

template <class State>
requires requires(State state) {
  state.parked.Pop();
  state.permits;
}
struct Codec<State> {
  using Kept = KeptTasks;
  static Kept Keep(const State& state) {
    Kept kept{{}, state.permits};
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

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_LAWS_PARKED_TASKS_H_
