// SPDX-License-Identifier: Apache-2.0
//
// Stream and datagram sockets, TCP/UDP and Unix, over Descriptor.

#ifndef NETPOLL_RUNTIME_SOCKET_H_
#define NETPOLL_RUNTIME_SOCKET_H_

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "netpoll/core/delta.h"
#include "netpoll/runtime/address.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/task.h"

namespace netpoll {

// A connected stream. TCP_NODELAY is set.
//
// After a short read a TCP stream that was made here (connected or accepted) is
// not tried again until the system reports news: one system call saved for each
// message. Adopt a socket below which something else ends reads short without
// news of the rest, such as kernel TLS: those are always tried.
class Socket : public Descriptor {
 public:
  using Descriptor::Descriptor;
  Socket() = default;

  // Connects; at most until `deadline`. kDeadlineExceeded, kCancelled (the
  // runtime stopped), or the errno's status.
  static Task<absl::StatusOr<Socket>> Connect(Runtime& runtime,
                                              SocketAddress address,
                                              Deadline deadline = {});

  // Two connected Unix stream sockets.
  struct Ends;
  static absl::StatusOr<Ends> Pair(Runtime& runtime);

  // Takes over a connected non-blocking socket.
  static absl::StatusOr<Socket> Adopt(Runtime& runtime, int fd);

  // The peer reads the end of the stream after what was written. Does not
  // block.
  IoStatus ShutdownWrite();

  absl::StatusOr<SocketAddress> LocalAddress() const;
  absl::StatusOr<SocketAddress> PeerAddress() const;
};

struct Socket::Ends {
  Socket first;
  Socket second;
};

struct AcceptResult {
  Socket socket;
  IoStatus status;

  bool ok() const { return status.ok(); }
};

namespace internal {

class AcceptOp : public IoOp {
 public:
  explicit AcceptOp(FdState* fd)
      : IoOp(fd, Mode::kRead, &Attempt),
        runtime_(fd != nullptr ? &fd->runtime : nullptr),
        short_reads_drain_(fd != nullptr && fd->short_reads_drain) {}
  AcceptResult await_resume();

 private:
  static bool Attempt(IoOp* op);
  Runtime* runtime_;
  bool short_reads_drain_;
  int accepted_ = -1;
};

struct DatagramResult {
  std::size_t bytes = 0;
  SocketAddress from;
  // The datagram was longer than the buffer; the rest is lost.
  bool truncated = false;
  IoStatus status;

  bool ok() const { return status.ok(); }
};

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

// A listening stream socket. A Unix listener removes its file when destroyed.
class Listener : public Descriptor {
 public:
  Listener() = default;
  Listener(Listener&&) = default;
  Listener& operator=(Listener&&) = default;
  ~Listener();

  // Binds and listens. Port 0 picks one: see address(). SO_REUSEADDR is set.
  static absl::StatusOr<Listener> Listen(Runtime& runtime,
                                         const SocketAddress& address,
                                         int backlog = 4096);

  // Aborted connections are passed over. EMFILE and ENFILE come back as they
  // are: wait a little before the next try.
  internal::AcceptOp Accept() { return internal::AcceptOp(state_); }

  const SocketAddress& address() const { return address_; }

 private:
  Listener(Descriptor descriptor, SocketAddress address)
      : Descriptor(std::move(descriptor)), address_(address) {}

  SocketAddress address_;
};

// A datagram socket.
class DatagramSocket : public Descriptor {
 public:
  DatagramSocket() = default;

  static absl::StatusOr<DatagramSocket> Bind(Runtime& runtime,
                                             const SocketAddress& address);

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

#endif  // NETPOLL_RUNTIME_SOCKET_H_
