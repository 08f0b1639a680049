// SPDX-License-Identifier: Apache-2.0
//
// The portable check before a descriptor is opened in a poller, so that every
// backend refuses the same ones with the same errno, and for the same reason.

#ifndef NETPOLL_BACKENDS_POSIX_CHECK_POLLABLE_H_
#define NETPOLL_BACKENDS_POSIX_CHECK_POLLABLE_H_

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#if __has_include(<sys/epoll.h>)
#include "netpoll/core/cpp20.h"

#include <sys/epoll.h>
#endif

namespace netpoll {

// 0 and null, or an errno and the reason in a few words (null: none but the
// errno's own).
struct PollableCheck {
  int error;
  const char* why;
};

// Whether something that is neither a file nor a socket or pipe has events at
// all. Linux has devices (/dev/null, /dev/zero) that poll(2) takes for always
// ready and epoll refuses: here nobody takes them.
inline PollableCheck ExamineEvents([[maybe_unused]] int fd) {
#if __has_include(<sys/epoll.h>)
  const int probe = ::epoll_create1(EPOLL_CLOEXEC);
  if (probe < 0) return {errno == ENOSYS ? 0 : errno, nullptr};
  epoll_event event{};
  const int refused = ::epoll_ctl(probe, EPOLL_CTL_ADD, fd, &event);
  const int error = refused != 0 ? errno : 0;
  ::close(probe);
  if (error == EPERM) {
    return {EPERM, "it has no events: it is always ready and can't be polled"};
  }
#endif
  return {0, nullptr};
}

// A device that is not set up (a tun device without an interface) or that has
// hung up (a terminal without its other end): some systems take it and report
// nothing but that, others refuse it.
inline bool NothingToWaitOn(int fd) {
  pollfd query{.fd = fd, .events = POLLIN | POLLOUT, .revents = 0};
  if (::poll(&query, 1, 0) != 1) return false;
  // POLLERR alone, or with POLLHUP. Bits are compared: the field's type
  // differs.
  constexpr int kOthers = POLLIN | POLLOUT | POLLPRI;
  const bool error = (query.revents & POLLERR) != 0;
  const bool hung_up = (query.revents & POLLHUP) != 0;
  return error && (hung_up || (query.revents & kOthers) == 0);
}

// 0, or: EBADF not an open descriptor, or one that only names a file (O_PATH);
// EINVAL in blocking mode (a read would block the thread, and no deadline could
// end it); EPERM a regular file, a directory, a block device, or a device that
// has no events (always ready, so never worth polling), or none now.
inline PollableCheck ExaminePollable(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0) {
    return {errno, errno == EBADF ? "it is not an open descriptor" : nullptr};
  }
#if defined(O_PATH)
  if ((flags & O_PATH) != 0) {
    return {EBADF, "it was opened with O_PATH, which only names a file"};
  }
#endif
  if ((flags & O_NONBLOCK) == 0) {
    return {EINVAL, "it is in blocking mode: set O_NONBLOCK first"};
  }
  struct stat info;
  if (::fstat(fd, &info) != 0) return {errno, nullptr};
  const mode_t mode = info.st_mode;
  if (S_ISREG(mode)) {
    return {EPERM, "a regular file is always ready and can't be polled"};
  }
  if (S_ISDIR(mode)) return {EPERM, "a directory can't be polled"};
  if (S_ISBLK(mode)) {
    return {EPERM, "a block device is always ready and can't be polled"};
  }
  if (S_ISSOCK(mode) || S_ISFIFO(mode)) return {0, nullptr};
  if (S_ISCHR(mode) && NothingToWaitOn(fd)) {
    return {EPERM, "the device is not set up or has hung up: it has no events"};
  }
  return ExamineEvents(fd);
}

inline int CheckPollableFd(int fd) { return ExaminePollable(fd).error; }

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_POSIX_CHECK_POLLABLE_H_
