// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tests/shims/kqueue/files.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>

namespace netpoll::shim {
namespace {

struct OwnFiles {
  int readable = ::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
  // The other number. Between uses it names the same file.
  int other = ::fcntl(readable, F_DUPFD_CLOEXEC, 0);
  std::mutex mutex;  // While `other` names something else.
};

OwnFiles& Own() {
  static OwnFiles& files = *new OwnFiles;
  return files;
}

// dup3 that also works beyond RLIMIT_NOFILE: a real kqueue would need no
// descriptor.
int Rename(int fd, int number) {
  if (::dup3(fd, number, O_CLOEXEC) >= 0) return 0;
  rlimit before{};
  if (errno != EBADF || ::getrlimit(RLIMIT_NOFILE, &before) != 0 ||
      before.rlim_cur > static_cast<rlim_t>(number)) {
    return errno;
  }
  rlimit enough = before;
  enough.rlim_cur = static_cast<rlim_t>(number) + 1;
  ::setrlimit(RLIMIT_NOFILE, &enough);
  const int error = ::dup3(fd, number, O_CLOEXEC) >= 0 ? 0 : errno;
  ::setrlimit(RLIMIT_NOFILE, &before);
  return error;
}

// Before any test counts descriptors.
[[maybe_unused]] const OwnFiles& made_early = Own();

}  // namespace

int AlwaysReadable() { return Own().readable; }

int Control(int epoll, int op, int fd, epoll_event* event) {
  return ::epoll_ctl(epoll, op, fd, event) == 0 ? 0 : errno;
}

int ControlUnderOtherNumber(int epoll, int op, int fd, epoll_event* event) {
  OwnFiles& own = Own();
  const std::lock_guard<std::mutex> hold(own.mutex);
  if (const int error = Rename(fd, own.other); error != 0) return error;
  const int error = Control(epoll, op, own.other, event);
  Rename(own.readable, own.other);
  return error;
}

bool IsOpen(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

bool IsFifo(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && S_ISFIFO(info.st_mode);
}

bool IsEndedPipe(int fd) {
  pollfd asked{.fd = fd, .events = 0, .revents = 0};
  return IsFifo(fd) && ::poll(&asked, 1, 0) == 1 &&
         (asked.revents & (POLLERR | POLLHUP)) != 0;
}

bool IsOtherEnd(int fd, bool reading) {
  const int mode = ::fcntl(fd, F_GETFL) & O_ACCMODE;
  return IsFifo(fd) && mode == (reading ? O_WRONLY : O_RDONLY);
}

std::intptr_t Readable(int fd) {
  int listens = 0;
  socklen_t size = sizeof(listens);
  if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 &&
      listens != 0) {
    return 1;
  }
  int count = 0;
  return ::ioctl(fd, FIONREAD, &count) == 0 ? count : 0;
}

std::intptr_t Room(int fd) {
  int used = 0;
  if (IsFifo(fd)) {
    const int size = ::fcntl(fd, F_GETPIPE_SZ);
    return ::ioctl(fd, FIONREAD, &used) == 0 && used < size ? size - used : 0;
  }
  int size = 0;
  socklen_t length = sizeof(size);
  const bool known =
      ::getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, &length) == 0 &&
      ::ioctl(fd, SIOCOUTQ, &used) == 0;
  return known && used < size ? size - used : 0;
}

}  // namespace netpoll::shim
