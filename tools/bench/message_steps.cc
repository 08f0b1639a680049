// SPDX-License-Identifier: Apache-2.0
//
// Each step of the core that a message takes, a thousand times, so that
// tools/bench/instructions can count what is executed of it. A deadline that is
// later than the last one is among them, as a server's timeout is.

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "netpoll/core/deadline.h"
#include "netpoll/core/descriptor_lock.h"
#include "netpoll/core/types.h"
#include "netpoll/tools/bench/hot_paths.h"

int main() {
  using namespace netpoll;         // NOLINT
  using namespace netpoll::bench;  // NOLINT
  constexpr int kMessages = 1000;
  ListedPoller poller;
  if (poller.Init() != 0) return EXIT_FAILURE;
  ListedDesc* const desc = poller.Open(3).desc;
  ListedLock lock;
  Waiter waiter;
  for (int i = 0; i < kMessages; ++i) {
    np_set_deadline(poller, desc, Deadline::At(1'000'000'000 + i));
    if (np_lock_acquire(lock) != LockOutcome::kDone) return EXIT_FAILURE;
    if (np_reset(poller, desc) != PollError::kNone) return EXIT_FAILURE;
    if (!np_park(poller, desc, &waiter)) return EXIT_FAILURE;
    PollResult woken;
    np_poll(poller, woken);
    const std::int32_t delta = woken.waiters_delta;
    np_adjust_waiters(poller, delta);
    if (woken.ready.Pop() != &waiter) return EXIT_FAILURE;
    if (np_resume(poller, desc, &waiter) != PollError::kNone) {
      return EXIT_FAILURE;
    }
    WaiterList others;
    if (np_lock_release(lock, others)) return EXIT_FAILURE;
  }
  PollResult wake = poller.Unblock(desc);
  poller.AdjustWaiters(wake.waiters_delta);
  poller.Close(desc);
  std::printf("messages: %d\n", kMessages);
  return EXIT_SUCCESS;
}
