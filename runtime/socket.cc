// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <string>
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

namespace netpoll {
namespace {

absl::Status SystemError(absl::string_view what, int error) {
  return absl::ErrnoToStatus(error, absl::StrCat(what, ": ", ErrnoName(error)));
}

absl::Status ConnectError(const SocketAddress& address, IoStatus status) {
  return absl::Status(
      status.ToStatus().code(),
      absl::StrCat("connect to ", address.ToString(), ": ", status.ToString()));
}

int MakeSocket(const SocketAddress& address, int type) {
  return ::socket(address.family(), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

bool ShortReadsDrain(Runtime& runtime, const SocketAddress& address) {
  const bool tcp = address.family() == AF_INET || address.family() == AF_INET6;
  return tcp && runtime.poller().backend().marks_short_reads();
}

void SetNoDelay(int fd) {
  const int on = 1;  // Fails on Unix sockets, which need it not.
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

// For sockets that were just made non-blocking by us.
absl::StatusOr<internal::FdState*> OpenOwn(Runtime& runtime, int fd) {
  internal::FdState* state = nullptr;
  const int error = internal::FdState::Open(runtime, fd, false, &state);
  if (error == 0) return state;
  ::close(fd);
  return runtime.status().ok() ? OpenError(fd, error) : runtime.status();
}

template <class Call>
absl::StatusOr<SocketAddress> AddressFrom(int fd, Call call) {
  SocketAddress address;
  *address.mutable_size() = SocketAddress::kCapacity;
  if (call(fd, address.data(), address.mutable_size()) != 0) {
    return SystemError("the socket's address can't be read", errno);
  }
  return address;
}

// Waits for a connect that is in progress. A wake-up alone proves nothing: the
// socket is asked for its error, and then for its peer.
class ConnectOp : public internal::IoOp {
 public:
  explicit ConnectOp(internal::FdState* fd)
      : IoOp(fd, Mode::kWrite, &Attempt) {}
  IoStatus await_resume() const { return result().status; }

 private:
  static bool Attempt(IoOp* op) {
    auto* const self = static_cast<ConnectOp*>(op);
    int error = 0;
    socklen_t size = sizeof(error);
    ::getsockopt(self->fd(), SOL_SOCKET, SO_ERROR, &error, &size);
    switch (error) {
      case EINPROGRESS:
      case EALREADY:
      case EINTR:
        return false;
      case 0:
      case EISCONN:
        break;
      default:
        return self->FailOrBlock(error);
    }
    sockaddr_storage peer;
    socklen_t peer_size = sizeof(peer);
    return ::getpeername(self->fd(), reinterpret_cast<sockaddr*>(&peer),
                         &peer_size) == 0;
  }
};

}  // namespace

// --- Socket ------------------------------------------------------------------

Task<absl::StatusOr<Socket>> Socket::Connect(Runtime& runtime,
                                             SocketAddress address,
                                             Deadline deadline) {
  if (!deadline.none() && deadline.value() <= Runtime::Now()) {
    co_return ConnectError(address, IoStatus::FromPoll(PollError::kTimeout));
  }
  const int fd = MakeSocket(address, SOCK_STREAM);
  if (fd < 0) co_return SystemError("a socket can't be made", errno);
  const bool pending = ::connect(fd, address.data(), address.size()) != 0;
  const int error = pending ? errno : 0;
  if (pending && error != EINPROGRESS && error != EINTR) {
    ::close(fd);
    co_return SystemError(absl::StrCat("connect to ", address.ToString()),
                          error);
  }
  SetNoDelay(fd);
  absl::StatusOr<internal::FdState*> state = OpenOwn(runtime, fd);
  if (!state.ok()) co_return state.status();
  (*state)->short_reads_drain = ShortReadsDrain(runtime, address);
  Socket socket(*state);
  if (pending) {
    socket.SetWriteDeadline(deadline);
    const IoStatus status = co_await ConnectOp(*state);
    if (!status.ok()) co_return ConnectError(address, status);
    socket.SetWriteDeadline(Deadline::None());
  }
  co_return socket;
}

absl::StatusOr<Socket> Socket::Adopt(Runtime& runtime, int fd) {
  internal::FdState* state = nullptr;
  const int error = internal::FdState::Open(runtime, fd, true, &state);
  if (error != 0) return OpenError(fd, error);
  return Socket(state);
}

absl::StatusOr<Socket::Ends> Socket::Pair(Runtime& runtime) {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                   fds) != 0) {
    return SystemError("a socket pair can't be made", errno);
  }
  auto first = OpenOwn(runtime, fds[0]);
  auto second = OpenOwn(runtime, fds[1]);
  Ends ends;
  if (first.ok()) ends.first = Socket(*first);
  if (second.ok()) ends.second = Socket(*second);
  if (!first.ok()) return first.status();
  if (!second.ok()) return second.status();
  return ends;
}

IoStatus Socket::ShutdownWrite() {
  if (!valid()) return IoStatus::FromErrno(EBADF);
  IoStatus status = IoStatus::FromPoll(PollError::kClosing);
  WithFd([&status](int fd) {
    const bool done = ::shutdown(fd, SHUT_WR) == 0;
    status = done ? IoStatus() : IoStatus::FromErrno(errno);
  });
  return status;
}

absl::StatusOr<SocketAddress> Socket::LocalAddress() const {
  absl::StatusOr<SocketAddress> address =
      IoStatus::FromPoll(PollError::kClosing).ToStatus();
  WithFd([&](int fd) { address = AddressFrom(fd, ::getsockname); });
  return address;
}
absl::StatusOr<SocketAddress> Socket::PeerAddress() const {
  absl::StatusOr<SocketAddress> address =
      IoStatus::FromPoll(PollError::kClosing).ToStatus();
  WithFd([&](int fd) { address = AddressFrom(fd, ::getpeername); });
  return address;
}

// --- Listener ----------------------------------------------------------------

absl::StatusOr<Listener> Listener::Listen(Runtime& runtime,
                                          const SocketAddress& address,
                                          int backlog) {
  const int fd = MakeSocket(address, SOCK_STREAM);
  if (fd < 0) return SystemError("a socket can't be made", errno);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (::bind(fd, address.data(), address.size()) != 0 ||
      ::listen(fd, backlog) != 0) {
    const int error = errno;
    ::close(fd);
    return SystemError(absl::StrCat("listen on ", address.ToString()), error);
  }
  auto bound = AddressFrom(fd, ::getsockname);
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
    const int fd =
        ::accept4(self->fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
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
    ::close(accepted_);
    return {Socket(), IoStatus::FromErrno(error)};
  }
  state->short_reads_drain = short_reads_drain_;
  return {Socket(state), {}};
}

// --- Datagrams ---------------------------------------------------------------

absl::StatusOr<DatagramSocket> DatagramSocket::Bind(
    Runtime& runtime, const SocketAddress& address) {
  const int fd = MakeSocket(address, SOCK_DGRAM);
  if (fd < 0) return SystemError("a socket can't be made", errno);
  if (::bind(fd, address.data(), address.size()) != 0) {
    const int error = errno;
    ::close(fd);
    return SystemError(absl::StrCat("bind to ", address.ToString()), error);
  }
  auto bound = AddressFrom(fd, ::getsockname);
  auto state = OpenOwn(runtime, fd);
  if (!state.ok()) return state.status();
  return DatagramSocket(Descriptor(*state), bound.ok() ? *bound : address);
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
    const ssize_t got = ::recvmsg(self->fd(), &message, 0);
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
        ::sendto(self->fd(), self->data_.data(), self->data_.size(),
                 MSG_NOSIGNAL, self->to_.data(), self->to_.size());
    if (put >= 0) {
      self->bytes_ = static_cast<std::size_t>(put);
      return true;
    }
    if (errno != EINTR) return self->FailOrBlock(errno);
  }
}

}  // namespace netpoll
