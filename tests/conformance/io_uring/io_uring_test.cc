// SPDX-License-Identifier: Apache-2.0
#include "netpoll/backends/io_uring/io_uring_backend.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/tests/conformance/conformance.h"
#include "netpoll/tests/conformance/io_uring/available.h"

namespace netpoll::conformance {

// So few that every burst is more than the ring holds.
struct SmallRing : IoUringBackend<> {
  SmallRing() : IoUringBackend({.completions = 2}) {}
};

template <>
struct Traits<SmallRing> : Traits<IoUringBackend<>> {
  static constexpr bool kReportsRepeat = true;
};

// A kernel before 5.17: every request has a completion.
struct WithoutSkip : IoUringSys {
  static int Setup(unsigned entries, io_uring_params* params) {
    const int result = IoUringSys::Setup(entries, params);
    params->features &= ~IORING_FEAT_CQE_SKIP;
    return result;
  }
};

NETPOLL_CONFORMANCE(IoUring, IoUringBackend<>);
NETPOLL_CONFORMANCE(IoUringSmall, SmallRing);
NETPOLL_CONFORMANCE(IoUringWithoutSkip, IoUringBackend<StdEnv, WithoutSkip>);

}  // namespace netpoll::conformance
