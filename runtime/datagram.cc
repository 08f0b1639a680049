// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/datagram.h"

#include <sys/socket.h>
#include <sys/uio.h>
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
#include "netpoll/runtime/sys.h"

namespace netpoll {

using internal::AddressFrom, internal::MakeSocket, internal::OpenOwn,
    internal::SystemError;

absl::StatusOr<DatagramSocket> DatagramSocket::Bind(
    Runtime& runtime, const SocketAddress& address,
    const BindOptions& options) {
  auto bound = internal::BindSocket(
      runtime, address,
      {.type = SOCK_DGRAM, .purpose = "bind to", .options = options});
  if (!bound.ok()) return bound.status();
  bound->state->messages = true;
  return DatagramSocket(Descriptor(bound->state), bound->address);
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
      return true;
    }
    if (errno != EINTR) return self->FailOrBlock(errno);
  }
}

bool internal::SendToOp::Attempt(IoOp* op) {
  auto* const self = static_cast<SendToOp*>(op);
  for (;;) {
    const ssize_t put =
        internal::sys.sendto(self->fd(), self->data_.data(), self->data_.size(),
                             MSG_NOSIGNAL, self->to_.data(), self->to_.size());
    if (put >= 0) {
      self->bytes_ = static_cast<std::size_t>(put);
      return true;
    }
    if (errno != EINTR) return self->FailOrBlock(errno);
  }
}

}  // namespace netpoll
