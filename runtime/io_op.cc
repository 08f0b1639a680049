// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/io_op.h"

#include <coroutine>
#include <cstddef>
#include <cstdint>

#include "netpoll/core/types.h"
#include "netpoll/runtime/host_poller.h"
#include "netpoll/runtime/message.h"
#include "netpoll/runtime/protocols/io_steps.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/suspend.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task_waiter.h"
#include "netpoll/runtime/worker.h"

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
  static IoStatus StatusOf(CancelReason reason) {
    return internal::StatusOf(reason);
  }
};

template class IoStages<IoTypes>;
template bool IoStages<IoTypes>::BeginIn<Mode::kRead>();
template bool IoStages<IoTypes>::BeginIn<Mode::kWrite>();

bool IoOp::ReceivedMessage(int error) {
  if (error != 0) return FailOrBlock(error);
  if (bytes_ == 0 && fd_->scheduler.stopping() && AtEnd(fd())) {
    status_ = IoStatus::FromPoll(PollError::kClosing);
  }
  return true;
}

}  // namespace netpoll::internal
