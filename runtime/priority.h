// SPDX-License-Identifier: Apache-2.0
//
// Waiting for what poll(2) calls priority data: what a pressure file (PSI) has
// to say, a change of /proc/self/mounts or of a sysfs attribute, TCP's urgent
// data, a terminal in packet mode.
//
//   int fd = open("/proc/pressure/cpu", O_RDWR | O_NONBLOCK);
//   write(fd, "some 150000 1000000", 20);
//   auto watch = PriorityWatch::Watch(runtime, fd);
//   while ((co_await watch->Wait()).ok()) Shed();
//
// Such files are always readable, which is why Descriptor::Adopt refuses them
// (EPERM). A watch is told of nothing but priority data, errors and hang-ups,
// and takes a descriptor of its own for that.

#ifndef NETPOLL_RUNTIME_PRIORITY_H_
#define NETPOLL_RUNTIME_PRIORITY_H_

#include "absl/status/statusor.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/io_op.h"
#include "netpoll/runtime/io_status.h"

namespace netpoll {

class Runtime;

namespace internal {

class PriorityOp : public IoOp {
 public:
  explicit PriorityOp(FdState* fd) : IoOp(fd, Mode::kRead, &Attempt) {}
  IoStatus await_resume() const { return result().status; }

 private:
  static bool Attempt(IoOp* op);
};

}  // namespace internal

// Deadlines and Close are a Descriptor's; it has nothing to be read itself.
class PriorityWatch : private Descriptor {
 public:
  PriorityWatch() = default;

  // Watches `fd`, which stays the caller's, who closes it after the watch. An
  // error says why not: EPERM, a plain file, which has no events at all; EBADF;
  // EMFILE.
  static absl::StatusOr<PriorityWatch> Watch(Runtime& runtime, int fd);

  // Until there is news since the last Wait, or since Watch; for several
  // changes meanwhile it ends once. Rarely it ends without, and one that was
  // cancelled may have taken the news of that moment: look at what there is. To
  // hear of the next, sysfs wants the attribute read again from its beginning,
  // a socket its urgent byte read.
  internal::PriorityOp Wait() { return internal::PriorityOp(state_); }

  using Descriptor::Close, Descriptor::CloseNow, Descriptor::valid;
  void SetDeadline(Deadline deadline) { SetReadDeadline(deadline); }

 private:
  explicit PriorityWatch(internal::FdState* state) : Descriptor(state) {}
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_PRIORITY_H_
