// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/io_op.h"

#include <coroutine>
#include <cstddef>
#include <cstdint>

#include "netpoll/core/types.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/host_poller.h"
#include "netpoll/runtime/message.h"
#include "netpoll/runtime/probes.h"
#include "netpoll/runtime/protocols/io_steps.h"
#include "netpoll/runtime/ring_call.h"
#include "netpoll/runtime/runtime_observer.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/suspend.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task_waiter.h"
#include "netpoll/runtime/worker.h"
#include "netpoll/runtime/worker_ring.h"

namespace netpoll::internal {

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
  // By the worker that began the call: the only one that there is.
  static void Recall(FdState& fd, Mode direction) {
    const RingCalls& calls = *fd.calls;
    this_worker->ring->Recall(direction == Mode::kRead ? calls.receive
                                                       : calls.send);
  }
  static IoStatus StatusOf(CancelReason reason) {
    return internal::StatusOf(reason);
  }
};

template class IoStages<IoTypes>;
template bool IoStages<IoTypes>::BeginIn<Mode::kRead>();
template bool IoStages<IoTypes>::BeginIn<Mode::kWrite>();

// Its caller is the coroutine that awaits.
bool IoOp::Pause(std::coroutine_handle<> task, const TaskContext* context) {
  if (fd_ != nullptr) [[likely]] {
    const std::uint32_t stamp = wait_stamp;
    const void* const where = __builtin_return_address(0);
    NETPOLL_PROBE3(wait, fd_->fd, static_cast<int>(direction_), where);
    if (stamp == 0) [[unlikely]]
      return PauseObserved(task, context, where);
    fd_->notes.Write(direction_, where, stamp);
  }
  return Suspend(task, context != nullptr ? context->seat : nullptr);
}

// Also outside of all workers, and where tasks have names. It may go on at
// once.
bool IoOp::PauseObserved(std::coroutine_handle<> task,
                         const TaskContext* context, const void* where) {
  CancelSeat* const seat = context != nullptr ? context->seat : nullptr;
  fd_->notes.Write(direction_, where,
                   clock_stamp != 0 ? clock_stamp : StampOf(sys.now()));
  fd_->notes.name.Store("note.name", context != nullptr ? NameIn(*context) : "",
                        Order::kRelaxed);
  fd_->Observe(direction_, &RuntimeObserver::WaitBegins);
  if (Suspend(task, seat)) return true;
  fd_->Observe(direction_, &RuntimeObserver::WaitEnds);
  return false;
}

TaskWaiter::Run IoOp::ObservedRun(Run run) {
  const bool is_wait = run == &IoStages::Resume<Mode::kRead> ||
                       run == &IoStages::Resume<Mode::kWrite>;
  return is_wait ? &IoOp::ResumeObserved : run;
}

// As Resume.
void IoOp::ResumeObserved(TaskWaiter* self) {
  IoOp* const op = static_cast<IoOp*>(self);
  const bool reads = op->direction_ == Mode::kRead;
  if (!(reads ? op->Advance<Mode::kRead>() : op->Advance<Mode::kWrite>())) {
    return;
  }
  if (op->fd_ != nullptr) {
    op->fd_->Observe(op->direction_, &RuntimeObserver::WaitEnds);
  }
  ResumeHere(op->task_);
}

bool IoOp::ReceivedMessage(int error) {
  if (error != 0) return FailOrBlock(error);
  if (bytes_ == 0 && fd_->scheduler.stopping() && AtEnd(fd())) {
    status_ = IoStatus::FromPoll(PollError::kClosing);
  }
  return true;
}

}  // namespace netpoll::internal
