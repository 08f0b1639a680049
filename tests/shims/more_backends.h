// SPDX-License-Identifier: Apache-2.0
//
// Backends of other systems, over shims that give those systems' calls on
// Linux: what --config=shims adds to every program of this repository.

#ifndef NETPOLL_TESTS_SHIMS_MORE_BACKENDS_H_
#define NETPOLL_TESTS_SHIMS_MORE_BACKENDS_H_

#include "netpoll/backends/backend_list.h"
#include "netpoll/backends/event_ports/event_ports_backend.h"
#include "netpoll/backends/kqueue/kqueue_backend.h"

namespace netpoll {

using MoreBackends = BackendList<KqueueBackend<>, EventPortsBackend<>>;

}  // namespace netpoll

#endif  // NETPOLL_TESTS_SHIMS_MORE_BACKENDS_H_
