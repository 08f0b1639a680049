// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/io_host.h"

#include <coroutine>

#include "netpoll/core/types.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/io_op.h"
#include "netpoll/runtime/message.h"
#include "netpoll/runtime/protocols/io_steps.h"
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

bool IoOp::ReceivedMessage(int error) {
  if (error != 0) return FailOrBlock(error);
  if (bytes_ == 0 && fd_->scheduler.stopping() && AtEnd(fd())) {
    status_ = IoStatus::FromPoll(PollError::kClosing);
  }
  return true;
}

}  // namespace netpoll::internal
