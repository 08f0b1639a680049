// SPDX-License-Identifier: Apache-2.0
//
// Makes a socket that has an address: of listeners and of datagram sockets.

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "netpoll/runtime/address.h"
#include "netpoll/runtime/bound_name.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket_internal.h"
#include "netpoll/runtime/sys.h"

namespace netpoll::internal {
namespace {

// 0, or an errno.
int SetOptions(int fd, const SocketAddress& address,
               const BindRequest& request) {
  const BindOptions& options = request.options;
  if (const int error = SetBuffers(fd, options.buffers); error != 0) {
    return error;
  }
  if (address.is_unix()) return 0;
  int error = 0;
  const auto set = [&](bool wanted, int level, int option, int value) {
    if (wanted && error == 0) error = SetOption(fd, level, option, value);
  };
  set(options.reuse_address, SOL_SOCKET, SO_REUSEADDR, 1);
  set(options.reuse_port, SOL_SOCKET, SO_REUSEPORT, 1);
  set(options.broadcast, SOL_SOCKET, SO_BROADCAST, 1);
  const auto only = options.ipv6_only;
  set(only.has_value() && address.family() == AF_INET6, IPPROTO_IPV6,
      IPV6_V6ONLY, only.value_or(false) ? 1 : 0);
  if (error != 0 || !request.keepalive.has_value()) return error;
  return SetKeepalive(fd, *request.keepalive);
}

int Bind(int fd, const SocketAddress& address, const BindRequest& request) {
  if (sys.bind(fd, address.data(), address.size()) == 0) return 0;
  const int error = errno;
  if (error != EADDRINUSE || !request.options.file.replace_dead ||
      !RemoveDead(address, request.type)) {
    return error;
  }
  return sys.bind(fd, address.data(), address.size()) == 0 ? 0 : errno;
}

int BindAndListen(int fd, const SocketAddress& address,
                  const BindRequest& request,
                  std::unique_ptr<BoundName>* file) {
  // Until it listens: others would think it dead.
  std::optional<FolderLock> lock;
  if (request.options.file.replace_dead && !address.unix_path().empty()) {
    lock.emplace(address);
    if (lock->error() == EWOULDBLOCK) return EADDRINUSE;
    if (lock->error() != 0) return lock->error();
  }
  std::string path = BoundName::Path(address);
  if (const int error = Bind(fd, address, request); error != 0) return error;
  *file = BoundName::Of(address, std::move(path));
  if (!request.backlog.has_value()) return 0;
  return sys.listen(fd, *request.backlog) == 0 ? 0 : errno;
}

}  // namespace

absl::StatusOr<BoundSocket> BindSocket(Runtime& runtime,
                                       const SocketAddress& address,
                                       const BindRequest& request) {
  if (!runtime.status().ok()) return runtime.status();
  const auto failed = [&](int error) {
    return SystemError(Doing(request.purpose, address), error);
  };
  const int fd = MakeSocket(address, request.type);
  if (fd < 0) return failed(errno);
  std::unique_ptr<BoundName> file;
  int error = SetOptions(fd, address, request);
  if (error == 0) error = BindAndListen(fd, address, request, &file);
  if (error != 0) {
    if (file != nullptr) file->Remove();
    sys.close(fd);
    return failed(error);
  }
  const auto bound = AddressFrom(fd, sys.getsockname);
  std::unique_ptr<BoundName> kept;
  if (request.options.file.remove) kept = std::move(file);
  FdState* state = nullptr;
  const Origin origin =
      request.backlog.has_value() ? Origin::kStreamMadeHere : Origin::kMadeHere;
  error = FdState::Open(SchedulerOf(runtime), fd, origin, &state, &kept);
  if (error != 0) {
    const BoundName* const made = kept != nullptr ? kept.get() : file.get();
    if (made != nullptr) made->Remove();
    const absl::Status why = OpenError(runtime, fd, error);
    sys.close(fd);
    return absl::Status(
        why.code(),
        absl::StrCat(Doing(request.purpose, address), ": ", why.message()));
  }
  return BoundSocket{state, bound.ok() ? *bound : address};
}

}  // namespace netpoll::internal
