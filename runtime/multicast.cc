// SPDX-License-Identifier: Apache-2.0
//
// Multicast groups of a datagram socket.

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/status/status.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/address.h"
#include "netpoll/runtime/datagram.h"
#include "netpoll/runtime/errno_status.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/socket_internal.h"
#include "netpoll/runtime/socket_options.h"
#include "netpoll/runtime/sys.h"

namespace netpoll {
namespace {

using internal::Doing, internal::SetOption, internal::SystemError,
    internal::sys;

int LevelOf(int family) {
  return family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
}

absl::Status Closed(const DatagramSocket& socket) {
  return ToStatus(socket.valid() ? IoStatus::FromPoll(PollError::kClosing)
                                 : IoStatus::FromErrno(EBADF));
}

absl::Status ChangeGroup(const DatagramSocket& socket,
                         const SocketAddress& group, unsigned interface,
                         int option, const char* purpose) {
  group_req request{};
  request.gr_interface = interface;
  if (group.zone() != 0 && interface == 0) request.gr_interface = group.zone();
  std::memcpy(&request.gr_group, group.data(),
              std::min<std::size_t>(group.size(), sizeof(request.gr_group)));
  absl::Status status = Closed(socket);
  socket.WithFd([&](int fd) {
    const int result = sys.setsockopt(fd, LevelOf(group.family()), option,
                                      &request, sizeof(request));
    status = result == 0 ? absl::OkStatus()
                         : SystemError(Doing(purpose, group), errno);
  });
  return status;
}

// 0, or an errno.
int Apply(int fd, int family, const MulticastOptions& options) {
  const bool six = family == AF_INET6;
  const int level = LevelOf(family);
  int error = SetOption(fd, level, six ? IPV6_MULTICAST_HOPS : IP_MULTICAST_TTL,
                        options.hops);
  if (error == 0) {
    error = SetOption(fd, level, six ? IPV6_MULTICAST_LOOP : IP_MULTICAST_LOOP,
                      options.loop ? 1 : 0);
  }
  if (error != 0) return error;
  if (six) {
    return SetOption(fd, level, IPV6_MULTICAST_IF,
                     static_cast<int>(options.interface));
  }
  ip_mreqn request{};
  request.imr_ifindex = static_cast<int>(options.interface);
  const int result =
      sys.setsockopt(fd, level, IP_MULTICAST_IF, &request, sizeof(request));
  return result == 0 ? 0 : errno;
}

}  // namespace

absl::Status DatagramSocket::JoinGroup(const SocketAddress& group,
                                       unsigned interface) {
  return ChangeGroup(*this, group, interface, MCAST_JOIN_GROUP, "join");
}

absl::Status DatagramSocket::LeaveGroup(const SocketAddress& group,
                                        unsigned interface) {
  return ChangeGroup(*this, group, interface, MCAST_LEAVE_GROUP, "leave");
}

absl::Status DatagramSocket::SetMulticast(const MulticastOptions& options) {
  absl::Status status = Closed(*this);
  WithFd([&](int fd) {
    const int error = Apply(fd, address_.family(), options);
    status = error == 0 ? absl::OkStatus()
                        : SystemError("multicast can't be set so", error);
  });
  return status;
}

}  // namespace netpoll
