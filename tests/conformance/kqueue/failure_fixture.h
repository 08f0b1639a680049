// SPDX-License-Identifier: Apache-2.0
//
// What the failure tests of the kqueue backend share.

#ifndef NETPOLL_TESTS_CONFORMANCE_KQUEUE_FAILURE_FIXTURE_H_
#define NETPOLL_TESTS_CONFORMANCE_KQUEUE_FAILURE_FIXTURE_H_

#include <sys/event.h>

#include <chrono>
#include <cstdint>

#include "netpoll/backends/kqueue/kqueue_backend.h"
#include "netpoll/backends/kqueue/kqueue_events.h"
#include "netpoll/backends/kqueue/kqueue_waker.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/conformance/kqueue/scripted_sys.h"
#include "netpoll/tests/conformance/scripted/scripted_test.h"

namespace netpoll::conformance {

using UserBackend = KqueueBackend<StdEnv, ScriptedSys, UserEventWaker>;
using PipeBackend = KqueueBackend<StdEnv, ScriptedSys, PipeWaker>;
using FoldedBackend = KqueueBackend<StdEnv, ScriptedSys, UserEventWaker, 32>;

inline constexpr Delta kNow = Delta::NonBlocking();
inline constexpr Delta kShort = Delta::AtMost(std::chrono::nanoseconds(1000));
inline constexpr EventKey kKey = EventKey::ForSlot(5, 9);

class KqueueFailure : public ScriptedTest<ScriptedSys> {
 protected:
  static struct kevent Event(std::uint64_t ident, int filter, unsigned flags,
                             std::uint64_t udata) {
    return KqueueChange(ident, filter, flags, udata);
  }
};

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_KQUEUE_FAILURE_FIXTURE_H_
