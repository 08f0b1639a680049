// SPDX-License-Identifier: Apache-2.0
//
// The system calls of the kqueue backend, one by one, so that a test can let
// each of them fail. Each returns a value >= 0, or -errno.

#ifndef NETPOLL_BACKENDS_KQUEUE_KQUEUE_SYS_H_
#define NETPOLL_BACKENDS_KQUEUE_KQUEUE_SYS_H_

#include <fcntl.h>
#include <sys/types.h>
// After sys/types.h, which some systems' version needs.
#include <sys/event.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "netpoll/backends/posix/above_stdio.h"
#include "netpoll/backends/posix/wake_pipe.h"

namespace netpoll {

struct KqueueSys {
  static int Result(long value) {
    return value < 0 ? -errno : static_cast<int>(value);
  }

  static int Kqueue() {
    return MadeAboveStdio([] { return Result(::kqueue()); });
  }
  static int Kevent(int kq, const struct kevent* changes, int change_count,
                    struct kevent* events, int size, const timespec* limit) {
    return Result(::kevent(kq, changes, change_count, events, size, limit));
  }
  static int Pipe(int* ends) { return MakePipe(ends); }
  static int Fcntl(int fd, int command, int argument) {
    return Result(::fcntl(fd, command, argument));
  }
  static int Read(int fd, void* buffer, std::size_t size) {
    return Result(::read(fd, buffer, size));
  }
  static int Write(int fd, const void* data, std::size_t size) {
    return Result(::write(fd, data, size));
  }
  static void Close(int fd) { ::close(fd); }
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_KQUEUE_KQUEUE_SYS_H_
