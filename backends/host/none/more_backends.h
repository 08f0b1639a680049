// SPDX-License-Identifier: Apache-2.0
//
// No backends but the system's own.

#ifndef NETPOLL_BACKENDS_HOST_NONE_MORE_BACKENDS_H_
#define NETPOLL_BACKENDS_HOST_NONE_MORE_BACKENDS_H_

#include "netpoll/backends/backend_list.h"

namespace netpoll {

using MoreBackends = BackendList<>;

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_HOST_NONE_MORE_BACKENDS_H_
