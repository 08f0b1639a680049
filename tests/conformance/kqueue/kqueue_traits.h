// SPDX-License-Identifier: Apache-2.0
//
// What kqueue does differently from the strictest backend.

#ifndef NETPOLL_TESTS_CONFORMANCE_KQUEUE_KQUEUE_TRAITS_H_
#define NETPOLL_TESTS_CONFORMANCE_KQUEUE_KQUEUE_TRAITS_H_

#include "netpoll/backends/kqueue/kqueue_backend.h"
#include "netpoll/tests/conformance/traits.h"

namespace netpoll::conformance {

template <class Env, class Sys, template <class> class WakerOf, int kUdataBits>
struct Traits<KqueueBackend<Env, Sys, WakerOf, kUdataBits>> : DefaultTraits {
  // EV_EOF says no more than that one direction has ended.
  static constexpr bool kHalfCloseWakesWriter = true;
  // No filter is for them.
  static constexpr bool kReportsErrorQueues = false;
};

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_KQUEUE_KQUEUE_TRAITS_H_
