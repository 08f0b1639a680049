// SPDX-License-Identifier: Apache-2.0
//
// Stream sockets, TCP and Unix, over Descriptor.

#ifndef NETPOLL_RUNTIME_STREAM_H_
#define NETPOLL_RUNTIME_STREAM_H_

#include "absl/status/statusor.h"
#include "netpoll/core/deadline.h"
#include "netpoll/runtime/address.h"
#include "netpoll/runtime/connect.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/task.h"

namespace netpoll {

class Runtime;

// A connected stream. TCP_NODELAY is set, unless options say otherwise.
//
// After a short read a TCP stream that was made here (connected or accepted) is
// not tried again until the system reports news: one system call saved for each
// message. Adopt a socket below which something else ends reads short without
// news of the rest, such as kernel TLS: those are always tried.
class Socket : public Descriptor {
 public:
  using Descriptor::Descriptor;
  Socket() = default;

  // Connects. The error names the address, and is the errno's (ECONNREFUSED,
  // ENOENT, EADDRNOTAVAIL, EMFILE), or how it was ended: kDeadlineExceeded when
  // the deadline has passed, also if that was before, kCancelled by a
  // ConnectCanceller or because the runtime stops.
  //
  // A connect to a port of this host where nobody listens may be given the same
  // port for its own end, and so connects to itself. That is noticed: it tries
  // again, twice, and then is ECONNREFUSED. (Go keeps such a connection in the
  // end.)
  static Task<absl::StatusOr<Socket>> Connect(Runtime& runtime,
                                              SocketAddress address,
                                              ConnectOptions options);
  static Task<absl::StatusOr<Socket>> Connect(Runtime& runtime,
                                              SocketAddress address,
                                              Deadline deadline = {}) {
    return Connect(runtime, address, ConnectOptions{.deadline = deadline});
  }

  // Two connected Unix stream sockets. They have no name.
  struct Ends;
  static absl::StatusOr<Ends> Pair(Runtime& runtime);

  // Takes over a connected non-blocking socket; of messages too, see
  // Descriptor. After an error, which says why (not connected, not yet or no
  // longer; it listens; no socket; blocking; open already), it stays the
  // caller's.
  static absl::StatusOr<Socket> Adopt(Runtime& runtime, int fd);

  // The peer reads the end of the stream after what was written. Does not
  // block. "closing", EBADF of an empty handle, or the errno: ENOTCONN if the
  // peer has reset the connection.
  IoStatus ShutdownWrite();

  // The system's: of a peer that has reset the connection ENOTCONN, which is
  // why Accept tells it. kCancelled once closed; EBADF of an empty handle.
  absl::StatusOr<SocketAddress> LocalAddress() const;
  absl::StatusOr<SocketAddress> PeerAddress() const;
};

struct Socket::Ends {
  Socket first;
  Socket second;
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_STREAM_H_
