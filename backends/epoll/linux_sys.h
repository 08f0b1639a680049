// SPDX-License-Identifier: Apache-2.0
//
// The system calls of the epoll backend, one by one, so that a test can let
// each of them fail. Each returns a value >= 0, or -errno.

#ifndef NETPOLL_BACKENDS_EPOLL_LINUX_SYS_H_
#define NETPOLL_BACKENDS_EPOLL_LINUX_SYS_H_

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "netpoll/backends/posix/above_stdio.h"

namespace netpoll {

struct LinuxSys {
  static int Result(long value) {
    return value < 0 ? -errno : static_cast<int>(value);
  }

  static int EpollCreate() {
    return Result(AboveStdio(::epoll_create1(EPOLL_CLOEXEC)));
  }
  static int EventFd() {
    return Result(AboveStdio(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)));
  }
  static int EpollCtl(int epoll, int op, int fd, epoll_event* event) {
    return Result(::epoll_ctl(epoll, op, fd, event));
  }
  static int EpollWait(int epoll, epoll_event* events, int size, int millis) {
    return Result(::epoll_wait(epoll, events, size, millis));
  }
  // -ENOSYS before Linux 5.11, and where a seccomp filter does not know it.
  static int EpollPwait2(int epoll, epoll_event* events, int size,
                         const timespec* limit) {
#if defined(SYS_epoll_pwait2) && defined(__LP64__)
    return Result(::syscall(SYS_epoll_pwait2, epoll, events, size, limit,
                            nullptr, std::size_t{0}));
#else
    (void)epoll, (void)events, (void)size, (void)limit;
    return -ENOSYS;
#endif
  }
  static int Read8(int fd, std::uint64_t* value) {
    return Result(::read(fd, value, sizeof(*value)));
  }
  static int Write8(int fd, std::uint64_t value) {
    return Result(::write(fd, &value, sizeof(value)));
  }
  static void Close(int fd) { ::close(fd); }
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_EPOLL_LINUX_SYS_H_
