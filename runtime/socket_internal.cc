// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/socket_internal.h"

#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "netpoll/runtime/address.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/errno_status.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/sys.h"

namespace netpoll::internal {

absl::Status SystemError(absl::string_view what, int error) {
  return ErrnoStatus(error, absl::StrCat(what, ": ", ErrnoName(error)));
}

std::string Doing(absl::string_view purpose, const SocketAddress& address) {
  const bool empty = address.family() == AF_UNSPEC;
  return absl::StrCat(purpose, " ",
                      empty ? "the empty address" : address.ToString());
}

absl::Status Refused(int fd, int error, absl::string_view why) {
  return ErrnoStatus(
      error, absl::StrCat("descriptor ", fd, " can't be adopted: ", why, " (",
                          ErrnoName(error), ")"));
}

absl::Status OpenFailed(Runtime& runtime, int fd, int error) {
  return runtime.status().ok() ? OpenError(runtime, fd, error)
                               : runtime.status();
}

int MakeSocket(const SocketAddress& address, int type) {
  return sys.socket(address.family(), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

bool ShortReadsDrain(Runtime& runtime, const SocketAddress& address) {
  const bool tcp = address.family() == AF_INET || address.family() == AF_INET6;
  return tcp &&
         SchedulerOf(runtime).poller().backend().traits().marks_short_reads;
}

void SetNoDelay(int fd) {
  const int on = 1;  // Fails on Unix sockets, which need it not.
  sys.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

int SetOption(int fd, int level, int option, int value) {
  const int result = sys.setsockopt(fd, level, option, &value, sizeof(value));
  return result == 0 ? 0 : errno;
}

int SetBuffers(int fd, const SocketBuffers& buffers) {
  // The system takes these for very many, or for none.
  if (buffers.send < 0 || buffers.receive < 0) return EINVAL;
  int error = 0;
  if (buffers.send != 0) {
    error = SetOption(fd, SOL_SOCKET, SO_SNDBUF, buffers.send);
  }
  if (error == 0 && buffers.receive != 0) {
    error = SetOption(fd, SOL_SOCKET, SO_RCVBUF, buffers.receive);
  }
  return error;
}

int SetKeepalive(int fd, const Keepalive& keepalive) {
  const auto seconds = [](std::chrono::seconds time) {
    return static_cast<int>(std::clamp<std::int64_t>(time.count(), 0, INT_MAX));
  };
  int error = SetOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds(keepalive.idle));
  if (error == 0) {
    error =
        SetOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, seconds(keepalive.interval));
  }
  if (error == 0) {
    error = SetOption(fd, IPPROTO_TCP, TCP_KEEPCNT, keepalive.count);
  }
  return error != 0 ? error : SetOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

// For sockets that were just made non-blocking by us.
absl::StatusOr<FdState*> OpenOwn(Runtime& runtime, int fd, Origin origin) {
  FdState* state = nullptr;
  const int error = FdState::Open(SchedulerOf(runtime), fd, origin, &state);
  if (error == 0) return state;
  const absl::Status status = OpenFailed(runtime, fd, error);
  sys.close(fd);
  return status;
}

absl::StatusOr<SocketAddress> AddressFrom(int fd, AddressCall call) {
  SocketAddress address;
  *address.mutable_size() = SocketAddress::kCapacity;
  if (call(fd, address.data(), address.mutable_size()) != 0) {
    return SystemError("the socket's address can't be read", errno);
  }
  return address;
}

}  // namespace netpoll::internal
