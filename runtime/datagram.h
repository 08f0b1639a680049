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
#include "netpoll/runtime/socket_options.h"

namespace netpoll {

class Runtime;

// A datagram that was received, or why none was.
struct [[nodiscard]] DatagramResult {
  // How much of it is in the buffer. 0 is a datagram of no bytes, if ok().
  std::size_t bytes = 0;
  // Who sent it. `unix:(unnamed)` for a Unix socket that was not bound: there
  // is no answering it.
  SocketAddress from;
  // The datagram was longer than the buffer; the rest is lost.
  bool truncated = false;
  // No datagram, but the end: the peer of a SOCK_SEQPACKET socket has closed or
  // shut down, and all that it sent was received, but for messages of no bytes
  // right before the end. UDP and Unix datagrams have none, unless this side
  // called shutdown().
  bool end = false;
  IoStatus status;

  bool ok() const { return status.ok(); }
};

// A place in a batch to be received.
struct IncomingDatagram {
  std::span<char> buffer;  // By the caller.
  // What came, if it is one of the first BatchResult::count:
  std::size_t bytes = 0;
  SocketAddress from;
  bool truncated = false;
};

// One of a batch to be sent.
struct OutgoingDatagram {
  std::string_view data;
  SocketAddress to;  // Empty: to whom the socket is connected.
};

// How many datagrams were moved, and how it ended. Both may be set: what was
// sent before an error is sent.
struct [[nodiscard]] BatchResult {
  std::size_t count = 0;
  IoStatus status;

  bool ok() const { return status.ok(); }
};

namespace internal {

class ReceiveBatchOp : public IoOp {
 public:
  ReceiveBatchOp(FdState* fd, std::span<IncomingDatagram> batch, int family)
      : IoOp(fd, Mode::kRead, &Attempt), batch_(batch), family_(family) {
    never_blocks_ = batch.empty();
  }
  BatchResult await_resume() const { return {count_, result().status}; }

 private:
  static bool Attempt(IoOp* op);
  std::span<IncomingDatagram> batch_;
  int family_;
  std::size_t count_ = 0;
};

class SendBatchOp : public IoOp {
 public:
  SendBatchOp(FdState* fd, std::span<const OutgoingDatagram> batch)
      : IoOp(fd, Mode::kWrite, &Attempt), batch_(batch) {}
  BatchResult await_resume() const { return {count_, result().status}; }

 private:
  static bool Attempt(IoOp* op);
  std::span<const OutgoingDatagram> batch_;
  std::size_t count_ = 0;
};

class ReceiveFromOp : public IoOp {
 public:
  // `family`: the socket's.
  ReceiveFromOp(FdState* fd, std::span<char> buffer, int family)
      : IoOp(fd, Mode::kRead, &Attempt), buffer_(buffer), family_(family) {}
  DatagramResult await_resume() const {
    return {bytes_, from_, truncated_, end_, status_};
  }

 private:
  static bool Attempt(IoOp* op);
  std::span<char> buffer_;
  int family_;
  SocketAddress from_;
  bool truncated_ = false;
  bool end_ = false;
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

// A socket of datagrams: UDP, Unix, or (adopted) any other whose messages keep
// their borders. Read, Write and the like work as well, for one datagram each,
// on a socket that is connected.
class DatagramSocket : public Descriptor {
 public:
  DatagramSocket() = default;

  // A socket with an address, for whoever sends to it. Port 0 picks one: see
  // address(). The error names the address and the errno. Does not block; a
  // Unix address's folder may be on a slow file system.
  static absl::StatusOr<DatagramSocket> Bind(Runtime& runtime,
                                             const SocketAddress& address,
                                             const BindOptions& options = {});

  // A socket that sends to `peer`, and receives from it alone. `local` is its
  // own address; if that is empty the system picks one, for a Unix socket none
  // (`unix:(unnamed)` picks an abstract name, so that the peer can answer).
  //
  // That the peer isn't there is told by the next operation after a datagram
  // was sent (UDP), once, or by Connect and by sending (Unix): ECONNREFUSED.
  // The socket stays good.
  static absl::StatusOr<DatagramSocket> Connect(
      Runtime& runtime, const SocketAddress& peer,
      const SocketAddress& local = {}, const BindOptions& options = {});

  // Takes over a non-blocking socket of messages: datagrams or a connected
  // SOCK_SEQPACKET, bound or not. After an error, which says why, it stays the
  // caller's.
  static absl::StatusOr<DatagramSocket> Adopt(Runtime& runtime, int fd);

  // One datagram, whatever its length: DatagramResult. With an empty buffer, it
  // is taken and lost.
  internal::ReceiveFromOp ReceiveFrom(std::span<char> buffer) {
    return internal::ReceiveFromOp(state_, buffer, address_.family());
  }
  // All of `data` as one datagram, also if that is empty, or an error:
  // EMSGSIZE, it is too long; ECONNREFUSED, ENOENT, nobody is there (Unix).
  // `to` empty: to whom the socket is connected, else EDESTADDRREQ or ENOTCONN.
  // Whether a connected socket may send to others is the system's to say
  // (EISCONN).
  internal::SendToOp SendTo(std::string_view data, const SocketAddress& to) {
    return internal::SendToOp(state_, data, to);
  }

  // As many datagrams as are there, at least one and at most as many as there
  // are places: one system call for up to 64.
  internal::ReceiveBatchOp ReceiveBatch(std::span<IncomingDatagram> batch) {
    return internal::ReceiveBatchOp(state_, batch, address_.family());
  }
  // All of them, in order, or why not: the first `count` were sent, and the
  // error is that of the next.
  internal::SendBatchOp SendBatch(std::span<const OutgoingDatagram> batch) {
    return internal::SendBatchOp(state_, batch);
  }

  // --- Multicast ------------------------------------------------------------
  //
  // To hear a group, bind to its port (BindOptions::reuse_address shares it),
  // and join: `group` names it, its port doesn't count. `interface`: a number
  // (if_nametoindex), 0: as the system's routes say; 1 most often is the
  // loopback. Do not block. An error names the group and the errno: EINVAL, it
  // is none; ENODEV, no such interface, or no route; EADDRINUSE, joined
  // already; EADDRNOTAVAIL, it was not joined.
  absl::Status JoinGroup(const SocketAddress& group, unsigned interface = 0);
  absl::Status LeaveGroup(const SocketAddress& group, unsigned interface = 0);
  // Of what this socket sends to groups.
  absl::Status SetMulticast(const MulticastOptions& options);

  // Its own, as the system said when it was made.
  const SocketAddress& address() const { return address_; }

 private:
  DatagramSocket(Descriptor descriptor, SocketAddress address)
      : Descriptor(std::move(descriptor)), address_(address) {}

  SocketAddress address_;
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_DATAGRAM_H_
