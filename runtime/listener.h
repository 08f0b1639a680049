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
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/stream.h"

namespace netpoll {

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

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_LISTENER_H_
