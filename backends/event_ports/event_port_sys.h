// SPDX-License-Identifier: Apache-2.0
//
// The system calls of the event ports backend, one by one, so that a test can
// let each of them fail. Each returns a value >= 0, or -errno, which is read
// in the same expression: any other call may change it.

#ifndef NETPOLL_BACKENDS_EVENT_PORTS_EVENT_PORT_SYS_H_
#define NETPOLL_BACKENDS_EVENT_PORTS_EVENT_PORT_SYS_H_

#include <fcntl.h>
#include <port.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "netpoll/backends/posix/above_stdio.h"

namespace netpoll {

struct EventPortSys {
  static int Result(int value) { return value < 0 ? -errno : value; }

  static int Create() {
    return MadeAboveStdio([] { return Result(::port_create()); });
  }
  static int SetCloseOnExec(int port) {
    return Result(::fcntl(port, F_SETFD, FD_CLOEXEC));
  }
  static int Associate(int port, int fd, int events, std::uint64_t cookie) {
    return Result(::port_associate(port, PORT_SOURCE_FD, Object(fd), events,
                                   Pointer(cookie)));
  }
  static int Dissociate(int port, int fd) {
    return Result(::port_dissociate(port, PORT_SOURCE_FD, Object(fd)));
  }
  // `count`: in, how many to wait for; out, how many there are, also with
  // ETIME. Other errors leave it as it was. A null limit waits for ever.
  static int GetN(int port, port_event_t* events, unsigned size,
                  unsigned* count, timespec* limit) {
    return Result(::port_getn(port, events, size, count, limit));
  }
  // `events` 0 ends the alert.
  static int Alert(int port, int flags, int events, std::uint64_t cookie) {
    return Result(::port_alert(port, flags, events, Pointer(cookie)));
  }
  static void Close(int fd) { ::close(fd); }

 private:
  static_assert(sizeof(void*) == sizeof(std::uint64_t),
                "event ports carry a key in a pointer: build for 64 bits");

  static std::uintptr_t Object(int fd) {
    return static_cast<std::uintptr_t>(fd);
  }
  static void* Pointer(std::uint64_t cookie) {
    return reinterpret_cast<void*>(static_cast<std::uintptr_t>(cookie));
  }
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_EVENT_PORTS_EVENT_PORT_SYS_H_
