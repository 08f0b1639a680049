// SPDX-License-Identifier: Apache-2.0
//
// What is opened after its other end has closed, on a kernel whose filters tell
// least of it: FreeBSD's. For mutants of the backend; the whole suite is in
// kqueue_quirks_test.cc.
#include "netpoll/backends/kqueue/kqueue_backend.h"
#include "netpoll/backends/kqueue/kqueue_waker.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/tests/conformance/kqueue/quirky_sys.h"
#include "netpoll/tests/conformance/opening.h"

namespace netpoll::conformance {

using FreeBsd =
    ::testing::Types<KqueueBackend<StdEnv, FreeBsdSys, UserEventWaker>,
                     KqueueBackend<StdEnv, FreeBsdSys, PipeWaker>>;
INSTANTIATE_TYPED_TEST_SUITE_P(KqueueFreeBsd, Opening, FreeBsd);

}  // namespace netpoll::conformance
