// SPDX-License-Identifier: Apache-2.0
//
// The end of the process when the ring stops working.

#ifndef NETPOLL_BACKENDS_IO_URING_FATAL_RING_H_
#define NETPOLL_BACKENDS_IO_URING_FATAL_RING_H_

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "netpoll/backends/posix/fatal.h"

namespace netpoll {

// What io_uring_enter's error says of the world around; null where the ring's
// own descriptor is the likely cause.
constexpr const char* CauseOfRingError(int error) {
  switch (error) {
    case EAGAIN:
    case EBUSY:
    case ENOMEM:
    case EINTR:
      return "for seconds the system could not take a request";
    case EPERM:
    case EACCES:
    case ENOSYS:
      return "a filter of system calls forbids it since the poller was made";
    case EBADR:
      return "there was no memory to keep a completion, so an event is lost";
    default:
      return nullptr;
  }
}

// Prints one sentence and stops.
[[noreturn]] inline void FatalRing(int error) {
  const char* const cause = CauseOfRingError(error);
  if (cause == nullptr) FatalSystemCall("io_uring_enter", error);
  std::fprintf(stderr, "netpoll: io_uring_enter failed: %s; %s\n",
               std::strerror(error), cause);
  std::abort();
}

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_IO_URING_FATAL_RING_H_
