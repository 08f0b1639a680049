// SPDX-License-Identifier: Apache-2.0
//
// The system as the runtime sees it: the clock, threads, and the system calls
// on descriptors, names and signals. One table of plain functions, so that a
// test can count each call, make it fail, or be the system itself. Nothing else
// of runtime/ calls the system or reads a clock (the lint's rule sys_seam).
// Beside it there are two other seams: the backends' calls, which wait for
// events, and core's Env, by whose Parker workers sleep.
//
// What a simulation of the system must give:
//
// Calls. What is listed below, alike for all threads, errno included. What is a
// descriptor here is one for the backend too. A call may move fewer bytes than
// it was asked for.
//
// Clock. now() is above 0, in nanoseconds, never goes back, and is the same for
// all threads. The backend's waits end by it: a Poll until T that nothing else
// ends returns when now() says T, and not before. Nothing else measures time; a
// call takes as much as now() says that it took.
//
// Blocking. Descriptors are non-blocking, and no call waits but for
//   thread_join  until the thread has returned
//   close        of a socket with SO_LINGER and a time, in a thread of its own
//   sendfile     while the file's bytes are read from its device
//   poll         of no descriptor: sleeps, until such threads have ended
//   those of files and of hosts' names, in threads of a BlockingPool
// With one worker there are no other threads than those of closes: whoever
// simulates then decides alone what happens next.
//
// Signals. What moves bytes, accept4 and poll may be interrupted: -1 and EINTR,
// and nothing was done. They are called again at once. A connect that is
// interrupted goes on, but one of a Unix socket has not begun; a close has been
// done. Writes to what is no socket hold SIGPIPE back: thread_sigmask,
// sigpending, sigtimedwait.
//
// Failures. Each call may fail with any errno of its own page at any time, and
// whoever awaits the operation is told. thread_create and thread_join return
// theirs. These do not fail: now, thread_join, thread_sigmask, sigpending,
// getpid, processors. Of the failure of these nobody is told:
//   getsockopt           what it asks for counts as not so
//   setsockopt           of TCP_NODELAY and SO_LINGER
//   set_pipe_size        the pipe is as large as it was
//   sockatmark           there is no urgent byte
//   fionread             a message of no bytes counts as the end
//   sigtimedwait         there was no signal
//   getcwd, fstat,       the file of a Unix socket counts as somebody else's,
//   lstat, unlink        and stays
//   open                 of such a file, which may be dead: it stays
//   if_indextoname       a zone is written as its number

#ifndef NETPOLL_RUNTIME_SYS_H_
#define NETPOLL_RUNTIME_SYS_H_

#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include "netpoll/backends/posix/above_stdio.h"
#include "netpoll/backends/posix/check_pollable.h"

namespace netpoll::internal {

inline std::int64_t MonotonicNow() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

// As the functions of those names, but what they make is never descriptor 0, 1
// or 2.
inline int MakePipe(int* ends, int flags) {
  return BothAboveStdio(::pipe2(ends, flags), ends);
}
inline int MakeSocket(int family, int type, int protocol) {
  return AboveStdio(::socket(family, type, protocol));
}
inline int MakeSocketPair(int family, int type, int protocol, int* ends) {
  return BothAboveStdio(::socketpair(family, type, protocol, ends), ends);
}
inline int Accept(int fd, sockaddr* peer, socklen_t* size, int flags) {
  return AboveStdio(::accept4(fd, peer, size, flags));
}
inline int OpenName(const char* name, int flags) {
  return AboveStdio(::open(name, flags));
}
inline int OpenFile(const char* name, int flags, mode_t mode) {
  return AboveStdio(::open(name, flags, mode));
}
inline int MakeEpoll() { return AboveStdio(::epoll_create1(EPOLL_CLOEXEC)); }
// As recvmmsg, which waits for nothing here.
inline int ReceiveMany(int fd, mmsghdr* messages, unsigned count, int flags) {
  return ::recvmmsg(fd, messages, count, flags, nullptr);
}
inline int SetPipeSize(int fd, int size) {
  return ::fcntl(fd, F_SETPIPE_SZ, size);
}
inline int MakeSignalFd(const sigset_t* set) {
  return AboveStdio(::signalfd(-1, set, SFD_NONBLOCK | SFD_CLOEXEC));
}
inline int BytesToRead(int fd, int* count) {
  return ::ioctl(fd, FIONREAD, count);
}
// Those that this thread may run on. A system of more than the set has room for
// tells how many it has.
inline int UsableProcessors() {
  cpu_set_t usable;
  const long all = ::sched_getaffinity(0, sizeof usable, &usable) == 0
                       ? CPU_COUNT(&usable)
                       : ::sysconf(_SC_NPROCESSORS_ONLN);
  return all < 1 ? 1 : static_cast<int>(all);
}

// Each behaves as the function of that name, where nothing else is said.
struct Sys {
  std::int64_t (*now)() = &MonotonicNow;
  int (*thread_create)(pthread_t*, const pthread_attr_t*, void* (*)(void*),
                       void*) = &::pthread_create;
  int (*thread_join)(pthread_t, void**) = &::pthread_join;
  int (*thread_sigmask)(int, const sigset_t*, sigset_t*) = &::pthread_sigmask;
  int (*processors)() = &UsableProcessors;  // 1 or more.

  ssize_t (*read)(int, void*, std::size_t) = &::read;
  ssize_t (*readv)(int, const iovec*, int) = &::readv;
  ssize_t (*recvmsg)(int, msghdr*, int) = &::recvmsg;
  ssize_t (*write)(int, const void*, std::size_t) = &::write;
  ssize_t (*writev)(int, const iovec*, int) = &::writev;
  ssize_t (*send)(int, const void*, std::size_t, int) = &::send;
  ssize_t (*sendmsg)(int, const msghdr*, int) = &::sendmsg;
  ssize_t (*sendto)(int, const void*, std::size_t, int, const sockaddr*,
                    socklen_t) = &::sendto;
  int (*recvmmsg)(int, mmsghdr*, unsigned, int) = &ReceiveMany;
  int (*sendmmsg)(int, mmsghdr*, unsigned, int) = &::sendmmsg;
  ssize_t (*sendfile)(int, int, off_t*, std::size_t) = &::sendfile;
  ssize_t (*splice)(int, off_t*, int, off_t*, std::size_t,
                    unsigned) = &::splice;
  int (*set_pipe_size)(int, int) = &SetPipeSize;
  int (*poll)(pollfd*, nfds_t, int) = &::poll;
  // Why a descriptor can't be polled, if it can't.
  PollableCheck (*examine_pollable)(int) = &ExaminePollable;
  int (*pipe2)(int*, int) = &MakePipe;
  int (*socket)(int, int, int) = &MakeSocket;
  int (*socketpair)(int, int, int, int*) = &MakeSocketPair;
  int (*bind)(int, const sockaddr*, socklen_t) = &::bind;
  int (*listen)(int, int) = &::listen;
  int (*connect)(int, const sockaddr*, socklen_t) = &::connect;
  int (*accept4)(int, sockaddr*, socklen_t*, int) = &Accept;
  int (*shutdown)(int, int) = &::shutdown;
  int (*sockatmark)(int) = &::sockatmark;
  int (*getsockopt)(int, int, int, void*, socklen_t*) = &::getsockopt;
  int (*setsockopt)(int, int, int, const void*, socklen_t) = &::setsockopt;
  int (*getsockname)(int, sockaddr*, socklen_t*) = &::getsockname;
  int (*getpeername)(int, sockaddr*, socklen_t*) = &::getpeername;
  int (*close)(int) = &::close;
  int (*epoll_create)() = &MakeEpoll;
  int (*epoll_ctl)(int, int, int, epoll_event*) = &::epoll_ctl;
  int (*epoll_wait)(int, epoll_event*, int, int) = &::epoll_wait;
  int (*above_stdio)(int) = &AboveStdio;  // Of a descriptor that was handed in.
  int (*fionread)(int, int*) = &BytesToRead;  // ioctl FIONREAD.

  int (*signalfd)(const sigset_t*) = &MakeSignalFd;
  int (*sigpending)(sigset_t*) = &::sigpending;
  int (*sigtimedwait)(const sigset_t*, siginfo_t*,
                      const timespec*) = &::sigtimedwait;
  pid_t (*getpid)() = &::getpid;

  // Files, in threads of a BlockingPool: these may wait.
  int (*open_file)(const char*, int, mode_t) = &OpenFile;
  ssize_t (*pread)(int, void*, std::size_t, off_t) = &::pread;
  ssize_t (*pwrite)(int, const void*, std::size_t, off_t) = &::pwrite;
  int (*fsync)(int) = &::fsync;
  // Names of hosts, there too.
  int (*getaddrinfo)(const char*, const char*, const addrinfo*,
                     addrinfo**) = &::getaddrinfo;
  void (*freeaddrinfo)(addrinfo*) = &::freeaddrinfo;

  // Names: of Unix sockets' files, and of network interfaces.
  int (*open)(const char*, int) = &OpenName;
  int (*flock)(int, int) = &::flock;
  int (*fstat)(int, struct stat*) = &::fstat;
  int (*lstat)(const char*, struct stat*) = &::lstat;
  int (*unlink)(const char*) = &::unlink;
  char* (*getcwd)(char*, std::size_t) = &::getcwd;
  unsigned (*if_nametoindex)(const char*) = &::if_nametoindex;
  char* (*if_indextoname)(unsigned, char*) = &::if_indextoname;
};

// Changed by tests only, and only while no other thread uses it.
inline constinit Sys sys;

// An int of the socket's level; -1 and errno.
inline int GetOption(int fd, int option) {
  int value = 0;
  socklen_t size = sizeof(value);
  const int result = sys.getsockopt(fd, SOL_SOCKET, option, &value, &size);
  return result == 0 ? value : -1;
}

// For a test: puts everything back.
class SysOverride {
 public:
  SysOverride() : before_(sys) {}
  ~SysOverride() { sys = before_; }
  SysOverride(const SysOverride&) = delete;
  SysOverride& operator=(const SysOverride&) = delete;

 private:
  const Sys before_;
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_SYS_H_
