// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/listener.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/address.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/io_op.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket_internal.h"
#include "netpoll/runtime/stream.h"
#include "netpoll/runtime/sys.h"

namespace netpoll {

using internal::AddressFrom, internal::MakeSocket, internal::OpenOwn,
    internal::SetNoDelay, internal::ShortReadsDrain, internal::SystemError;

absl::StatusOr<Listener> Listener::Listen(Runtime& runtime,
                                          const SocketAddress& address,
                                          int backlog) {
  const int fd = MakeSocket(address, SOCK_STREAM);
  if (fd < 0) return SystemError("a socket can't be made", errno);
  const int on = 1;
  internal::sys.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (internal::sys.bind(fd, address.data(), address.size()) != 0 ||
      internal::sys.listen(fd, backlog) != 0) {
    const int error = errno;
    internal::sys.close(fd);
    return SystemError(absl::StrCat("listen on ", address.ToString()), error);
  }
  auto bound = AddressFrom(fd, internal::sys.getsockname);
  auto state = OpenOwn(runtime, fd);
  if (!state.ok()) return state.status();
  // For those that it accepts.
  (*state)->short_reads_drain = ShortReadsDrain(runtime, address);
  return Listener(Descriptor(*state), bound.ok() ? *bound : address);
}

Listener::~Listener() {
  const std::string path = address_.unix_path();
  if (valid() && !path.empty()) ::unlink(path.c_str());
}

bool internal::AcceptOp::Attempt(IoOp* op) {
  auto* const self = static_cast<AcceptOp*>(op);
  for (;;) {
    const int fd = internal::sys.accept4(self->fd(), nullptr, nullptr,
                                         SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      self->accepted_ = fd;
      return true;
    }
    if (errno != EINTR && errno != ECONNABORTED) {
      return self->FailOrBlock(errno);
    }
  }
}

AcceptResult internal::AcceptOp::await_resume() {
  if (!status_.ok()) return {Socket(), status_};
  SetNoDelay(accepted_);
  FdState* state = nullptr;
  const int error = FdState::Open(*runtime_, accepted_, false, &state);
  if (error != 0) {
    internal::sys.close(accepted_);
    return {Socket(), IoStatus::FromErrno(error)};
  }
  state->short_reads_drain = short_reads_drain_;
  return {Socket(state), {}};
}

}  // namespace netpoll
