// SPDX-License-Identifier: Apache-2.0
//
// A session that speaks HTTP/1.1: see http_exchange.h for what it answers.

#ifndef NETPOLL_TOOLS_SERVER_HTTP_SESSION_H_
#define NETPOLL_TOOLS_SERVER_HTTP_SESSION_H_

#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/tools/server/server.h"

namespace netpoll::server {

Task<void> HttpSession(Server& server, Socket socket);

}  // namespace netpoll::server

#endif  // NETPOLL_TOOLS_SERVER_HTTP_SESSION_H_
