// SPDX-License-Identifier: Apache-2.0
//
// Listening stream sockets, TCP and Unix.

#ifndef NETPOLL_RUNTIME_LISTENER_H_
#define NETPOLL_RUNTIME_LISTENER_H_

#include <utility>

#include "absl/status/statusor.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/address.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/io_op.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/socket_options.h"
#include "netpoll/runtime/stream.h"

namespace netpoll {

class Runtime;

struct AcceptResult {
  Socket socket;
  IoStatus status;
  // Who connected, also if the connection has ended since (when PeerAddress()
  // knows it no more). `unix:(unnamed)` for Unix clients that were not bound.
  SocketAddress peer;

  bool ok() const { return status.ok(); }
};

namespace internal {

class AcceptOp : public IoOp {
 public:
  explicit AcceptOp(FdState* fd)
      : IoOp(fd, Mode::kRead, &Attempt),
        scheduler_(fd != nullptr ? &fd->scheduler : nullptr),
        short_reads_drain_(fd != nullptr && fd->short_reads_drain),
        messages_(fd != nullptr && fd->messages),
        no_delay_(fd != nullptr && fd->no_delay) {}
  AcceptResult await_resume();

 private:
  static bool Attempt(IoOp* op);
  bool AttemptByRing();  // In ring_attempts.cc.
  bool Plainly();
  Scheduler* scheduler_;
  bool short_reads_drain_;
  bool messages_;
  bool no_delay_;
  int accepted_ = -1;
  SocketAddress peer_;
};

}  // namespace internal

// A listening socket.
//
//   for (;;) {
//     AcceptResult accepted = co_await listener.Accept();
//     if (accepted.status.closing()) co_return;    closed, or the runtime stops
//     if (accepted.ok()) {
//       runtime.Spawn(Session(std::move(accepted.socket)));
//     } else if (!co_await runtime.Sleep(100ms)) { no descriptors left, say
//       co_return;
//     }
//   }
class Listener : public Descriptor {
 public:
  Listener() = default;

  // Binds and listens. Port 0 picks one: see address(). SO_REUSEADDR is set.
  // The error names the address and the errno: EADDRINUSE also if there is
  // anything under the name of a Unix address, EACCES, EADDRNOTAVAIL, ENOENT if
  // a Unix address's folder is missing. Does not block; a Unix address's folder
  // may be on a slow file system.
  static absl::StatusOr<Listener> Listen(Runtime& runtime,
                                         const SocketAddress& address,
                                         const ListenOptions& options = {});
  static absl::StatusOr<Listener> Listen(Runtime& runtime,
                                         const SocketAddress& address,
                                         int backlog);

  // Takes over a socket that listens already (of streams or SOCK_SEQPACKET),
  // non-blocking: from a service manager, another process, Detach. After an
  // error, which says why, it stays the caller's. kTakenOver: the file at
  // the path that it was bound to, as it is now, goes as FileOptions says.
  static absl::StatusOr<Listener> Adopt(Runtime& runtime, int fd,
                                        AdoptedFile file = AdoptedFile::kStays);

  // The next connection. TCP_NODELAY is set, unless ListenOptions says
  // otherwise. Connections that were aborted
  // while they waited are passed over (ECONNABORTED is never told). Any error
  // but "closing" concerns one try alone (EMFILE, ENFILE, ENOBUFS, ENOMEM; what
  // waits goes on waiting): wait a little, then accept again.
  internal::AcceptOp Accept() { return internal::AcceptOp(state_); }

  // Where it listens: with the port that the system picked. Known after it is
  // closed, too.
  const SocketAddress& address() const { return address_; }

 private:
  Listener(Descriptor descriptor, SocketAddress address)
      : Descriptor(std::move(descriptor)), address_(address) {}

  SocketAddress address_;
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_LISTENER_H_
