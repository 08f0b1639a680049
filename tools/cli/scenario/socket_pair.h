// SPDX-License-Identifier: Apache-2.0
//
// The two ends that a scenario plays with, and the raw system calls on them.

#ifndef NETPOLL_TOOLS_CLI_SCENARIO_SOCKET_PAIR_H_
#define NETPOLL_TOOLS_CLI_SCENARIO_SOCKET_PAIR_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace netpoll::scenario {

// A byte count, or -errno.
using CallResult = std::int64_t;

// "17", "again", "EPIPE".
std::string Describe(CallResult result);

// A non-blocking AF_UNIX stream pair. Closed ends are -1.
class SocketPair {
 public:
  SocketPair() = default;
  SocketPair(const SocketPair&) = delete;
  SocketPair& operator=(const SocketPair&) = delete;
  ~SocketPair();

  int Make();  // 0, or the errno.
  void ShutDownPeer();
  void ClosePeer();
  bool peer_closed() const { return peer_ < 0; }

  // One read(2) or write(2), begun again when a signal interrupts it.
  CallResult Read(std::size_t size);
  CallResult Write(std::size_t size);
  CallResult PeerRead(std::size_t size);
  CallResult PeerWrite(std::size_t size);

  // 64 KiB at a time until a call fails or meets the end; what that returned.
  CallResult Fill();
  CallResult Drain();
  CallResult PeerDrain();

  int polled() const { return polled_; }

 private:
  int polled_ = -1;
  int peer_ = -1;
};

}  // namespace netpoll::scenario

#endif  // NETPOLL_TOOLS_CLI_SCENARIO_SOCKET_PAIR_H_
