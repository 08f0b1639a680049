// SPDX-License-Identifier: Apache-2.0
//
// One function for each step of the core that a message takes, by itself, so
// that what a compiler makes of it can be read and counted (hot_paths.py).

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

// The names that hot_paths.py looks for.
extern "C" {

PollError np_reset(ListedPoller& poller, ListedDesc* desc) {
  return poller.Reset(desc, Mode::kRead);
}
bool np_park(ListedPoller& poller, ListedDesc* desc, Waiter* waiter) {
  return poller.Park(desc, Mode::kRead, waiter).parked();
}
PollError np_resume(ListedPoller& poller, ListedDesc* desc, Waiter* waiter) {
  return poller.Resume(desc, Mode::kRead, waiter).error();
}
void np_ready(ListedDesc* desc, std::uint32_t generation, PollResult& result) {
  desc->Ready(generation, Mode::kRead, {}, result);
}
bool np_set_deadline(ListedPoller& poller, ListedDesc* desc,
                     Deadline deadline) {
  return poller.SetDeadline(desc, Mode::kRead, deadline).earliest_moved;
}
void np_adjust_waiters(ListedPoller& poller, std::int32_t delta) {
  poller.AdjustWaiters(delta);
}
LockOutcome np_lock_acquire(ListedLock& lock) {
  return lock.Acquire(Mode::kRead);
}
bool np_lock_release(ListedLock& lock, WaiterList& wake) {
  return lock.Release(Mode::kRead, wake);
}
bool np_sleep_wake(SleepProtocol<StdEnv>& protocol) { return protocol.Wake(); }

}  // extern "C"

}  // namespace netpoll::bench
