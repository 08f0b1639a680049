// SPDX-License-Identifier: Apache-2.0

#include "netpoll/tools/server/status_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "netpoll/runtime/listener.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/tools/server/connection.h"
#include "netpoll/tools/server/http_session.h"
#include "netpoll/tools/server/pages.h"
#include "netpoll/tools/server/server.h"

namespace netpoll::server {
namespace {

constexpr int kMostAskers = 8;
constexpr std::chrono::seconds kPatience{30};

bool IsOurs(Socket& socket) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  bool known = false;
  socket.WithFd([&](int fd) {
    known = ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
  });
  return known && (peer.uid == 0 || peer.uid == ::geteuid());
}

Task<void> StatusSession(Server& server, Socket socket) {
  if (IsOurs(socket)) {
    co_await HttpSession(server, std::move(socket));
  } else {
    const Connection refused(server, std::move(socket));
  }
}

ServerOptions OptionsFor(const Pages& pages) {
  ServerOptions options;
  options.read_timeout = options.write_timeout = kPatience;
  options.max_connections = kMostAskers;
  options.log_refusals = false;
  options.pages = &pages;
  return options;
}

}  // namespace

std::string StatusAddressOf(long pid) {
  return absl::StrCat("unix:@netpoll-", pid);
}

StatusServer::StatusServer(Runtime& runtime, Listener listener,
                           const Pages& pages)
    : server_(runtime, std::move(listener), StatusSession, OptionsFor(pages)) {}

}  // namespace netpoll::server
