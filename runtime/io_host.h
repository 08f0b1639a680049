// SPDX-License-Identifier: Apache-2.0
//
// What an operation's stages ask of the runtime, for whoever compiles them.

#ifndef NETPOLL_RUNTIME_IO_HOST_H_
#define NETPOLL_RUNTIME_IO_HOST_H_

#include "netpoll/core/cpp20.h"

#include <coroutine>
#include <cstddef>
#include <cstdint>

#include "netpoll/core/types.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/host_poller.h"
#include "netpoll/runtime/io_op.h"
#include "netpoll/runtime/probes.h"
#include "netpoll/runtime/protocols/io_steps.h"
#include "netpoll/runtime/ring_call.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/suspend.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task_context.h"
#include "netpoll/runtime/task_waiter.h"
#include "netpoll/runtime/worker.h"
#include "netpoll/runtime/worker_ring.h"

namespace netpoll::internal {

// The ring that carries out a call of this thread: its own, if it is a worker
// of the descriptor's runtime. Where these calls are somebody else's, they are
// the system, and it has no rings.
inline WorkerRing* RingFor(const FdState& fd) {
  Worker* const worker = this_worker;
  const bool its = worker != nullptr && worker->scheduler == &fd.scheduler;
  const bool real = sys.read == Sys{}.read && sys.send == Sys{}.send;
  return its && real ? worker->ring : nullptr;
}

struct IoHost {
  static bool Pay() { return internal::Pay(); }
  static bool ShareIsLeft() {
    return this_worker == nullptr || this_worker->budget > 0;
  }
  static void Moved(std::size_t bytes) {
    if (this_worker != nullptr) this_worker->Moved(bytes);
  }
  static void Settle(TaskWaiter& waiter, Scheduler* fallback) {
    internal::Settle(waiter, fallback);
  }
  static void GoLast(TaskWaiter& waiter) { internal::GoLast(waiter); }
  static std::int64_t Now() { return sys.now(); }
  static void Resume(std::coroutine_handle<> task) { ResumeHere(task); }
  static int Watch(FdState& fd) { return fd.Watch(); }
  // By a worker: guests have no such calls.
  static void Recall(FdState& fd, Mode direction) {
    RingCalls& calls = *fd.calls;
    RingCall& call = direction == Mode::kRead ? calls.receive : calls.send;
    if (static_cast<int>(call.Carrier()) == this_worker->id) {
      return this_worker->ring->Recall(call);
    }
    fd.Ref();
    fd.scheduler.RecallElsewhere(call, call.Carrier());
  }
  static IoStatus StatusOf(CancelReason reason) {
    return internal::StatusOf(reason);
  }
};

template <Mode kDirection, class Call>
inline bool IoOp::PauseIn(std::coroutine_handle<> task,
                          const TaskContext* context, const void* where) {
  if (fd_ != nullptr) [[likely]] {
    const std::uint32_t stamp = wait_stamp;
    NETPOLL_PROBE3(wait, fd_->fd, static_cast<int>(kDirection), where);
    if (stamp == 0) [[unlikely]]
      return PauseObserved(task, context, where);
    fd_->notes.Write(kDirection, where, stamp);
  }
  return SuspendIn<kDirection>(task,
                               context != nullptr ? context->seat : nullptr,
                               &IoOp::template ResumeAlone<kDirection, Call>,
                               &IoOp::template Resume<kDirection, Stored>);
}

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_IO_HOST_H_
