// SPDX-License-Identifier: Apache-2.0
//
// The conformance suite against kqueue where the kernel differs from its
// manual: NetBSD before 10, and FreeBSD, each with the wake-up that it has.
#include "netpoll/backends/kqueue/kqueue_backend.h"
#include "netpoll/backends/kqueue/kqueue_waker.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/tests/conformance/conformance.h"
#include "netpoll/tests/conformance/kqueue/kqueue_traits.h"
#include "netpoll/tests/conformance/kqueue/quirky_sys.h"

namespace netpoll::conformance {

NETPOLL_CONFORMANCE(KqueueOldNetBsd,
                    KqueueBackend<StdEnv, OldNetBsdSys, PipeWaker>);
NETPOLL_CONFORMANCE(KqueueFreeBsd,
                    KqueueBackend<StdEnv, FreeBsdSys, UserEventWaker>);
NETPOLL_CONFORMANCE(KqueueFreeBsdFoldedKeys,
                    KqueueBackend<StdEnv, FreeBsdSys, UserEventWaker, 32>);

}  // namespace netpoll::conformance
