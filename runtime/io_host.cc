// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/io_host.h"

#include <coroutine>

#include "netpoll/core/types.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/io_op.h"
#include "netpoll/runtime/message.h"
#include "netpoll/runtime/protocols/io_steps.h"
#include "netpoll/runtime/runtime_observer.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task_context.h"
#include "netpoll/runtime/task_waiter.h"
#include "netpoll/runtime/worker.h"

namespace netpoll::internal {

template class IoStages<IoTypes>;
template bool IoStages<IoTypes>::BeginIn<Mode::kRead, IoOp::Stored>();
template bool IoStages<IoTypes>::BeginIn<Mode::kWrite, IoOp::Stored>();

// Its caller is the coroutine that awaits.
bool IoOp::Pause(std::coroutine_handle<> task, const TaskContext* context) {
  const void* const where = __builtin_return_address(0);
  return direction_ == Mode::kRead
             ? PauseIn<Mode::kRead, Stored>(task, context, where)
             : PauseIn<Mode::kWrite, Stored>(task, context, where);
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
  const bool parked =
      direction_ == Mode::kRead
          ? SuspendIn<Mode::kRead>(task, seat, &ResumeObserved<Mode::kRead>,
                                   &ResumeObserved<Mode::kRead>)
          : SuspendIn<Mode::kWrite>(task, seat, &ResumeObserved<Mode::kWrite>,
                                    &ResumeObserved<Mode::kWrite>);
  if (parked) return true;
  fd_->Observe(direction_, &RuntimeObserver::WaitEnds);
  return false;
}

// As Resume.
template <Mode kDirection>
void IoOp::ResumeObserved(TaskWaiter* self) {
  IoOp* const op = static_cast<IoOp*>(self);
  if (!op->Advance<kDirection, Stored>()) return;
  if (op->fd_ != nullptr) {
    op->fd_->Observe(kDirection, &RuntimeObserver::WaitEnds);
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
