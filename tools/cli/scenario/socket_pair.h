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

// One read(2) or write(2) on `fd`, begun again when a signal interrupts it.
CallResult Read(int fd, std::size_t size);
CallResult Write(int fd, std::size_t size);

// Reads or writes 64 KiB at a time until a call fails or meets the end; what
// that call returned.
CallResult ReadAll(int fd);
CallResult WriteAll(int fd);

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

  int polled() const { return polled_; }
  int peer() const { return peer_; }

 private:
  int polled_ = -1;
  int peer_ = -1;
};

// What a scenario plays with: the descriptors, the calls on them and the time.
// A test has others.
struct SystemSockets {
  using Pair = SocketPair;

  static CallResult Read(int fd, std::size_t size) {
    return scenario::Read(fd, size);
  }
  static CallResult Write(int fd, std::size_t size) {
    return scenario::Write(fd, size);
  }
  static CallResult ReadAll(int fd) { return scenario::ReadAll(fd); }
  static CallResult WriteAll(int fd) { return scenario::WriteAll(fd); }
  // Nanoseconds of the clock that polls wait by.
  static std::int64_t Now();
};

}  // namespace netpoll::scenario

#endif  // NETPOLL_TOOLS_CLI_SCENARIO_SOCKET_PAIR_H_
