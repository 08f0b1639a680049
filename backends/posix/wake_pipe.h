// SPDX-License-Identifier: Apache-2.0
//
// The pipe that ends a blocking poll, where the system has nothing better, and
// how such a pipe is made. Who writes and reads when is the backend's matter.

#ifndef NETPOLL_BACKENDS_POSIX_WAKE_PIPE_H_
#define NETPOLL_BACKENDS_POSIX_WAKE_PIPE_H_

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "netpoll/backends/posix/above_stdio.h"
#include "netpoll/backends/posix/posix_2024.h"
#include "netpoll/core/types.h"

namespace netpoll {

// As MakePipe; a child that another thread makes at this moment may inherit it.
inline int MakePipeInSteps(int* ends) {
  if (BothAboveStdio(::pipe(ends), ends) != 0) return -errno;
  for (int i = 0; i < 2; ++i) {
    const int flags = ::fcntl(ends[i], F_GETFL);
    if (flags < 0 || ::fcntl(ends[i], F_SETFL, flags | O_NONBLOCK) < 0 ||
        ::fcntl(ends[i], F_SETFD, FD_CLOEXEC) < 0) {
      const int error = errno;
      ::close(ends[0]);
      ::close(ends[1]);
      return -error;
    }
  }
  return 0;
}

// Non-blocking, not inherited, above the standard descriptors; ends[0] is for
// reading. 0, or -errno, and then there is none.
inline int MakePipe(int* ends) {
#if NETPOLL_HAS_POSIX_2024
  const int made = ::pipe2(ends, O_NONBLOCK | O_CLOEXEC);
  return BothAboveStdio(made, ends) == 0 ? 0 : -errno;
#else
  return MakePipeInSteps(ends);
#endif
}

// Sys has Pipe (as MakePipe), Read, Write and Close.
template <class Sys>
class WakePipe {
 public:
  WakePipe() = default;
  WakePipe(const WakePipe&) = delete;
  WakePipe& operator=(const WakePipe&) = delete;
  ~WakePipe() {
    if (reading_ < 0) return;
    Sys::Close(reading_);
    Sys::Close(writing_);
  }

  // 0, or the errno.
  int Init() {
    int ends[2] = {-1, -1};
    if (const int made = Sys::Pipe(ends); made < 0) return -made;
    reading_ = ends[0];
    writing_ = ends[1];
    return 0;
  }

  Fd reading_end() const { return reading_; }
  bool Owns(Fd fd) const {
    return fd >= 0 && (fd == reading_ || fd == writing_);
  }

  // The two calls of core/edge_pipe.h.
  static constexpr int kMostRead = 16;
  int Write() {
    const char byte = 0;
    return Sys::Write(writing_, &byte, 1);
  }
  int Read() {
    char bytes[kMostRead];
    return Sys::Read(reading_, bytes, sizeof(bytes));
  }

 private:
  Fd reading_ = -1;
  Fd writing_ = -1;
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_POSIX_WAKE_PIPE_H_
