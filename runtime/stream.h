// SPDX-License-Identifier: Apache-2.0
//
// Stream sockets, TCP and Unix, over Descriptor.

#ifndef NETPOLL_RUNTIME_STREAM_H_
#define NETPOLL_RUNTIME_STREAM_H_

#include "absl/status/statusor.h"
#include "netpoll/core/delta.h"
#include "netpoll/runtime/address.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/io_status.h"
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

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_STREAM_H_
