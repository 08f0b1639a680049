// SPDX-License-Identifier: Apache-2.0
//
// How Socket::Connect connects, and how it is ended.

#ifndef NETPOLL_RUNTIME_CONNECT_H_
#define NETPOLL_RUNTIME_CONNECT_H_

#include "netpoll/core/concurrency.h"
#include "netpoll/core/deadline.h"
#include "netpoll/runtime/address.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/socket_options.h"

namespace netpoll {

// Ends the connects that it was given to: those under way, from any thread, and
// those to come. One object may serve many, one after the other or at a time.
//
//   ConnectCanceller cancel;
//   auto socket = co_await Socket::Connect(runtime, address,
//                                          {.cancel = &cancel});
//   ... meanwhile, elsewhere: cancel.Cancel();
//
// It must live until they have ended.
class ConnectCanceller {
 public:
  ConnectCanceller() = default;
  // One that ends with `parent`, too, which must outlive it; null: with none.
  explicit ConnectCanceller(ConnectCanceller* parent);
  ~ConnectCanceller();
  ConnectCanceller(const ConnectCanceller&) = delete;
  ConnectCanceller& operator=(const ConnectCanceller&) = delete;

  // Each ends with kCancelled; one that has connected by now has. Any number of
  // times; does not block.
  void Cancel();
  bool cancelled() const;

 private:
  friend class ConnectEntry;

  // A connect under way, in its frame; or a canceller below this one.
  struct Entry {
    internal::FdState* fd = nullptr;
    Entry* next = nullptr;
    ConnectCanceller* child = nullptr;
  };

  bool Enter(Entry* entry);
  void Leave(Entry* entry);

  mutable StdEnv::Lock lock_;
  bool cancelled_ = false;    // Guarded by lock_.
  Entry* entries_ = nullptr;  // Guarded by lock_.
  ConnectCanceller* parent_ = nullptr;
  Entry in_parent_;
};

struct ConnectOptions {
  // kDeadlineExceeded when it passes.
  Deadline deadline = {};
  // Null: nothing but the deadline and Runtime::Stop ends it.
  ConnectCanceller* cancel = nullptr;
  // Its own end; empty: as the system picks it. Port 0 picks a port.
  SocketAddress local = {};
  TcpOptions tcp = {};
  SocketBuffers buffers = {};
};

// For Socket::Connect: is entered while it lives.
class ConnectEntry {
 public:
  ConnectEntry(ConnectCanceller* canceller, internal::FdState* fd)
      : canceller_(canceller), entry_{fd, nullptr, nullptr} {
    cancelled_ = canceller_ != nullptr && !canceller_->Enter(&entry_);
  }
  ~ConnectEntry() {
    if (canceller_ != nullptr && !cancelled_) canceller_->Leave(&entry_);
  }
  ConnectEntry(const ConnectEntry&) = delete;
  ConnectEntry& operator=(const ConnectEntry&) = delete;

  bool cancelled() const { return cancelled_; }

 private:
  ConnectCanceller* canceller_;
  ConnectCanceller::Entry entry_;
  bool cancelled_;
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_CONNECT_H_
