// SPDX-License-Identifier: Apache-2.0
//
// One function for each step of the core that a message takes, by itself, so
// that what a compiler makes of it can be read (hot_paths) and what is executed
// of it counted (instructions).

#ifndef NETPOLL_TOOLS_BENCH_HOT_PATHS_H_
#define NETPOLL_TOOLS_BENCH_HOT_PATHS_H_

#include <cstdint>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/descriptor_lock.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/sleep_protocol.h"
#include "netpoll/core/types.h"
#include "netpoll/tools/bench/null_backend.h"

namespace netpoll::bench {

using ListedPoller = Poller<NullBackend>;
using ListedDesc = ListedPoller::Desc;
using ListedLock = DescriptorLock<StdEnv>;

// The names that the two programs look for.
extern "C" {

PollError np_reset(ListedPoller& poller, ListedDesc* desc);
bool np_park(ListedPoller& poller, ListedDesc* desc, Waiter* waiter);
PollError np_resume(ListedPoller& poller, ListedDesc* desc, Waiter* waiter);
void np_ready(ListedDesc* desc, std::uint32_t generation, PollResult& result);
void np_poll(ListedPoller& poller, PollResult& result);
bool np_set_deadline(ListedPoller& poller, ListedDesc* desc, Deadline deadline);
void np_adjust_waiters(ListedPoller& poller, std::int32_t delta);
LockOutcome np_lock_acquire(ListedLock& lock);
bool np_lock_release(ListedLock& lock, WaiterList& wake);
bool np_sleep_wake(SleepProtocol<StdEnv>& protocol);

}  // extern "C"

}  // namespace netpoll::bench

#endif  // NETPOLL_TOOLS_BENCH_HOT_PATHS_H_
