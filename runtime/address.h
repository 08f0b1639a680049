// SPDX-License-Identifier: Apache-2.0
//
// Socket addresses: IPv4, IPv6 and Unix.

#ifndef NETPOLL_RUNTIME_ADDRESS_H_
#define NETPOLL_RUNTIME_ADDRESS_H_

#include <sys/socket.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace netpoll {

class SocketAddress {
 public:
  SocketAddress() = default;  // AF_UNSPEC.

  // "127.0.0.1:80", "[::1]:80", "localhost:80" (127.0.0.1), ":80" (every
  // IPv4 interface), "unix:PATH", "unix:@NAME" (abstract). Names other than
  // localhost are not looked up: that would block.
  static absl::StatusOr<SocketAddress> Parse(absl::string_view text);

  // The form that Parse reads.
  std::string ToString() const;

  int family() const { return storage_.ss_family; }
  bool is_unix() const { return family() == AF_UNIX; }
  // The file of a Unix address; empty if there is none.
  std::string unix_path() const;

  const sockaddr* data() const {
    return reinterpret_cast<const sockaddr*>(&storage_);
  }
  sockaddr* data() { return reinterpret_cast<sockaddr*>(&storage_); }
  socklen_t size() const { return size_; }
  // For calls that write the address: the room, and then the size.
  socklen_t* mutable_size() { return &size_; }
  static constexpr socklen_t kCapacity = sizeof(sockaddr_storage);

 private:
  static absl::StatusOr<SocketAddress> ParseUnix(absl::string_view path);

  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_ADDRESS_H_
