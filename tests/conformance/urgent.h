// SPDX-License-Identifier: Apache-2.0
//
// Urgent data of TCP. Which byte it is that the urgent pointer marks, the one
// before it or the one that it points to (RFC 1122), is a setting of the
// system: net.ipv4.tcp_stdurg. A sender marks the place behind the last byte of
// his, so with the setting on that byte is an ordinary one, and the next one
// that anybody sends is taken out of the stream.

#ifndef NETPOLL_TESTS_CONFORMANCE_URGENT_H_
#define NETPOLL_TESTS_CONFORMANCE_URGENT_H_

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>

#include "gtest/gtest.h"

namespace netpoll::conformance {

// Of this network namespace. Where there is no such setting: no.
inline bool TheByteAfterTheMarkIsUrgent() {
  int on = 0;
  std::ifstream("/proc/sys/net/ipv4/tcp_stdurg") >> on;
  return on != 0;
}

// `receiver` gets one urgent byte and nothing else. Returns when it is there.
inline void SendOnlyAnUrgentByte(int sender, int receiver) {
  ASSERT_EQ(::send(sender, "!", 1, MSG_OOB), 1);
  if (TheByteAfterTheMarkIsUrgent()) {
    ASSERT_EQ(::send(sender, "!", 1, 0), 1);
  }
  pollfd urgent{.fd = receiver, .events = POLLPRI, .revents = 0};
  ASSERT_EQ(::poll(&urgent, 1, 10'000), 1);
  char byte;
  if (TheByteAfterTheMarkIsUrgent()) {
    ASSERT_EQ(::read(receiver, &byte, 1), 1);
  }
}

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_URGENT_H_
