// SPDX-License-Identifier: Apache-2.0
//
// One operation of one direction of a descriptor, as an awaitable. It lives in
// the awaiting coroutine's frame; nothing is allocated, and the coroutine is
// resumed only when the operation has ended. Its stages are in
// protocols/io_stages.h.

#ifndef NETPOLL_RUNTIME_IO_OP_H_
#define NETPOLL_RUNTIME_IO_OP_H_

#include "netpoll/core/cpp20.h"

#include <coroutine>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/protocols/io_stages.h"
#include "netpoll/runtime/task_context.h"
#include "netpoll/runtime/task_waiter.h"

namespace netpoll::internal {

class IoOp;
struct IoHost;

struct IoTypes {
  using Env = StdEnv;
  using Op = IoOp;
  using TaskWaiter = internal::TaskWaiter;
  using Fd = FdState;
  using Status = IoStatus;
  using Seat = CancelSeat;
  using Task = std::coroutine_handle<>;
  using Host = IoHost;  // In io_host.h.
};

class IoOp : public IoStages<IoTypes> {
 public:
  bool await_ready() { return Begin(); }
  // Inline also where nothing else is: Pause looks who calls.
  template <class Promise>
  [[gnu::always_inline]] bool await_suspend(
      std::coroutine_handle<Promise> task) {
    return Pause(task, ContextOf(task));
  }

 protected:
  friend IoStages;
  using IoStages::IoStages;

  // Suspend. Where the task waits, and since when, is noted before, and told if
  // anybody wants to know. In io_host.h.
  template <Mode kDirection, class Call>
  [[gnu::always_inline]] bool PauseIn(std::coroutine_handle<> task,
                                      const TaskContext* context,
                                      const void* where);

  int fd() const { return fd_->fd; }
  IoResult result() const { return {bytes_, status_}; }
  // The scope in which it waits, if any, is cancelled.
  bool InCancelledScope() const { return Cancelled(); }

  // For attempts: a message of `bytes_` was received, or the errno says why
  // not. Answers for the attempt.
  bool ReceivedMessage(int error);

 private:
  [[gnu::noinline, gnu::flatten]] bool Pause(std::coroutine_handle<> task,
                                             const TaskContext* context);
  template <Mode kDirection, class Call>
  [[gnu::noinline, gnu::flatten]] bool PauseObserved(
      std::coroutine_handle<> task, const TaskContext* context,
      const void* where);
  template <Mode kDirection, class Call>
  [[gnu::flatten]] static void ResumeObserved(TaskWaiter* self);
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_IO_OP_H_
