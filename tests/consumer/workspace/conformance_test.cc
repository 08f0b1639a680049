// SPDX-License-Identifier: Apache-2.0
// A backend author: the suite, on a backend.
#include "netpoll/tests/conformance/conformance.h"

#include "netpoll/backends/epoll/epoll_backend.h"

namespace netpoll::conformance {

NETPOLL_CONFORMANCE(Mine, EpollBackend<>);

}  // namespace netpoll::conformance
