// SPDX-License-Identifier: Apache-2.0
//
// Backends of other systems, over shims that give those systems' calls on
// Linux. To add one: its header and its place here, and its line in
// tools/build_defs/backends.bzl.

#ifndef NETPOLL_TESTS_SHIMS_SHIMMED_BACKENDS_H_
#define NETPOLL_TESTS_SHIMS_SHIMMED_BACKENDS_H_

#include "netpoll/backends/backend_list.h"
#include "netpoll/backends/event_ports/event_ports_backend.h"
#include "netpoll/backends/kqueue/kqueue_backend.h"

namespace netpoll {

using ShimmedBackends = BackendList<KqueueBackend<>, EventPortsBackend<>>;

}  // namespace netpoll

#endif  // NETPOLL_TESTS_SHIMS_SHIMMED_BACKENDS_H_
