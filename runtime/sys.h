// SPDX-License-Identifier: Apache-2.0
//
// The system as the runtime sees it: the clock, threads, and the system calls
// on descriptors (the pollers' own are the backends'). One table of plain
// functions, so that a test can count each call, or make it fail.

#ifndef NETPOLL_RUNTIME_SYS_H_
#define NETPOLL_RUNTIME_SYS_H_

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include "netpoll/backends/posix/above_stdio.h"

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

// Each behaves as the function of that name.
struct Sys {
  std::int64_t (*now)() = &MonotonicNow;
  int (*thread_create)(pthread_t*, const pthread_attr_t*, void* (*)(void*),
                       void*) = &::pthread_create;
  int (*thread_sigmask)(int, const sigset_t*, sigset_t*) = &::pthread_sigmask;

  ssize_t (*read)(int, void*, std::size_t) = &::read;
  ssize_t (*readv)(int, const iovec*, int) = &::readv;
  ssize_t (*recvmsg)(int, msghdr*, int) = &::recvmsg;
  ssize_t (*write)(int, const void*, std::size_t) = &::write;
  ssize_t (*writev)(int, const iovec*, int) = &::writev;
  ssize_t (*send)(int, const void*, std::size_t, int) = &::send;
  ssize_t (*sendmsg)(int, const msghdr*, int) = &::sendmsg;
  ssize_t (*sendto)(int, const void*, std::size_t, int, const sockaddr*,
                    socklen_t) = &::sendto;
  int (*poll)(pollfd*, nfds_t, int) = &::poll;
  int (*pipe2)(int*, int) = &MakePipe;
  int (*socket)(int, int, int) = &MakeSocket;
  int (*socketpair)(int, int, int, int*) = &MakeSocketPair;
  int (*bind)(int, const sockaddr*, socklen_t) = &::bind;
  int (*listen)(int, int) = &::listen;
  int (*connect)(int, const sockaddr*, socklen_t) = &::connect;
  int (*accept4)(int, sockaddr*, socklen_t*, int) = &Accept;
  int (*shutdown)(int, int) = &::shutdown;
  int (*getsockopt)(int, int, int, void*, socklen_t*) = &::getsockopt;
  int (*setsockopt)(int, int, int, const void*, socklen_t) = &::setsockopt;
  int (*getsockname)(int, sockaddr*, socklen_t*) = &::getsockname;
  int (*getpeername)(int, sockaddr*, socklen_t*) = &::getpeername;
  int (*close)(int) = &::close;
  int (*unlink)(const char*) = &::unlink;
};

// Changed by tests only, and only while no other thread uses it.
inline constinit Sys sys;

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
