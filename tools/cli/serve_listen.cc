// SPDX-License-Identifier: Apache-2.0

#include "netpoll/tools/cli/serve_listen.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "netpoll/runtime/socket_options.h"
#include "netpoll/tools/common/flags.h"
#include "netpoll/tools/common/suggest.h"
#include "netpoll/tools/common/values.h"

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

absl::StatusOr<Listener> Listen(Runtime& runtime, const Address& wanted,
                                bool shared) {
  if (Everywhere(wanted)) {
    // One socket for both families, where the system has both.
    const Address all{.host = "::", .port = wanted.port, .path = ""};
    const absl::StatusOr<SocketAddress> address = Resolve(all);
    if (!address.ok()) return address.status();
    absl::StatusOr<Listener> both = Listener::Listen(
        runtime, *address, {.ipv6_only = false, .reuse_port = shared});
    if (both.ok() ||
        (!absl::StrContains(both.status().message(), "EAFNOSUPPORT") &&
         !absl::StrContains(both.status().message(), "EADDRNOTAVAIL"))) {
      return both;
    }
    return Listen(runtime, {.host = "0.0.0.0", .port = wanted.port, .path = ""},
                  shared);
  }
  const absl::StatusOr<SocketAddress> address = Resolve(wanted);
  if (!address.ok()) return address.status();
  absl::StatusOr<Listener> listener = Listener::Listen(
      runtime, *address, {.reuse_port = shared && !wanted.is_unix()});
  if (listener.ok() || !wanted.is_unix()) return listener;
  return absl::Status(
      listener.status().code(),
      absl::StrCat(listener.status().message(), WhatIsThere(wanted.path)));
}

absl::Status ListenMore(Runtime& runtime, const Address& wanted, bool shared,
                        server::Server& server) {
  const SocketAddress address = server.address();
  if (!shared || address.is_unix()) return absl::OkStatus();
  ListenOptions options{.reuse_port = true};
  if (Everywhere(wanted) && address.family() == AF_INET6) {
    options.ipv6_only = false;
  }
  for (int i = 1; i < runtime.threads(); ++i) {
    absl::StatusOr<Listener> more = Listener::Listen(runtime, address, options);
    if (!more.ok()) return more.status();
    server.AlsoAccept(*std::move(more));
  }
  return absl::OkStatus();
}

}  // namespace netpoll::tools
