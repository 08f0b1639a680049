// SPDX-License-Identifier: Apache-2.0
//
// Keeps what the library makes for itself off the numbers 0, 1 and 2. A program
// may be started with standard input, output or error closed; a socket that
// took such a number would get what is printed there, or be closed with it.

#ifndef NETPOLL_BACKENDS_POSIX_ABOVE_STDIO_H_
#define NETPOLL_BACKENDS_POSIX_ABOVE_STDIO_H_

#include "netpoll/core/cpp20.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace netpoll {

inline constexpr int kLastStdioFd = 2;

// Takes what a system call has just made, and says under which number it is to
// be used: the same above 2, a close-on-exec duplicate above 2 otherwise. A
// negative `fd` is handed on, errno as it was; -1 with errno (EMFILE) when
// there is no number left, and then `fd` is closed. For example
//   const int fd = AboveStdio(::socket(...));
inline int AboveStdio(int fd) {
  if (fd < 0 || fd > kLastStdioFd) return fd;
  const int above = ::fcntl(fd, F_DUPFD_CLOEXEC, kLastStdioFd + 1);
  // EINVAL: the limit of descriptors is no higher than that.
  const int error = errno == EINVAL ? EMFILE : errno;
  ::close(fd);
  errno = error;
  return above;
}

// The same for both ends of a pipe or a pair. `result` is what the call that
// made them returned, and is handed on if it is not 0; -1 with errno when there
// is no number left, and then both are closed. For example
//   if (BothAboveStdio(::pipe2(ends, flags), ends) != 0) ...
inline int BothAboveStdio(int result, int* ends) {
  if (result != 0) return result;
  ends[0] = AboveStdio(ends[0]);
  int error = errno;
  if (ends[0] >= 0) {
    ends[1] = AboveStdio(ends[1]);
    if (ends[1] >= 0) return 0;
    error = errno;
    ::close(ends[0]);
  } else {
    ::close(ends[1]);
  }
  errno = error;
  return -1;
}

// For what must not be duplicated: calls `make` again while it holds the low
// numbers, then closes those. `make` returns a descriptor or a negative errno,
// and so does this.
template <class Make>
int MadeAboveStdio(Make make) {
  const int fd = make();
  if (fd < 0 || fd > kLastStdioFd) return fd;
  const int above = MadeAboveStdio(make);
  ::close(fd);
  return above;
}

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_POSIX_ABOVE_STDIO_H_
