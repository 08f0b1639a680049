// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/unix_message.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/errno_status.h"
#include "netpoll/runtime/io_op.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/message.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/socket_internal.h"
#include "netpoll/runtime/sys.h"

namespace netpoll {
namespace internal {
namespace {

constexpr std::size_t kMost = 253;  // The system's SCM_MAX_FD.

struct Control {
  alignas(cmsghdr) std::byte
      bytes[CMSG_SPACE(kMost * sizeof(int)) + CMSG_SPACE(sizeof(ucred))];
};

}  // namespace

bool SendDescriptorsOp::Attempt(IoOp* op) {
  auto* const self = static_cast<SendDescriptorsOp*>(op);
  const bool first = self->bytes_ == 0;
  const std::size_t passed = first ? self->descriptors_.size() : 0;
  const std::string_view rest = self->data_.substr(self->bytes_);
  if (passed > kMost || (rest.empty() && !self->fd_->messages)) {
    return self->FailOrBlock(EINVAL);
  }
  // Others take the bytes and forget the rest.
  if (passed > 0 && self->fd_->socket &&
      GetOption(self->fd(), SO_DOMAIN) != AF_UNIX) {
    return self->FailOrBlock(EOPNOTSUPP);
  }
  Control control;
  iovec data{const_cast<char*>(rest.data()), rest.size()};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (passed > 0) {
    const std::size_t size = passed * sizeof(int);
    message.msg_control = &control;
    message.msg_controllen = CMSG_SPACE(size);
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(size);
    std::memcpy(CMSG_DATA(header), self->descriptors_.data(), size);
  }
  ssize_t put;
  do {
    put = sys.sendmsg(self->fd(), &message, MSG_NOSIGNAL);
  } while (put < 0 && errno == EINTR);
  if (put < 0) return self->FailOrBlock(errno);
  self->bytes_ += static_cast<std::size_t>(put);
  return self->bytes_ == self->data_.size() || self->Continue();
}

namespace {

void Take(msghdr& message, UnixMessage& result) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET) continue;
    if (header->cmsg_type == SCM_CREDENTIALS) {
      ucred sender;
      std::memcpy(&sender, CMSG_DATA(header), sizeof(sender));
      result.sender = Credentials{sender.pid, sender.uid, sender.gid};
    } else if (header->cmsg_type == SCM_RIGHTS) {
      const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < count; ++i) {
        int fd;
        std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(fd));
        fd = sys.above_stdio(fd);
        if (fd >= 0) {
          result.descriptors.emplace_back(fd);
        } else {
          result.truncated = true;
        }
      }
    }
  }
  if ((message.msg_flags & MSG_CTRUNC) != 0) result.truncated = true;
}

}  // namespace

bool ReceiveDescriptorsOp::Attempt(IoOp* op) {
  auto* const self = static_cast<ReceiveDescriptorsOp*>(op);
  Control control;
  iovec buffer{self->buffer_.data(), self->buffer_.size()};
  msghdr message{};
  message.msg_iov = &buffer;
  message.msg_iovlen = 1;
  message.msg_control = &control;
  message.msg_controllen = sizeof(control);
  ssize_t got;
  do {
    got = sys.recvmsg(self->fd(), &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return self->FailOrBlock(errno);
  Take(message, self->message_);
  const auto bytes = static_cast<std::size_t>(got);
  const bool cut = (message.msg_flags & MSG_TRUNC) != 0;
  if (self->fd_->messages) {
    self->bytes_ = bytes;
    return self->ReceivedMessage(cut ? EMSGSIZE : 0);
  }
  self->Received(bytes, self->buffer_.size());
  return true;
}

}  // namespace internal

namespace {

using internal::SystemError;

absl::Status Closed(const Descriptor& socket) {
  return ToStatus(socket.valid() ? IoStatus::FromPoll(PollError::kClosing)
                                 : IoStatus::FromErrno(EBADF));
}

}  // namespace

OwnedFd::~OwnedFd() {
  if (fd_ >= 0) internal::sys.close(fd_);
}

absl::Status ReceiveCredentials(const Descriptor& socket) {
  absl::Status status = Closed(socket);
  socket.WithFd([&status](int fd) {
    const int error = internal::SetOption(fd, SOL_SOCKET, SO_PASSCRED, 1);
    status = error == 0
                 ? absl::OkStatus()
                 : SystemError("the sender's credentials can't be had", error);
  });
  return status;
}

absl::StatusOr<Credentials> PeerCredentials(const Descriptor& socket) {
  absl::StatusOr<Credentials> answer = Closed(socket);
  socket.WithFd([&answer](int fd) {
    ucred peer{};
    socklen_t size = sizeof(peer);
    const int result =
        internal::sys.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
    if (result != 0) {
      answer = SystemError("the peer's credentials can't be had", errno);
    } else if (peer.pid == 0) {
      answer = SystemError("the socket has no peer with credentials", ENOTCONN);
    } else {
      answer = Credentials{peer.pid, peer.uid, peer.gid};
    }
  });
  return answer;
}

}  // namespace netpoll
