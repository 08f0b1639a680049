// SPDX-License-Identifier: Apache-2.0
//
// Signals as awaitables: no handler, nothing unsafe.
//
//   Signals::Block({SIGTERM});                  first of all in main
//   ...
//   auto signals = Signals::Open(runtime, {SIGTERM, SIGHUP});
//   SignalResult got = co_await signals->Next();
//   if (got.ok() && got.number == SIGTERM) ...
//
// A signal is read instead of what it would do, and so every thread must block
// it, or the system may still do that. Threads block what the thread blocked
// that started them. Nothing here changes a mask, but for Block.

#ifndef NETPOLL_RUNTIME_SIGNALS_H_
#define NETPOLL_RUNTIME_SIGNALS_H_

#include <sys/types.h>

#include <initializer_list>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/io_op.h"
#include "netpoll/runtime/io_status.h"

namespace netpoll {

class Runtime;

struct [[nodiscard]] SignalResult {
  int number = 0;
  // Who sent it: 0 for the system itself. SIGCHLD: whose state changed.
  pid_t pid = 0;
  uid_t uid = 0;
  int status = 0;  // SIGCHLD: the exit status, or the signal that ended it.
  IoStatus io;

  bool ok() const { return io.ok(); }
};

namespace internal {

class SignalOp : public IoOp {
 public:
  explicit SignalOp(FdState* fd) : IoOp(fd, Mode::kRead, &Attempt) {}
  SignalResult await_resume() {
    got_.io = result().status;
    return got_;
  }

 private:
  static bool Attempt(IoOp* op);
  SignalResult got_;
};

}  // namespace internal

class Signals : private Descriptor {
 public:
  Signals() = default;

  // Blocks them in this thread, and so in those that it starts later. For good:
  // one that comes while the process ends must not end it otherwise.
  // kInvalidArgument: a number that is no signal, or SIGKILL or SIGSTOP, which
  // can't be blocked.
  static absl::Status Block(std::initializer_list<int> signals);

  // kFailedPrecondition, naming the signal: this thread does not block it.
  // kInvalidArgument as above.
  static absl::StatusOr<Signals> Open(Runtime& runtime,
                                      std::initializer_list<int> signals);

  // The next; several of one number that nobody has read yet may be one.
  internal::SignalOp Next() { return internal::SignalOp(state_); }

  using Descriptor::Close, Descriptor::CloseNow, Descriptor::valid;
  void SetDeadline(Deadline deadline) { SetReadDeadline(deadline); }

 private:
  explicit Signals(internal::FdState* state) : Descriptor(state) {}
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_SIGNALS_H_
