// SPDX-License-Identifier: Apache-2.0
//
// What a chain of tasks that await each other carries: each task has it from
// the one that awaits it, and an awaitable from the coroutine that suspends.
// So a scope (cancel.h) reaches whatever is awaited inside it, however deep and
// on whatever thread. A coroutine of another library carries nothing.

#ifndef NETPOLL_RUNTIME_TASK_CONTEXT_H_
#define NETPOLL_RUNTIME_TASK_CONTEXT_H_

#include "netpoll/core/cpp20.h"

#include <coroutine>

#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/protocols/cancel_node.h"
#include "netpoll/runtime/task_waiter.h"

namespace netpoll::internal {

using CancelSeat = CancelNode<StdEnv>::Seat;

// What a spawned task, and those that it awaits, have besides their scope: a
// list from the latest value of a task local (task_local.h) to the first, and
// at its end the spawned task.
struct Carried {
  const Carried* outer = nullptr;  // Null: it is the spawned task.
};
// The end where there is none.
inline constexpr Carried kNotSpawned;
// A value.
struct CarriedLocal : Carried {
  const void* local = nullptr;
};

// What is known of a spawned task.
struct SpawnedBase : TaskWaiter, Carried {
  // Its own.
  std::coroutine_handle<> frame() const {
    return std::coroutine_handle<>::from_address(about);
  }

  const char* name = "";
  bool background = false;  // Does not keep Run at work.
};

struct TaskContext {
  // Where its waits sit; null: they are in no scope, and only Stop and what is
  // their own ends them.
  CancelSeat* seat = nullptr;
  // Null: it began with no spawned task.
  const Carried* carried = nullptr;
};

// The spawned task that it all began with; null: it was not one of this
// library.
inline const SpawnedBase* SpawnedIn(const TaskContext& context) {
  const Carried* last = context.carried;
  if (last == nullptr) return nullptr;
  while (last->outer != nullptr) last = last->outer;
  if (last == &kNotSpawned) return nullptr;
  return static_cast<const SpawnedBase*>(last);
}

// What it is called; "" if it has no name.
inline const char* NameIn(const TaskContext& context) {
  const SpawnedBase* const task = SpawnedIn(context);
  return task != nullptr ? task->name : "";
}

template <class Promise>
TaskContext* ContextOf(std::coroutine_handle<Promise> task) {
  if constexpr (requires(Promise & promise) { promise.context.seat; }) {
    return &task.promise().context;
  } else {
    return nullptr;
  }
}

template <class Promise>
CancelSeat* SeatOf(std::coroutine_handle<Promise> task) {
  const TaskContext* const context = ContextOf(task);
  return context != nullptr ? context->seat : nullptr;
}

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_TASK_CONTEXT_H_
