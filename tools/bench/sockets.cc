// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/bench/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "netpoll/tools/bench/die.h"
#include "netpoll/tools/common/values.h"

namespace netpoll::bench {
namespace {

template <class Raw>
Address Made(const Raw& raw) {
  Address address{};
  ::memcpy(&address.storage, &raw, sizeof(raw));
  address.size = sizeof(raw);
  return address;
}

}  // namespace

std::optional<Address> Resolve(const tools::Address& address) {
  if (address.is_unix()) {
    sockaddr_un local{};
    if (address.path.size() >= sizeof(local.sun_path)) return {};
    local.sun_family = AF_UNIX;
    ::memcpy(local.sun_path, address.path.data(), address.path.size());
    return Made(local);
  }
  sockaddr_in four{};
  if (::inet_pton(AF_INET, address.host.c_str(), &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
    four.sin_port = htons(address.port);
    return Made(four);
  }
  sockaddr_in6 six{};
  if (::inet_pton(AF_INET6, address.host.c_str(), &six.sin6_addr) == 1) {
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(address.port);
    return Made(six);
  }
  return {};
}

int Listen(const Address& address) {
  const int family = address.storage.ss_family;
  const int fd =
      ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) DieErrno("socket");
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  const auto* const raw = reinterpret_cast<const sockaddr*>(&address.storage);
  if (::bind(fd, raw, address.size) != 0) DieErrno("bind");
  if (::listen(fd, 4096) != 0) DieErrno("listen");
  return fd;
}

int Connect(const Address& address) {
  const int fd =
      ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const auto* const raw = reinterpret_cast<const sockaddr*>(&address.storage);
  if (::connect(fd, raw, address.size) != 0) {
    const int error = errno;
    ::close(fd);
    errno = error;
    return -1;
  }
  SetNoDelay(fd);
  if (::fcntl(fd, F_SETFL, O_NONBLOCK) != 0) DieErrno("fcntl");
  return fd;
}

std::string LocalAddress(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) {
    DieErrno("getsockname");
  }
  char host[INET6_ADDRSTRLEN] = "";
  if (storage.ss_family == AF_UNIX) {
    sockaddr_un local{};
    ::memcpy(&local, &storage, sizeof(local));
    return absl::StrCat("unix:", local.sun_path);
  }
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 six{};
    ::memcpy(&six, &storage, sizeof(six));
    ::inet_ntop(AF_INET6, &six.sin6_addr, host, sizeof(host));
    return absl::StrCat("[", host, "]:", ntohs(six.sin6_port));
  }
  sockaddr_in four{};
  ::memcpy(&four, &storage, sizeof(four));
  ::inet_ntop(AF_INET, &four.sin_addr, host, sizeof(host));
  return absl::StrCat(host, ":", ntohs(four.sin_port));
}

void SetNoDelay(int fd) {
  const int on = 1;  // Not a TCP socket: fails, and that is all right.
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void PinToCore(std::int64_t core) {
  if (core < 0) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(core), &set);
  if (::sched_setaffinity(0, sizeof(set), &set) != 0) {
    DieErrno(absl::StrCat("pinning to core ", core));
  }
}

void RaiseFileLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::int64_t NowNanos() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace netpoll::bench
