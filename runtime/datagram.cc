// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/datagram.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/address.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/io_op.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/message.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/socket_internal.h"
#include "netpoll/runtime/sys.h"

namespace netpoll {

using internal::AddressFrom, internal::Doing, internal::GetOption,
    internal::MakeSocket, internal::OpenFailed, internal::OpenOwn,
    internal::Refused, internal::SystemError;

namespace {

absl::Status ConnectFailed(const SocketAddress& peer, int error) {
  return SystemError(Doing("connect to", peer), error);
}

}  // namespace

absl::StatusOr<DatagramSocket> DatagramSocket::Bind(
    Runtime& runtime, const SocketAddress& address,
    const BindOptions& options) {
  auto bound = internal::BindSocket(
      runtime, address,
      {.type = SOCK_DGRAM, .purpose = "bind to", .options = options});
  if (!bound.ok()) return bound.status();
  bound->state->MovesMessages();
  return DatagramSocket(Descriptor(bound->state), bound->address);
}

absl::StatusOr<DatagramSocket> DatagramSocket::Connect(
    Runtime& runtime, const SocketAddress& peer, const SocketAddress& local,
    const BindOptions& options) {
  if (!runtime.status().ok()) return runtime.status();
  DatagramSocket socket;
  if (local.family() != AF_UNSPEC) {
    auto bound = Bind(runtime, local, options);
    if (!bound.ok()) return bound.status();
    socket = *std::move(bound);
  } else {
    const int fd = MakeSocket(peer, SOCK_DGRAM);
    if (fd < 0) return ConnectFailed(peer, errno);
    auto state = OpenOwn(runtime, fd);
    if (!state.ok()) return state.status();
    (*state)->MovesMessages();
    socket = DatagramSocket(Descriptor(*state), {});
  }
  int error = ECANCELED;  // Closed: the runtime has stopped.
  socket.WithFd([&](int fd) {
    const int result = internal::sys.connect(fd, peer.data(), peer.size());
    error = result == 0 ? 0 : errno;
    auto own = AddressFrom(fd, internal::sys.getsockname);
    if (own.ok()) socket.address_ = *own;
  });
  if (error != 0) return ConnectFailed(peer, error);
  return socket;
}

absl::StatusOr<DatagramSocket> DatagramSocket::Adopt(Runtime& runtime, int fd) {
  const int type = GetOption(fd, SO_TYPE);
  if (type < 0 && errno == ENOTSOCK) {
    return Refused(fd, ENOTSOCK, "it is no socket");
  }
  if (type == SOCK_STREAM) {
    return Refused(fd, EINVAL, "it is a stream: Socket::Adopt takes it");
  }
  if (GetOption(fd, SO_ACCEPTCONN) > 0) {
    return Refused(fd, EINVAL, "it listens: Listener::Adopt takes it");
  }
  internal::FdState* state = nullptr;
  const int error = internal::FdState::Open(internal::SchedulerOf(runtime), fd,
                                            internal::Origin::kProgram, &state);
  if (error != 0) return OpenFailed(runtime, fd, error);
  const auto own = AddressFrom(fd, internal::sys.getsockname);
  return DatagramSocket(Descriptor(state), own.ok() ? *own : SocketAddress());
}

bool internal::ReceiveFromOp::Attempt(IoOp* op) {
  auto* const self = static_cast<ReceiveFromOp*>(op);
  for (;;) {
    *self->from_.mutable_size() = SocketAddress::kCapacity;
    iovec buffer{self->buffer_.data(), self->buffer_.size()};
    msghdr message{};
    message.msg_name = self->from_.data();
    message.msg_namelen = SocketAddress::kCapacity;
    message.msg_iov = &buffer;
    message.msg_iovlen = 1;
    const ssize_t got = internal::sys.recvmsg(self->fd(), &message, 0);
    if (got >= 0) {
      self->bytes_ = static_cast<std::size_t>(got);
      self->truncated_ = (message.msg_flags & MSG_TRUNC) != 0;
      *self->from_.mutable_size() = message.msg_namelen;
      if (message.msg_namelen == 0 && self->family_ == AF_UNIX) {
        self->from_ = SocketAddress::Unnamed();
      }
      self->end_ = got == 0 && !self->buffer_.empty() && AtEnd(self->fd());
      if (self->end_ && self->fd_->scheduler.stopping()) {
        self->end_ = false;  // Stop's doing, not the peer's.
        self->status_ = IoStatus::FromPoll(PollError::kClosing);
      }
      return true;
    }
    if (errno != EINTR) return self->FailOrBlock(errno);
  }
}

bool internal::SendToOp::Attempt(IoOp* op) {
  auto* const self = static_cast<SendToOp*>(op);
  const SocketAddress& to = self->to_;
  for (;;) {
    const ssize_t put = internal::sys.sendto(
        self->fd(), self->data_.data(), self->data_.size(), MSG_NOSIGNAL,
        to.size() == 0 ? nullptr : to.data(), to.size());
    if (put >= 0) {
      self->bytes_ = static_cast<std::size_t>(put);
      return true;
    }
    if (errno != EINTR) return self->FailOrBlock(errno);
  }
}

}  // namespace netpoll
