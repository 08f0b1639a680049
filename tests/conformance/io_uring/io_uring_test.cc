// SPDX-License-Identifier: Apache-2.0
#include "netpoll/backends/io_uring/io_uring_backend.h"
#include "netpoll/tests/conformance/conformance.h"

namespace netpoll::conformance {

NETPOLL_CONFORMANCE(IoUring, IoUringBackend<>);

}  // namespace netpoll::conformance
