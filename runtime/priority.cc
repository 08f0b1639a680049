// SPDX-License-Identifier: Apache-2.0
//
// The descriptor is watched by an epoll of its own, of which the runtime waits
// to become readable: so every backend can, those too that poll for reading
// alone.
//
// Of a pressure file the look itself takes the news away: who asks whether the
// epoll is readable, the backend, is told, and nobody again. So what the
// backend reports is the news; it is neither forgotten before a wait (`drained`
// skips that) nor asked for once more. Not so of a socket: of it some backends
// report ordinary data too, and its urgent mark stays, so it is asked.

#include "netpoll/runtime/priority.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "netpoll/runtime/errno_status.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/io_op.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket_internal.h"
#include "netpoll/runtime/sys.h"

namespace netpoll {
namespace {

using internal::sys;

absl::Status Refused(int fd, int error) {
  return ErrnoStatus(error,
                     absl::StrCat("descriptor ", fd, " can't be watched: ",
                                  error == EPERM ? "it has no events (EPERM)"
                                                 : ErrnoName(error)));
}

}  // namespace

absl::StatusOr<PriorityWatch> PriorityWatch::Watch(Runtime& runtime, int fd) {
  if (!runtime.status().ok()) return runtime.status();
  const int watch = sys.epoll_create();
  if (watch < 0) return Refused(fd, errno);
  // Edges: what was told is not told again.
  epoll_event event{.events = EPOLLPRI | EPOLLET, .data = {}};
  if (sys.epoll_ctl(watch, EPOLL_CTL_ADD, fd, &event) != 0) {
    const int error = errno;
    sys.close(watch);
    return Refused(fd, error);
  }
  auto state = internal::OpenOwn(runtime, watch);
  if (!state.ok()) return state.status();
  (*state)->socket = internal::GetOption(fd, SO_TYPE) >= 0;  // What is watched.
  (*state)->drained = true;
  return PriorityWatch(*state);
}

bool internal::PriorityOp::Attempt(IoOp* op) {
  auto* const self = static_cast<PriorityOp*>(op);
  epoll_event event;
  int count;
  do {
    count = sys.epoll_wait(self->fd(), &event, 1, 0);
  } while (count < 0 && errno == EINTR);
  self->fd_->drained = true;
  if (count < 0) return self->FailOrBlock(errno);
  if (count > 0) return true;
  // To be asked whether it has news is how such a file comes to have told them:
  // then the poller has asked first, and it was that which woke this. Or
  // whoever cancelled it.
  return !self->fd_->socket && !self->InCancelledScope();
}

}  // namespace netpoll
