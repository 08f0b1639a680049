// SPDX-License-Identifier: Apache-2.0
//
// The event ports backend over the shim: the suite.
#include "netpoll/backends/event_ports/event_ports_backend.h"
#include "netpoll/tests/conformance/conformance.h"
#include "netpoll/tests/conformance/traits.h"

namespace netpoll::conformance {

template <>
struct Traits<EventPortsBackend<>> : DefaultTraits {
  static constexpr bool kHalfCloseIsMarked = false;
};

NETPOLL_CONFORMANCE(EventPorts, EventPortsBackend<>);

}  // namespace netpoll::conformance
