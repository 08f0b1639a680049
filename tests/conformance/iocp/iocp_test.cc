// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tests/conformance/iocp/fixture.h"
#include "netpoll/tests/conformance/portable.h"

namespace netpoll::conformance {

NETPOLL_PORTABLE_CONFORMANCE(Iocp, Backend);

}  // namespace netpoll::conformance
