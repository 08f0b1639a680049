// SPDX-License-Identifier: Apache-2.0
//
// A stream socket pair as plain data: bytes in each direction, finite buffers,
// the peer's shutdown and close. One end is polled; what its peer does to it is
// an edge.
//
// It answers as Linux's AF_UNIX streams do wherever a portable script asks (see
// script.h). A buffer that was full takes nothing until three quarters of it
// are free again.

#ifndef NETPOLL_TESTS_DIFFERENTIAL_SOCKET_MODEL_H_
#define NETPOLL_TESTS_DIFFERENTIAL_SOCKET_MODEL_H_

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "netpoll/core/types.h"

namespace netpoll::differential {

class SocketModel {
 public:
  // Raw calls on the polled end: a byte count, or -errno.
  std::int64_t Read(std::int64_t size) {
    if (in_.bytes > 0) return in_.Take(size);
    if (std::exchange(reset_, false)) return -ECONNRESET;
    return peer_ended_ ? 0 : -EAGAIN;
  }
  std::int64_t Write(std::int64_t size) {
    return peer_closed_ ? -EPIPE : out_.Put(size);
  }

  // The same on the peer.
  std::int64_t PeerRead(std::int64_t size) {
    if (peer_closed_) return -EBADF;
    if (out_.bytes == 0) return -EAGAIN;
    const bool was_full = out_.full;
    const std::int64_t taken = out_.Take(size);
    if (was_full && !out_.full) edges_ |= 2;
    return taken;
  }
  std::int64_t PeerWrite(std::int64_t size) {
    if (peer_closed_) return -EBADF;
    if (peer_ended_) return -EPIPE;
    const std::int64_t put = in_.Put(size);
    if (put > 0) edges_ |= 1;
    return put;
  }

  void ShutDownPeer() {
    peer_ended_ = true;
    edges_ |= 1;
  }
  // With bytes of ours unread the connection is reset.
  void ClosePeer() {
    reset_ = out_.bytes > 0;
    peer_ended_ = true;
    peer_closed_ = true;
    edges_ |= 3;
  }

  // Whether a call on the polled end would do something.
  bool CanRead() const { return in_.bytes > 0 || peer_ended_; }
  bool CanWrite() const { return !out_.full || peer_closed_; }

  bool peer_closed() const { return peer_closed_; }
  bool peer_ended() const { return peer_ended_; }
  bool full() const { return out_.full; }
  std::int64_t unread_by_peer() const { return out_.bytes; }

  // What has become ready since the last call, as bits of Mode. Both at first:
  // whoever registers the end hears what is ready then.
  unsigned TakeEdges() {
    const unsigned can = (CanRead() ? 1u : 0u) | (CanWrite() ? 2u : 0u);
    return std::exchange(edges_, 0u) & can;
  }

 private:
  struct Pipe {
    static constexpr std::int64_t kCapacity = 200'000;
    std::int64_t bytes = 0;
    bool full = false;

    std::int64_t Put(std::int64_t size) {
      if (full) return -EAGAIN;
      const std::int64_t put = std::min(size, kCapacity - bytes);
      bytes += put;
      full = bytes == kCapacity;
      return put;
    }
    std::int64_t Take(std::int64_t size) {
      const std::int64_t taken = std::min(size, bytes);
      bytes -= taken;
      if (bytes <= kCapacity / 4) full = false;
      return taken;
    }
  };

  Pipe in_;
  Pipe out_;
  bool peer_ended_ = false;
  bool peer_closed_ = false;
  bool reset_ = false;
  unsigned edges_ = 3;
};

}  // namespace netpoll::differential

#endif  // NETPOLL_TESTS_DIFFERENTIAL_SOCKET_MODEL_H_
