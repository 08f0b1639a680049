// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/stream.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/address.h"
#include "netpoll/runtime/connect.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/errno_status.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/io_host.h"
#include "netpoll/runtime/io_op.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/protocols/io_calls.h"
#include "netpoll/runtime/ring_call.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/socket_internal.h"
#include "netpoll/runtime/suspend.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/worker_ring.h"

namespace netpoll {

using internal::AddressFrom, internal::GetOption, internal::MakeSocket,
    internal::OpenFailed, internal::OpenOwn, internal::Refused,
    internal::SetNoDelay, internal::ShortReadsDrain, internal::SystemError;

namespace {

absl::Status ConnectError(const SocketAddress& address, IoStatus status) {
  const std::string doing = internal::Doing("connect to", address);
  const int error = status.error_number();
  if (error != 0) return SystemError(doing, error);
  return absl::Status(ToStatus(status).code(),
                      absl::StrCat(doing, ": ", status.ToString()));
}

// Waits for a connect that is in progress. A wake-up alone proves nothing: the
// socket is asked for its error, and then for its peer. A Unix socket whose
// listener has no room is not in progress, and no event tells when there is
// some: its connect is made again.
class ConnectOp : public internal::IoOp {
 public:
  // `again`: null, or the address of the connect to be made again.
  ConnectOp(internal::FdState* fd, const SocketAddress* again)
      : IoOp(fd, Mode::kWrite, &Attempt), again_(again) {}
  IoStatus await_resume() const { return result().status; }

 private:
  static bool Attempt(IoOp* op) {
    auto* const self = static_cast<ConnectOp*>(op);
    if (self->again_ != nullptr) return self->Connect();
    return self->fd_->calls != nullptr ? self->LookByRing() : self->Look();
  }

  bool LookByRing() {
    internal::RingCall& call = fd_->calls->send;
    const auto wait = [this, &call] {
      internal::WorkerRing* const ring = internal::RingFor(*fd_);
      return ring != nullptr && ring->AwaitWritable(call, fd());
    };
    std::size_t events = 0;
    switch (Fly(call.flight, wait, &events)) {
      case Flown::kUnderWay:
        return false;
      case Flown::kFailed:
        return true;
      case Flown::kMoved:
      case Flown::kGrounded:
        break;
    }
    return Look();
  }

  bool Connect() {
    if (internal::sys.connect(fd(), again_->data(), again_->size()) == 0) {
      return true;
    }
    const int error = errno;
    no_event_ = error == EAGAIN || error == EINTR;
    if (error == EISCONN) return true;
    if (error == EINPROGRESS || error == EALREADY) again_ = nullptr;
    return !no_event_ && again_ != nullptr && FailOrBlock(error);
  }

  bool Look() {
    int error = 0;
    socklen_t size = sizeof(error);
    internal::sys.getsockopt(fd(), SOL_SOCKET, SO_ERROR, &error, &size);
    switch (error) {
      case EINPROGRESS:
      case EALREADY:
      case EINTR:
        return false;
      case 0:
      case EISCONN:
        break;
      default:
        return FailOrBlock(error);
    }
    sockaddr_storage peer;
    socklen_t peer_size = sizeof(peer);
    return internal::sys.getpeername(fd(), reinterpret_cast<sockaddr*>(&peer),
                                     &peer_size) == 0;
  }

  const SocketAddress* again_;
};

}  // namespace

namespace {

absl::StatusOr<SocketAddress> Address(const Socket& socket,
                                      internal::AddressCall call) {
  if (!socket.valid()) return ToStatus(IoStatus::FromErrno(EBADF));
  absl::StatusOr<SocketAddress> address =
      ToStatus(IoStatus::FromPoll(PollError::kClosing));
  socket.WithFd([&](int fd) { address = AddressFrom(fd, call); });
  return address;
}

// Whether a TCP socket got the very port that it connects to, and so itself.
bool ConnectedToItself(const Socket& socket, const SocketAddress& to) {
  if (to.is_unix()) return false;
  const auto own = socket.LocalAddress();
  if (!own.ok() || own->port() != to.port()) return false;
  const auto peer = socket.PeerAddress();
  return peer.ok() && *peer == *own;
}

// Ends the connection without a TIME_WAIT, which would keep the port from
// whoever means to listen there.
void Abort(Socket socket) {
  socket.WithFd([](int fd) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    internal::sys.setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once,
                             sizeof(at_once));
  });
  socket.CloseNow();
}

// Before the connect: 0, or an errno.
int Prepare(int fd, const SocketAddress& address,
            const ConnectOptions& options) {
  const bool tcp = !address.is_unix();
  int error = internal::SetBuffers(fd, options.buffers);
  if (error == 0 && tcp && options.tcp.keepalive.has_value()) {
    error = internal::SetKeepalive(fd, *options.tcp.keepalive);
  }
  if (error == 0 && tcp && options.tcp.no_delay) SetNoDelay(fd);
  if (error != 0 || options.local.size() == 0) return error;
  return internal::sys.bind(fd, options.local.data(), options.local.size()) == 0
             ? 0
             : errno;
}

Task<absl::StatusOr<Socket>> ConnectOnce(Runtime& runtime,
                                         SocketAddress address,
                                         ConnectOptions options) {
  co_await internal::Turn(internal::SchedulerOf(runtime));
  const Deadline deadline = options.deadline;
  if (!deadline.none() && deadline.value() <= Runtime::Now()) {
    co_return ConnectError(address, IoStatus::FromPoll(PollError::kTimeout));
  }
  const IoStatus closing = IoStatus::FromPoll(PollError::kClosing);
  if (runtime.stopping()) co_return ConnectError(address, closing);
  const int fd = MakeSocket(address, SOCK_STREAM);
  if (fd < 0) co_return ConnectError(address, IoStatus::FromErrno(errno));
  if (const int error = Prepare(fd, address, options); error != 0) {
    internal::sys.close(fd);
    co_return ConnectError(address, IoStatus::FromErrno(error));
  }
  const bool pending =
      internal::sys.connect(fd, address.data(), address.size()) != 0;
  const int error = pending ? errno : 0;
  // POSIX: a connect that a signal ends goes on. A Unix one has not begun.
  const bool again =
      address.family() == AF_UNIX && (error == EAGAIN || error == EINTR);
  if (pending && error != EINPROGRESS && error != EINTR && !again) {
    internal::sys.close(fd);
    if (runtime.stopping()) co_return ConnectError(address, closing);
    co_return ConnectError(address, IoStatus::FromErrno(error));
  }
  auto state = OpenOwn(runtime, fd, internal::Origin::kStreamMadeHere);
  if (!state.ok()) co_return state.status();
  (*state)->short_reads_drain =
      (*state)->calls == nullptr && ShortReadsDrain(runtime, address);
  auto socket = Socket(*state);
  if (pending) {
    const ConnectEntry entry(options.cancel, *state);
    if (entry.cancelled()) co_return ConnectError(address, closing);
    socket.SetWriteDeadline(deadline);
    const IoStatus status =
        co_await ConnectOp(*state, again ? &address : nullptr);
    if (!status.ok()) co_return ConnectError(address, status);
    socket.SetWriteDeadline(Deadline::None());
  }
  co_return socket;
}

}  // namespace

Task<absl::StatusOr<Socket>> Socket::Connect(Runtime& runtime,
                                             SocketAddress address,
                                             ConnectOptions options) {
  constexpr int kTries = 3;
  for (int i = 0; i < kTries; ++i) {
    if (options.cancel != nullptr && options.cancel->cancelled()) {
      co_return ConnectError(address, IoStatus::FromPoll(PollError::kClosing));
    }
    absl::StatusOr<Socket> socket =
        co_await ConnectOnce(runtime, address, options);
    if (!socket.ok() || !ConnectedToItself(*socket, address)) co_return socket;
    Abort(*std::move(socket));
  }
  co_return ConnectError(address, IoStatus::FromErrno(ECONNREFUSED));
}

absl::StatusOr<Socket> Socket::Adopt(Runtime& runtime, int fd) {
  const int listens = GetOption(fd, SO_ACCEPTCONN);
  if (listens > 0) {
    return Refused(fd, EINVAL, "it listens: Listener::Adopt takes it");
  }
  if (listens < 0 && errno == ENOTSOCK) {
    return Refused(fd, ENOTSOCK, "it is no socket: Descriptor::Adopt takes it");
  }
  SocketAddress peer;
  *peer.mutable_size() = SocketAddress::kCapacity;
  if (listens == 0 &&
      internal::sys.getpeername(fd, peer.data(), peer.mutable_size()) != 0) {
    return Refused(fd, errno, "it is not connected, not yet or no longer");
  }
  internal::FdState* state = nullptr;
  const int error = internal::FdState::Open(internal::SchedulerOf(runtime), fd,
                                            internal::Origin::kProgram, &state);
  if (error != 0) return OpenFailed(runtime, fd, error);
  return Socket(state);
}

absl::StatusOr<Socket::Ends> Socket::Pair(Runtime& runtime) {
  int fds[2];
  if (internal::sys.socketpair(
          AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0) {
    return SystemError("a socket pair can't be made", errno);
  }
  constexpr auto kStream = internal::Origin::kStreamMadeHere;
  auto first = OpenOwn(runtime, fds[0], kStream);
  auto second = OpenOwn(runtime, fds[1], kStream);
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
    const bool done = internal::sys.shutdown(fd, SHUT_WR) == 0;
    status = done ? IoStatus() : IoStatus::FromErrno(errno);
  });
  return status;
}

absl::StatusOr<SocketAddress> Socket::LocalAddress() const {
  return Address(*this, internal::sys.getsockname);
}

absl::StatusOr<SocketAddress> Socket::PeerAddress() const {
  return Address(*this, internal::sys.getpeername);
}

}  // namespace netpoll
