// SPDX-License-Identifier: Apache-2.0
//
// What the kinds of sockets share.

#ifndef NETPOLL_RUNTIME_SOCKET_INTERNAL_H_
#define NETPOLL_RUNTIME_SOCKET_INTERNAL_H_

#include <sys/socket.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "netpoll/runtime/address.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/runtime.h"

namespace netpoll::internal {

// "WHAT: EPIPE", with the code that the errno maps to.
absl::Status SystemError(absl::string_view what, int error);

// A new non-blocking socket of the address's family; -1 and errno.
int MakeSocket(const SocketAddress& address, int type);

// Whether a short read of such a stream leaves nothing behind: FdState.
bool ShortReadsDrain(Runtime& runtime, const SocketAddress& address);

void SetNoDelay(int fd);

// Opens a socket that was just made non-blocking here, or closes it.
absl::StatusOr<FdState*> OpenOwn(Runtime& runtime, int fd);

// getsockname or getpeername.
using AddressCall = int (*)(int fd, sockaddr* address, socklen_t* size);
absl::StatusOr<SocketAddress> AddressFrom(int fd, AddressCall call);

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_SOCKET_INTERNAL_H_
