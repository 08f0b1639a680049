// SPDX-License-Identifier: Apache-2.0

#include "netpoll/tools/cli/serve_extras.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "netpoll/runtime/address.h"
#include "netpoll/runtime/listener.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/tools/common/suggest.h"
#include "netpoll/tools/server/pages.h"
#include "netpoll/tools/server/quit_dump.h"
#include "netpoll/tools/server/status_server.h"

namespace netpoll::tools {
namespace {

bool Everywhere(const Address& address) {
  return !address.is_unix() && (address.host.empty() || address.host == "*");
}

// As SocketAddress::Parse, and names are looked up.
absl::StatusOr<SocketAddress> Resolve(const Address& address) {
  const std::string text = FormatAddress(address);
  absl::StatusOr<SocketAddress> parsed = SocketAddress::Parse(text);
  if (parsed.ok() || address.is_unix()) return parsed;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(
      address.host.c_str(), absl::StrCat(address.port).c_str(), &hints, &found);
  if (error != 0) {
    return absl::NotFoundError(absl::StrCat(
        "no address for ", Quoted(address.host), ": ", ::gai_strerror(error)));
  }
  SocketAddress result;
  std::memcpy(result.data(), found->ai_addr, found->ai_addrlen);
  *result.mutable_size() = found->ai_addrlen;
  ::freeaddrinfo(found);
  return result;
}

// What is at a path that is in use already; empty where a server is.
std::string WhatIsThere(const std::string& path) {
  struct stat file {};
  if (::lstat(path.c_str(), &file) != 0) return "";
  if (!S_ISSOCK(file.st_mode)) {
    return "; what is there is no socket";
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return "";
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd =
      ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return "";
  const int status = ::connect(fd, reinterpret_cast<const sockaddr*>(&address),
                               sizeof address);
  const int error = errno;
  ::close(fd);
  if (status == 0 || error != ECONNREFUSED) return "";
  return absl::StrCat(
      "; nobody listens there any more: a server that was killed has left it. "
      "rm ",
      InShell(path));
}

}  // namespace

absl::StatusOr<Listener> Listen(Runtime& runtime, const Address& wanted) {
  if (Everywhere(wanted)) {
    // One socket for both families, where the system has both.
    const Address all{.host = "::", .port = wanted.port, .path = ""};
    const absl::StatusOr<SocketAddress> address = Resolve(all);
    if (!address.ok()) return address.status();
    absl::StatusOr<Listener> both =
        Listener::Listen(runtime, *address, {.ipv6_only = false});
    if (both.ok() ||
        (!absl::StrContains(both.status().message(), "EAFNOSUPPORT") &&
         !absl::StrContains(both.status().message(), "EADDRNOTAVAIL"))) {
      return both;
    }
    return Listen(runtime,
                  {.host = "0.0.0.0", .port = wanted.port, .path = ""});
  }
  const absl::StatusOr<SocketAddress> address = Resolve(wanted);
  if (!address.ok()) return address.status();
  absl::StatusOr<Listener> listener = Listener::Listen(runtime, *address);
  if (listener.ok() || !wanted.is_unix()) return listener;
  return absl::Status(
      listener.status().code(),
      absl::StrCat(listener.status().message(), WhatIsThere(wanted.path)));
}

absl::Status StatusSocket::Open(Runtime& runtime, const Address& address,
                                const server::Page& metrics) {
  const bool usual = address == Address{};
  absl::StatusOr<Listener> listener =
      Listen(runtime, usual ? *ParseAddress(server::StatusAddressOf(::getpid()))
                            : address);
  if (!listener.ok()) return usual ? absl::OkStatus() : listener.status();
  pages_.push_back(metrics);
  pages_.push_back({"/waits", "text/plain", [&runtime] {
                      return runtime.DumpState(server::kMostWaits,
                                               &server::SymbolAt);
                    }});
  server_.emplace(runtime, *std::move(listener), pages_);
  server_->Start();
  return absl::OkStatus();
}

}  // namespace netpoll::tools
