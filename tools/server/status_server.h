// SPDX-License-Identifier: Apache-2.0
//
// Where `netpoll top`, curl and the like ask a server how it does: HTTP over a
// Unix socket, for the same user and for root alone.

#ifndef NETPOLL_TOOLS_SERVER_STATUS_SERVER_H_
#define NETPOLL_TOOLS_SERVER_STATUS_SERVER_H_

#include <string>

#include "netpoll/runtime/listener.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/tools/server/pages.h"
#include "netpoll/tools/server/server.h"

namespace netpoll::server {

// Where a process is asked that was not told another address. An abstract
// name: no file is left behind.
std::string StatusAddressOf(long pid);

// Serves `pages`.
class StatusServer {
 public:
  StatusServer(Runtime& runtime, Listener listener, const Pages& pages);

  void Start() { server_.Start(); }
  // The runtime has nothing else to do.
  void End() { server_.Drain(); }

 private:
  Server server_;
};

}  // namespace netpoll::server

#endif  // NETPOLL_TOOLS_SERVER_STATUS_SERVER_H_
