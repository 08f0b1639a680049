// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/listener.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/address.h"
#include "netpoll/runtime/bound_name.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/io_op.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket_internal.h"
#include "netpoll/runtime/stream.h"
#include "netpoll/runtime/sys.h"

namespace netpoll {

using internal::AddressFrom, internal::GetOption, internal::OpenFailed,
    internal::Refused, internal::SetNoDelay, internal::ShortReadsDrain;

absl::StatusOr<Listener> Listener::Listen(Runtime& runtime,
                                          const SocketAddress& address,
                                          const ListenOptions& options) {
  auto bound =
      internal::BindSocket(runtime, address,
                           {.type = SOCK_STREAM,
                            .purpose = "listen on",
                            .options = {.file = options.file,
                                        .ipv6_only = options.ipv6_only,
                                        .reuse_port = options.reuse_port,
                                        .reuse_address = true,
                                        .buffers = options.buffers},
                            .backlog = options.backlog,
                            .keepalive = options.tcp.keepalive});
  if (!bound.ok()) return bound.status();
  bound->state->no_delay = options.tcp.no_delay;
  // For those that it accepts.
  bound->state->short_reads_drain = ShortReadsDrain(runtime, address);
  return Listener(Descriptor(bound->state), bound->address);
}

absl::StatusOr<Listener> Listener::Listen(Runtime& runtime,
                                          const SocketAddress& address,
                                          int backlog) {
  return Listen(runtime, address, ListenOptions{.backlog = backlog});
}

absl::StatusOr<Listener> Listener::Adopt(Runtime& runtime, int fd,
                                         AdoptedFile taken) {
  const int listens = GetOption(fd, SO_ACCEPTCONN);
  if (listens == 0) return Refused(fd, EINVAL, "it does not listen");
  if (listens < 0 && errno == ENOTSOCK) {
    return Refused(fd, ENOTSOCK, "it is no socket");
  }
  const auto address = AddressFrom(fd, internal::sys.getsockname);
  if (listens > 0 && !address.ok()) {
    return absl::Status(address.status().code(),
                        absl::StrCat("descriptor ", fd, " can't be adopted: ",
                                     address.status().message()));
  }
  std::unique_ptr<internal::BoundName> file;
  if (taken == AdoptedFile::kTakenOver && address.ok()) {
    file =
        internal::BoundName::Of(*address, internal::BoundName::Path(*address));
  }
  internal::FdState* state = nullptr;
  const int error =
      internal::FdState::Open(internal::SchedulerOf(runtime), fd,
                              internal::Origin::kProgram, &state, &file);
  if (error != 0) return OpenFailed(runtime, fd, error);
  // Its kind is that of what it accepts.
  state->short_reads_drain = GetOption(fd, SO_PROTOCOL) == IPPROTO_TCP &&
                             ShortReadsDrain(runtime, *address);
  return Listener(Descriptor(state), *address);
}

bool internal::AcceptOp::Attempt(IoOp* op) {
  auto* const self = static_cast<AcceptOp*>(op);
  return self->fd_->calls != nullptr ? self->AttemptByRing() : self->Plainly();
}

bool internal::AcceptOp::Plainly() {
  for (;;) {
    *peer_.mutable_size() = SocketAddress::kCapacity;
    accepted_ = sys.accept4(fd(), peer_.data(), peer_.mutable_size(),
                            SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted_ >= 0) return true;
    if (errno != EINTR && errno != ECONNABORTED) return FailOrBlock(errno);
  }
}

AcceptResult internal::AcceptOp::await_resume() {
  if (!status_.ok()) return {Socket(), status_, {}};
  if (no_delay_) SetNoDelay(accepted_);
  FdState* state = nullptr;
  const int error = FdState::Open(
      *scheduler_, accepted_,
      messages_ ? Origin::kMadeHere : Origin::kStreamMadeHere, &state);
  if (error != 0) {
    internal::sys.close(accepted_);
    return {Socket(), FdState::OpenStatus(error), {}};
  }
  state->short_reads_drain = short_reads_drain_ && state->calls == nullptr;
  if (messages_) state->MovesMessages();
  return {Socket(state), {}, peer_};
}

}  // namespace netpoll
