// SPDX-License-Identifier: Apache-2.0
//
// What the kinds of sockets share.

#ifndef NETPOLL_RUNTIME_SOCKET_INTERNAL_H_
#define NETPOLL_RUNTIME_SOCKET_INTERNAL_H_

#include <sys/socket.h>

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "netpoll/runtime/address.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/socket_options.h"

namespace netpoll {

class Runtime;

namespace internal {

// "WHAT: EPIPE", with the code that the errno maps to.
absl::Status SystemError(absl::string_view what, int error);

// "connect to 127.0.0.1:80": begins the sentence of an error.
std::string Doing(absl::string_view purpose, const SocketAddress& address);

// "descriptor 7 can't be adopted: WHY (EINVAL)".
absl::Status Refused(int fd, int error, absl::string_view why);
// Of FdState::Open.
absl::Status OpenFailed(Runtime& runtime, int fd, int error);

// A new non-blocking socket of the address's family; -1 and errno.
int MakeSocket(const SocketAddress& address, int type);

// Whether a short read of such a stream leaves nothing behind: FdState.
bool ShortReadsDrain(Runtime& runtime, const SocketAddress& address);

void SetNoDelay(int fd);

// 0, or an errno.
int SetOption(int fd, int level, int option, int value);
int SetBuffers(int fd, const SocketBuffers& buffers);
// EINVAL: less than a second, or no question.
int SetKeepalive(int fd, const Keepalive& keepalive);

// Opens a socket that was just made non-blocking here, or closes it.
absl::StatusOr<FdState*> OpenOwn(Runtime& runtime, int fd,
                                 Origin origin = Origin::kMadeHere);

// A socket that was made, bound, and listens if that was asked for.
struct BoundSocket {
  FdState* state = nullptr;
  SocketAddress address;  // What the system says that it is.
};

struct BindRequest {
  int type;             // SOCK_STREAM, SOCK_DGRAM.
  const char* purpose;  // "listen on": begins the sentence of an error.
  BindOptions options;
  std::optional<int> backlog = {};  // Listens, if set.
  std::optional<Keepalive> keepalive = {};
};

absl::StatusOr<BoundSocket> BindSocket(Runtime& runtime,
                                       const SocketAddress& address,
                                       const BindRequest& request);

// getsockname or getpeername.
using AddressCall = int (*)(int fd, sockaddr* address, socklen_t* size);
absl::StatusOr<SocketAddress> AddressFrom(int fd, AddressCall call);

}  // namespace internal
}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_SOCKET_INTERNAL_H_
