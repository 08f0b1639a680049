// SPDX-License-Identifier: Apache-2.0
//
// A client of an echo server, for tests that count what its connection takes.

#ifndef NETPOLL_TESTS_INTEGRATION_ECHO_CLIENT_H_
#define NETPOLL_TESTS_INTEGRATION_ECHO_CLIENT_H_

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "netpoll/runtime/address.h"

namespace netpoll {

// Connects, and sees one byte come back: the session is there, and waits.
inline int EchoClient(const SocketAddress& address) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(::connect(fd, address.data(), address.size()), 0);
  char byte = 'x';
  EXPECT_EQ(::write(fd, &byte, 1), 1);
  EXPECT_EQ(::read(fd, &byte, 1), 1);
  return fd;
}

}  // namespace netpoll

#endif  // NETPOLL_TESTS_INTEGRATION_ECHO_CLIENT_H_
