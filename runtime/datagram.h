// SPDX-License-Identifier: Apache-2.0
//
// Datagram sockets, UDP and Unix.

#ifndef NETPOLL_RUNTIME_DATAGRAM_H_
#define NETPOLL_RUNTIME_DATAGRAM_H_

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/address.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/io_op.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket_options.h"

namespace netpoll {

struct DatagramResult {
  std::size_t bytes = 0;
  SocketAddress from;
  // The datagram was longer than the buffer; the rest is lost.
  bool truncated = false;
  IoStatus status;

  bool ok() const { return status.ok(); }
};

namespace internal {

class ReceiveFromOp : public IoOp {
 public:
  ReceiveFromOp(FdState* fd, std::span<char> buffer)
      : IoOp(fd, Mode::kRead, &Attempt), buffer_(buffer) {}
  DatagramResult await_resume() const {
    return {bytes_, from_, truncated_, status_};
  }

 private:
  static bool Attempt(IoOp* op);
  std::span<char> buffer_;
  SocketAddress from_;
  bool truncated_ = false;
};

class SendToOp : public IoOp {
 public:
  SendToOp(FdState* fd, std::string_view data, const SocketAddress& to)
      : IoOp(fd, Mode::kWrite, &Attempt), data_(data), to_(to) {}
  IoResult await_resume() const { return result(); }

 private:
  static bool Attempt(IoOp* op);
  std::string_view data_;
  SocketAddress to_;
};

}  // namespace internal

// A datagram socket.
class DatagramSocket : public Descriptor {
 public:
  DatagramSocket() = default;

  static absl::StatusOr<DatagramSocket> Bind(Runtime& runtime,
                                             const SocketAddress& address,
                                             const BindOptions& options = {});

  // One datagram.
  internal::ReceiveFromOp ReceiveFrom(std::span<char> buffer) {
    return internal::ReceiveFromOp(state_, buffer);
  }
  internal::SendToOp SendTo(std::string_view data, const SocketAddress& to) {
    return internal::SendToOp(state_, data, to);
  }

  const SocketAddress& address() const { return address_; }

 private:
  DatagramSocket(Descriptor descriptor, SocketAddress address)
      : Descriptor(std::move(descriptor)), address_(address) {}

  SocketAddress address_;
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_DATAGRAM_H_
