// SPDX-License-Identifier: Apache-2.0
//
// The end of the process when the poller's completion port stops working.

#ifndef NETPOLL_BACKENDS_IOCP_IOCP_FATAL_H_
#define NETPOLL_BACKENDS_IOCP_IOCP_FATAL_H_

#include <cstdio>
#include <cstdlib>

namespace netpoll {

// Prints one sentence and stops. `call` names the system call that failed, and
// on what; typically foreign code closed the poller's handle.
[[noreturn]] inline void FatalWindowsCall(const char* call, int error) {
  std::fprintf(stderr,
               "netpoll: %s failed with error %d of Windows; was it closed by "
               "somebody else?\n",
               call, error);
  std::abort();
}

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_IOCP_IOCP_FATAL_H_
