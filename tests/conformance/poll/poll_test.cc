// SPDX-License-Identifier: Apache-2.0
#include <time.h>

#include <cerrno>
#include <cstddef>

#include "netpoll/backends/poll/poll_backend.h"
#include "netpoll/backends/poll/poll_sys.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/tests/conformance/conformance.h"
#include "netpoll/tests/conformance/traits.h"

namespace netpoll::conformance {

// A system with POSIX before 2024.
struct OlderPosix : PollSys {
  static int Pipe(int* ends) { return MakePipeInSteps(ends); }
  static int Ppoll(pollfd*, std::size_t, const timespec*) { return -ENOSYS; }
};

template <class Env, class Sys>
struct Traits<PollBackend<Env, Sys>> : DefaultTraits {
  // Not every system has a word for it.
  static constexpr bool kHalfCloseIsMarked = kPollHalfClose != 0;
};

NETPOLL_CONFORMANCE(Poll, PollBackend<>);
NETPOLL_CONFORMANCE(PollInMilliseconds, PollBackend<StdEnv, OlderPosix>);

}  // namespace netpoll::conformance
