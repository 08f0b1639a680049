// SPDX-License-Identifier: Apache-2.0
#include <time.h>

#include <cerrno>
#include <cstddef>

#include "netpoll/backends/poll/poll_backend.h"
#include "netpoll/backends/poll/poll_sys.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/tests/conformance/conformance.h"

namespace netpoll::conformance {

// A system with POSIX before 2024.
struct OlderPosix : PollSys {
  static int Pipe(int* ends) { return PortablePipe(ends); }
  static int Ppoll(pollfd*, std::size_t, const timespec*) { return -ENOSYS; }
};

NETPOLL_CONFORMANCE(Poll, PollBackend<>);
NETPOLL_CONFORMANCE(PollInMilliseconds, PollBackend<StdEnv, OlderPosix>);

}  // namespace netpoll::conformance
