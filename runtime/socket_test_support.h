// SPDX-License-Identifier: Apache-2.0
//
// For tests of sockets: addresses, blocking clients, and what errors say.

#ifndef NETPOLL_RUNTIME_SOCKET_TEST_SUPPORT_H_
#define NETPOLL_RUNTIME_SOCKET_TEST_SUPPORT_H_

#include <sys/socket.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "netpoll/runtime/address.h"

namespace netpoll {

inline SocketAddress Parse(absl::string_view text) {
  const auto address = SocketAddress::Parse(text);
  EXPECT_TRUE(address.ok()) << address.status();
  return address.ok() ? *address : SocketAddress();
}

// Any port of it.
inline SocketAddress Loopback() { return Parse("127.0.0.1:0"); }

// How the sentence begins; what the errno means follows.
inline void ExpectSays(const absl::Status& status, const std::string& begin) {
  EXPECT_TRUE(absl::StartsWith(status.message(), begin)) << status;
}

// A blocking client, connected; bound to `own` first, unless that is empty.
inline int Client(const SocketAddress& to, const SocketAddress& own = {}) {
  const int fd = ::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_TRUE(own.size() == 0 || ::bind(fd, own.data(), own.size()) == 0);
  EXPECT_EQ(::connect(fd, to.data(), to.size()), 0);
  return fd;
}

// As getsockname(2) says.
inline SocketAddress NameOf(int fd) {
  SocketAddress name;
  *name.mutable_size() = SocketAddress::kCapacity;
  EXPECT_EQ(::getsockname(fd, name.data(), name.mutable_size()), 0);
  return name;
}

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_SOCKET_TEST_SUPPORT_H_
