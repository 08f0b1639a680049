// SPDX-License-Identifier: Apache-2.0
//
// The polling backends that can be run on this system, natively or over a shim,
// for tests of each of them.

#ifndef NETPOLL_TESTS_SHIMS_EVERY_BACKEND_H_
#define NETPOLL_TESTS_SHIMS_EVERY_BACKEND_H_

#include <string>

#include "gtest/gtest.h"
#include "netpoll/backends/backend_list.h"
#include "netpoll/backends/host/host_backends.h"
#include "netpoll/tests/shims/shimmed_backends.h"

namespace netpoll {

using EveryBackend = NativeBackends::With<ShimmedBackends>;

template <class List, template <class> class Of>
struct TypesOfList;
template <class... Backend, template <class> class Of>
struct TypesOfList<BackendList<Backend...>, Of> {
  template <class... More>
  using With = testing::Types<Of<Backend>..., More...>;
};

template <class Backend>
using JustTheBackend = Backend;

// GoogleTest's list of types: `Of<B>` of each backend B of the list, then More.
template <class List, template <class> class Of = JustTheBackend, class... More>
using TypesOf = typename TypesOfList<List, Of>::template With<More...>;

}  // namespace netpoll

#endif  // NETPOLL_TESTS_SHIMS_EVERY_BACKEND_H_
