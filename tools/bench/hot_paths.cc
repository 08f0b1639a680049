// SPDX-License-Identifier: Apache-2.0

#include "netpoll/tools/bench/hot_paths.h"

#include <cstdint>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/sleep_protocol.h"
#include "netpoll/core/types.h"

namespace netpoll::bench {

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
void np_poll(ListedPoller& poller, PollResult& result) {
  result = poller.Poll(Delta::NonBlocking());
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
