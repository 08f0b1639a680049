// SPDX-License-Identifier: Apache-2.0
//
// Batches of datagrams: one system call for many.

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <span>

#include "netpoll/runtime/address.h"
#include "netpoll/runtime/datagram.h"
#include "netpoll/runtime/io_op.h"
#include "netpoll/runtime/sys.h"

namespace netpoll::internal {
namespace {

// On the stack of a worker.
constexpr std::size_t kMost = 64;

}  // namespace

bool ReceiveBatchOp::Attempt(IoOp* op) {
  auto* const self = static_cast<ReceiveBatchOp*>(op);
  const std::size_t room = std::min(self->batch_.size(), kMost);
  if (room == 0) return true;
  std::array<mmsghdr, kMost> messages;
  std::array<iovec, kMost> buffers;
  for (std::size_t i = 0; i < room; ++i) {
    IncomingDatagram& place = self->batch_[i];
    buffers[i] = {place.buffer.data(), place.buffer.size()};
    messages[i] = {};
    messages[i].msg_hdr.msg_name = place.from.data();
    messages[i].msg_hdr.msg_namelen = SocketAddress::kCapacity;
    messages[i].msg_hdr.msg_iov = &buffers[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  int got;
  do {
    got = sys.recvmmsg(self->fd(), messages.data(), static_cast<unsigned>(room),
                       MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return self->FailOrBlock(errno);
  self->count_ = static_cast<std::size_t>(got);
  for (std::size_t i = 0; i < self->count_; ++i) {
    IncomingDatagram& place = self->batch_[i];
    const msghdr& header = messages[i].msg_hdr;
    place.bytes = messages[i].msg_len;
    place.truncated = (header.msg_flags & MSG_TRUNC) != 0;
    *place.from.mutable_size() = header.msg_namelen;
    if (header.msg_namelen == 0 && self->family_ == AF_UNIX) {
      place.from = SocketAddress::Unnamed();
    }
    self->bytes_ += place.bytes;
  }
  return true;
}

bool SendBatchOp::Attempt(IoOp* op) {
  auto* const self = static_cast<SendBatchOp*>(op);
  const auto rest = self->batch_.subspan(self->count_);
  const std::size_t size = std::min(rest.size(), kMost);
  if (size == 0) return true;
  std::array<mmsghdr, kMost> messages;
  std::array<iovec, kMost> buffers;
  for (std::size_t i = 0; i < size; ++i) {
    const OutgoingDatagram& next = rest[i];
    buffers[i] = {const_cast<char*>(next.data.data()), next.data.size()};
    messages[i] = {};
    if (next.to.size() != 0) {
      messages[i].msg_hdr.msg_name = const_cast<sockaddr*>(next.to.data());
      messages[i].msg_hdr.msg_namelen = next.to.size();
    }
    messages[i].msg_hdr.msg_iov = &buffers[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  int put;
  do {
    put = sys.sendmmsg(self->fd(), messages.data(), static_cast<unsigned>(size),
                       MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (put < 0 && errno == EINTR);
  if (put < 0) return self->FailOrBlock(errno);
  for (int i = 0; i < put; ++i) {
    self->bytes_ += messages[static_cast<std::size_t>(i)].msg_len;
  }
  self->count_ += static_cast<std::size_t>(put);
  // Fewer than there were: the next one's error is told by another call.
  return self->count_ == self->batch_.size() || self->Continue();
}

}  // namespace netpoll::internal
