// SPDX-License-Identifier: Apache-2.0
//
// What --config=shims adds to every program of this repository.

#ifndef NETPOLL_TESTS_SHIMS_MORE_BACKENDS_H_
#define NETPOLL_TESTS_SHIMS_MORE_BACKENDS_H_

#include "netpoll/tests/shims/shimmed_backends.h"

namespace netpoll {

using MoreBackends = ShimmedBackends;

}  // namespace netpoll

#endif  // NETPOLL_TESTS_SHIMS_MORE_BACKENDS_H_
