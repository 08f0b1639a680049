// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/message.h"

#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <span>

#include "netpoll/runtime/sys.h"

namespace netpoll::internal {

int ReceiveMessage(int fd, std::span<const iovec> buffers, std::size_t* bytes) {
  for (;;) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(buffers.data());
    message.msg_iovlen = std::min<std::size_t>(buffers.size(), IOV_MAX);
    const ssize_t got = sys.recvmsg(fd, &message, 0);
    if (got >= 0) {
      *bytes = static_cast<std::size_t>(got);
      return (message.msg_flags & MSG_TRUNC) != 0 ? EMSGSIZE : 0;
    }
    if (errno != EINTR) return errno;
  }
}

int SendMessage(int fd, std::span<const iovec> buffers, std::size_t* bytes) {
  for (;;) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(buffers.data());
    message.msg_iovlen = buffers.size();
    const ssize_t put = sys.sendmsg(fd, &message, MSG_NOSIGNAL);
    if (put >= 0) {
      *bytes = static_cast<std::size_t>(put);
      return 0;
    }
    if (errno != EINTR) return errno;
  }
}

bool AtEnd(int fd) {
  pollfd query{.fd = fd, .events = POLLIN | POLLRDHUP, .revents = 0};
  if (sys.poll(&query, 1, 0) <= 0) return false;
  if ((query.revents & (POLLRDHUP | POLLHUP)) == 0) return false;
  int left = 0;
  return sys.fionread(fd, &left) != 0 || left == 0;
}

}  // namespace netpoll::internal
