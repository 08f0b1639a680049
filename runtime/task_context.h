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

namespace netpoll::internal {

struct TaskWaiter;

using CancelSeat = CancelNode<StdEnv>::Seat;

struct TaskContext {
  // Where its waits sit; null: they are in no scope, and only Stop and what is
  // their own ends them.
  CancelSeat* seat = nullptr;
  // The spawned task that it all began with; null: not one of this library.
  TaskWaiter* spawned = nullptr;
};

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
