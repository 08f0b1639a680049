// SPDX-License-Identifier: Apache-2.0
//
// A cancellation scope in the frame of whoever awaits in it, and the time that
// may end it. See cancel.h.

#ifndef NETPOLL_RUNTIME_SCOPE_H_
#define NETPOLL_RUNTIME_SCOPE_H_

#include <chrono>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/deadline.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/protocols/cancel_node.h"
#include "netpoll/runtime/task_context.h"
#include "netpoll/runtime/timed.h"

namespace netpoll::internal {

class Scheduler;

// How waits end there now.
IoStatus StatusOfScope(const CancelSeat& seat);

// Deadline::After by the runtime's clock.
std::int64_t ScopeClock();
template <class Rep, class Period>
Deadline DeadlineAfter(std::chrono::duration<Rep, Period> delay) {
  return Deadline::After(ScopeClock(), delay);
}

// Cancels the node `whom` too: a node below another sits there with this.
void TellNode(void* whom, CancelReason reason);
// Sits `node` down, or cancels it as that one was.
void SitBelow(CancelSeat& seat, CancelNode<StdEnv>& node);

class Scope {
 public:
  Scope() { seat_.node = &node_; }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  // What the coroutine awaits is in this scope, and this in that which the
  // coroutine was in; or Stop alone ends it from outside. The scheduler that
  // runs it.
  Scheduler& Enter(TaskContext* context);
  // When it has ended. Nobody is told any more.
  void Leave();

  CancelNode<StdEnv>& node() { return node_; }

 private:
  CancelNode<StdEnv> node_;
  CancelSeat seat_;   // The coroutine's, for whatever it waits in.
  CancelSeat outer_;  // This scope's.
  TaskContext* context_ = nullptr;
  CancelSeat* before_ = nullptr;
};

// What else ends a scope: a deadline.
class TimeLimit : Timed {
 public:
  explicit TimeLimit(Deadline deadline)
      : Timed(&TimeLimit::Passed), deadline_(deadline) {}

  // Throws std::bad_alloc.
  void Begin(TaskContext* context);
  void End();

 private:
  static void Passed(Timed* self);

  const Deadline deadline_;
  Scope scope_;
  // Null: no timer was started.
  Scheduler* scheduler_ = nullptr;
  // Passed has done all. Who could not stop the timer waits for that, a worker
  // for another one's few steps.
  StdEnv::Parker done_;
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_SCOPE_H_
