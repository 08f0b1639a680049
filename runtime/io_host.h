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
#include "netpoll/runtime/runtime_observer.h"
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
  [[gnu::always_inline]] static void Expect(std::coroutine_handle<> task) {
    BringNear(task.address());
  }
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
  about = fd_ != nullptr ? fd_->Hot() : nullptr;
  if (fd_ != nullptr) [[likely]] {
    const std::uint32_t stamp = wait_stamp;
    NETPOLL_PROBE3(wait, fd_->fd, static_cast<int>(kDirection), where);
    if (stamp == 0) [[unlikely]]
      return PauseObserved<kDirection, Call>(task, context, where);
    fd_->notes.Write(kDirection, where, stamp);
  }
  return SuspendIn<kDirection>(task,
                               context != nullptr ? context->seat : nullptr,
                               &IoOp::template ResumeAlone<kDirection, Call>,
                               &IoOp::template Resume<kDirection, Stored>);
}

// Tells of the wait that was noted: the observer of the runtime that runs the
// task, if it has one. So one observer hears of both ends also of a wait on
// another runtime's descriptor (suspend.h: where the task goes on).
template <auto kWhat>
inline void ObserveIn(const Scheduler& its, int worker, const FdState& fd,
                      Mode direction) {
  if (its.observer() == nullptr) return;
  const void* const where = fd.notes.WhereOf(direction);
  (its.observer()->*kWhat)(worker, {fd.fd, direction, where});
}
template <auto kWhat>
inline void Observe(const FdState& fd, Mode direction) {
  const Worker* const worker = this_worker;
  if (worker == nullptr) [[unlikely]]
    return ObserveIn<kWhat>(fd.scheduler, -1, fd, direction);
  ObserveIn<kWhat>(*worker->scheduler, worker->id, fd, direction);
}

// Also outside of all workers, and where tasks have names. It may go on at
// once.
template <Mode kDirection, class Call>
bool IoOp::PauseObserved(std::coroutine_handle<> task,
                         const TaskContext* context, const void* where) {
  fd_->notes.Write(kDirection, where,
                   clock_stamp != 0 ? clock_stamp : StampOf(sys.now()));
  const bool named = context != nullptr && (this_worker == nullptr ||
                                            this_worker->scheduler->named());
  fd_->notes.name.Store("note.name", named ? NameIn(*context) : "",
                        Order::kRelaxed);
  Observe<&RuntimeObserver::WaitBegins>(*fd_, kDirection);
  if (SuspendIn<kDirection>(task, context != nullptr ? context->seat : nullptr,
                            &IoOp::template ResumeObserved<kDirection, Call>,
                            &IoOp::template ResumeObserved<kDirection, Call>)) {
    return true;
  }
  Observe<&RuntimeObserver::WaitEnds>(*fd_, kDirection);
  return false;
}

// As Resume.
template <Mode kDirection, class Call>
void IoOp::ResumeObserved(TaskWaiter* self) {
  IoOp* const op = static_cast<IoOp*>(self);
  if (!op->Advance<kDirection, Call>()) return;
  if (op->fd_ != nullptr) {
    Observe<&RuntimeObserver::WaitEnds>(*op->fd_, kDirection);
  }
  ResumeHere(op->task_);
}

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_IO_HOST_H_
