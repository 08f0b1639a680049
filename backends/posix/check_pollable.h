// SPDX-License-Identifier: Apache-2.0
//
// The portable check before a descriptor is opened in a poller, so that every
// backend refuses the same ones with the same errno.

#ifndef NETPOLL_BACKENDS_POSIX_CHECK_POLLABLE_H_
#define NETPOLL_BACKENDS_POSIX_CHECK_POLLABLE_H_

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

namespace netpoll {

// 0, or: EBADF not an open descriptor; EINVAL in blocking mode (a read would
// block the thread, and no deadline could end it); EPERM a regular file or a
// directory (always ready, so never worth polling).
inline int CheckPollableFd(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0) return errno;
  if ((flags & O_NONBLOCK) == 0) return EINVAL;
  struct stat info;
  if (::fstat(fd, &info) != 0) return errno;
  if (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode)) return EPERM;
  return 0;
}

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_POSIX_CHECK_POLLABLE_H_
