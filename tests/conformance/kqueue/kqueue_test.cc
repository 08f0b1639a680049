// SPDX-License-Identifier: Apache-2.0
//
// The kqueue backend over the shim, with either waker, and with the 32-bit
// field that keys have on 32-bit systems.
#include "netpoll/backends/kqueue/kqueue_backend.h"
#include "netpoll/backends/kqueue/kqueue_sys.h"
#include "netpoll/backends/kqueue/kqueue_waker.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/tests/conformance/conformance.h"
#include "netpoll/tests/conformance/kqueue/kqueue_traits.h"

namespace netpoll::conformance {

NETPOLL_CONFORMANCE(KqueueUserEvent,
                    KqueueBackend<StdEnv, KqueueSys, UserEventWaker>);
NETPOLL_CONFORMANCE(KqueuePipe, KqueueBackend<StdEnv, KqueueSys, PipeWaker>);
NETPOLL_CONFORMANCE(KqueueFoldedKeys,
                    KqueueBackend<StdEnv, KqueueSys, UserEventWaker, 32>);
NETPOLL_CONFORMANCE(KqueueFoldedKeysPipe,
                    KqueueBackend<StdEnv, KqueueSys, PipeWaker, 32>);

}  // namespace netpoll::conformance
