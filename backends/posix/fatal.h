// SPDX-License-Identifier: Apache-2.0
//
// The end of the process when a kernel object of the poller stops working.

#ifndef NETPOLL_BACKENDS_POSIX_FATAL_H_
#define NETPOLL_BACKENDS_POSIX_FATAL_H_

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace netpoll {

// Prints one sentence and stops. `call` names the system call that failed with
// `error`; typically foreign code closed the poller's descriptor.
[[noreturn]] inline void FatalSystemCall(const char* call, int error) {
  std::fprintf(stderr,
               "netpoll: %s on the poller's own descriptor failed: %s; was it "
               "closed by somebody else?\n",
               call, std::strerror(error));
  std::abort();
}

// The same for poll(2), which knows no kernel object: what makes it fail is
// the table that it is handed.
[[noreturn]] inline void FatalPoll(int error) {
  std::fprintf(stderr,
               "netpoll: poll failed: %s; was the limit of open descriptors "
               "lowered below their number?\n",
               std::strerror(error));
  std::abort();
}

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_POSIX_FATAL_H_
