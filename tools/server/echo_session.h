// SPDX-License-Identifier: Apache-2.0
//
// A session that sends back what it receives, until the client's end of
// stream.

#ifndef NETPOLL_TOOLS_SERVER_ECHO_SESSION_H_
#define NETPOLL_TOOLS_SERVER_ECHO_SESSION_H_

#include <cstddef>

#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/tools/server/server.h"

namespace netpoll::server {

// Bytes that one connection reads into; a part of its session's frame.
inline constexpr std::size_t kEchoBuffer = std::size_t{16} << 10;

Task<void> EchoSession(Server& server, Socket socket);

}  // namespace netpoll::server

#endif  // NETPOLL_TOOLS_SERVER_ECHO_SESSION_H_
