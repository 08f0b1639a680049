// SPDX-License-Identifier: Apache-2.0
//
// The two ends that a scenario plays with on Windows: a TCP connection over the
// loopback, and the raw calls on them.
//
// What one end sends takes its time to the other. The pair keeps count, so that
// a call waits for what is on its way, and a scenario prints the same as on a
// pair that delivers at once.

#ifndef NETPOLL_TOOLS_WINDOWS_TCP_PAIR_H_
#define NETPOLL_TOOLS_WINDOWS_TCP_PAIR_H_

#include <cstddef>
#include <cstdint>

#include "netpoll/backends/iocp/windows_headers.h"
#include "netpoll/core/types.h"
#include "netpoll/tools/cli/scenario/socket_pair.h"

namespace netpoll::windows {

class TcpPair;

// One of a pair's ends; what the poller opens.
struct TcpEnd {
  TcpPair* pair;
  bool is_peer;

  operator Fd() const;  // NOLINT
};

class TcpPair {
 public:
  using CallResult = scenario::CallResult;

  TcpPair() = default;
  TcpPair(const TcpPair&) = delete;
  TcpPair& operator=(const TcpPair&) = delete;
  ~TcpPair();

  int Make();  // 0, or the errno.
  void ShutDownPeer();
  void ClosePeer();
  bool peer_closed() const { return peer_ == INVALID_SOCKET; }
  TcpEnd polled() { return {this, false}; }
  TcpEnd peer() { return {this, true}; }

  // One call that does not block; EBADF on a closed peer.
  CallResult Read(std::size_t size);
  CallResult Write(std::size_t size);
  CallResult PeerRead(std::size_t size);
  CallResult PeerWrite(std::size_t size);

  // 64 KiB at a time until a call fails or meets the end; what that returned.
  CallResult Fill();
  CallResult Drain();
  CallResult PeerDrain();

  // What tasks moved.
  void TaskHasRead(std::int64_t bytes) { read_ += bytes; }
  void TaskHasWritten(std::int64_t bytes) { written_ += bytes; }

  // Whether a read that is under way is certain to end.
  bool ReadIsDue() const { return peer_written_ > read_ || peer_ended_; }
  // The same of a write of `bytes`: what the peer has not read fits.
  bool WriteIsDue(std::int64_t bytes) const {
    return peer_closed() || written_ + bytes - peer_read_ <= kSurelyFits;
  }

 private:
  friend TcpEnd;

  static constexpr int kBuffer = 1 << 17;
  static constexpr std::int64_t kSurelyFits = 1 << 16;

  static SOCKET NewSocket();
  int MakeWith(SOCKET listener);

  SOCKET polled_ = INVALID_SOCKET;
  SOCKET peer_ = INVALID_SOCKET;
  bool peer_ended_ = false;
  // Bytes, since Make.
  std::int64_t read_ = 0;
  std::int64_t written_ = 0;
  std::int64_t peer_read_ = 0;
  std::int64_t peer_written_ = 0;
};

inline TcpEnd::operator Fd() const {
  return is_peer ? pair->peer_ : pair->polled_;
}

inline bool PeerClosed(const TcpPair& pair) { return pair.peer_closed(); }

// What a scenario plays with: see scenario::SystemSockets.
struct TcpSockets {
  using Pair = TcpPair;
  using CallResult = scenario::CallResult;

  static CallResult Read(TcpEnd end, std::size_t size) {
    return end.is_peer ? end.pair->PeerRead(size) : end.pair->Read(size);
  }
  static CallResult Write(TcpEnd end, std::size_t size) {
    return end.is_peer ? end.pair->PeerWrite(size) : end.pair->Write(size);
  }
  static CallResult ReadAll(TcpEnd end) {
    return end.is_peer ? end.pair->PeerDrain() : end.pair->Drain();
  }
  // Of the polled end.
  static CallResult WriteAll(TcpEnd end) { return end.pair->Fill(); }
  static std::int64_t Now();
};

}  // namespace netpoll::windows

#endif  // NETPOLL_TOOLS_WINDOWS_TCP_PAIR_H_
