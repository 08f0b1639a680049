// SPDX-License-Identifier: Apache-2.0
//
// The end of the process when a kernel object of the poller stops working.

#ifndef NETPOLL_BACKENDS_POSIX_FATAL_H_
#define NETPOLL_BACKENDS_POSIX_FATAL_H_

#include "netpoll/core/cpp20.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace netpoll {

// What an error of a call on the poller's own descriptor makes likely.
inline const char* LikelyCause(int error) {
  switch (error) {
    case EBADF:
    case EINVAL:
    case EPIPE:
      return "; was it closed by somebody else?";
    case ENOMEM:
    case ENOBUFS:
      return "; the system has no memory for it";
    case EPERM:
    case EACCES:
    case ENOSYS:
      return "; does a filter of system calls forbid it?";
    default:
      return "";
  }
}

// Prints one sentence and stops. `call` names the system call that failed with
// `error`.
[[noreturn]] inline void FatalSystemCall(const char* call, int error) {
  std::fprintf(stderr,
               "netpoll: %s on the poller's own descriptor failed: %s%s\n",
               call, std::strerror(error), LikelyCause(error));
  std::abort();
}

// The same for poll(2), which knows no kernel object: EINVAL is of the table
// that it is handed.
[[noreturn]] inline void FatalPoll(int error) {
  const char* const why =
      error == EINVAL
          ? "; was the limit of open descriptors lowered below their number?"
          : LikelyCause(error);
  std::fprintf(stderr, "netpoll: poll failed: %s%s\n", std::strerror(error),
               why);
  std::abort();
}

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_POSIX_FATAL_H_
