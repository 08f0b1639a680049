// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/zero_copy.h"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/io_op.h"
#include "netpoll/runtime/stream.h"
#include "netpoll/runtime/sys.h"

namespace netpoll {
namespace internal {
namespace {

// What one system call may take: with a fast reader it has no end otherwise.
constexpr std::size_t kMostBytes = 256 << 10;

bool IsOfErrors(const cmsghdr& part) {
  return (part.cmsg_level == SOL_IP && part.cmsg_type == IP_RECVERR) ||
         (part.cmsg_level == SOL_IPV6 && part.cmsg_type == IPV6_RECVERR);
}

// Takes what the socket has in its queue of errors. Nobody waits: when there
// are more, there is an event.
void TakeReports(int fd, ZeroCopyCalls* calls) {
  while (!calls->idle()) {
    alignas(cmsghdr) char space[256];
    msghdr message{};
    message.msg_control = space;
    message.msg_controllen = sizeof space;
    const ssize_t got = sys.recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return;
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
         part = CMSG_NXTHDR(&message, part)) {
      if (!IsOfErrors(*part)) continue;
      sock_extended_err report;
      std::memcpy(&report, CMSG_DATA(part), sizeof report);
      if (report.ee_errno != 0 || report.ee_origin != SO_EE_ORIGIN_ZEROCOPY) {
        continue;
      }
      calls->Report(report.ee_info, report.ee_data,
                    (report.ee_code & SO_EE_CODE_ZEROCOPY_COPIED) != 0);
    }
  }
}

}  // namespace

void ZeroCopyCalls::Report(std::uint32_t first, std::uint32_t last,
                           bool copied) {
  const std::uint32_t more = std::min(last - first, kPatience) + 1;
  copies_in_a_row_ = copied ? std::min(copies_in_a_row_ + more, kPatience) : 0;
  // Numbers wrap around. What is not under way is nobody's.
  for (std::uint32_t i = first; i != last + 1; ++i) {
    if (i - first_ >= next_ - first_) break;
    ends_[i % kMost].done = true;
  }
  while (first_ != next_ && ends_[first_ % kMost].done) ++first_;
}

ssize_t ZeroCopyWriteOp::Send(const char* data, std::size_t size,
                              bool* copied) {
  *copied = size < least_ || calls_->in_vain();
  if (!*copied && (calls_->full() || calls_->look())) {
    TakeReports(fd(), calls_);
    *copied = calls_->full() || calls_->in_vain();
  }
  for (;;) {
    const int flags = MSG_NOSIGNAL | (*copied ? 0 : MSG_ZEROCOPY);
    const ssize_t put = sys.send(fd(), data, size, flags);
    if (put >= 0 || (errno != EINTR && (errno != ENOBUFS || *copied))) {
      return put;
    }
    // No memory for the report, or none may be locked. What comes back with the
    // reports may do for the next.
    if (errno == ENOBUFS) {
      TakeReports(fd(), calls_);
      *copied = true;
    }
  }
}

bool ZeroCopyWriteOp::Attempt(IoOp* op) {
  auto* const self = static_cast<ZeroCopyWriteOp*>(op);
  const std::size_t rest = self->data_.size() - self->bytes_;
  if (rest == 0) return true;
  bool copied = false;
  const ssize_t put = self->Send(self->data_.data() + self->bytes_,
                                 std::min(rest, kMostBytes), &copied);
  if (put < 0) {
    const int error = errno;
    // Whoever waits for room may be told of reports in its place.
    TakeReports(self->fd(), self->calls_);
    return self->FailOrBlock(error);
  }
  const auto bytes = static_cast<std::size_t>(put);
  self->bytes_ += bytes;
  if (copied) {
    self->calls_->Copied(bytes);
  } else {
    self->calls_->Sent(bytes);
  }
  return self->bytes_ == self->data_.size() || self->Continue();
}

bool ReleasedOp::Attempt(IoOp* op) {
  auto* const self = static_cast<ReleasedOp*>(op);
  if (self->calls_->released() >= self->position_) return true;
  TakeReports(self->fd(), self->calls_);
  return self->calls_->released() >= self->position_;
}

}  // namespace internal

ZeroCopyWriter::ZeroCopyWriter(Socket& socket, std::size_t least)
    : socket_(socket), least_(least) {
  const int one = 1;
  bool has = false;
  socket.WithFd([&](int fd) {
    has = internal::sys.setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &one,
                                   sizeof one) == 0;
  });
  if (!has) least_ = kNever;
}

}  // namespace netpoll
