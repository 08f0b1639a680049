// SPDX-License-Identifier: Apache-2.0
//
// One worker thread of a runtime.

#ifndef NETPOLL_RUNTIME_WORKER_H_
#define NETPOLL_RUNTIME_WORKER_H_

#include <cstddef>
#include <cstdint>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/sleep_protocol.h"
#include "netpoll/runtime/protocols/cancel_node.h"
#include "netpoll/runtime/protocols/recalls.h"
#include "netpoll/runtime/protocols/run_queue.h"
#include "netpoll/runtime/task_waiter.h"
#include "netpoll/runtime/worker_counts.h"

namespace netpoll::internal {

struct Shard;
class WorkerRing;

// Work is counted in units, each worth about a microsecond: an operation is
// one, and one more for each 4 KiB that it moved. So a turn is bounded in time
// without a look at the clock.
struct alignas(64) Worker {
  // Task runs between two non-blocking polls.
  static constexpr std::uint32_t kPollEvery = 61;
  // Units that one task run may spend without waiting.
  static constexpr int kBudget = 64;
  // Units that all tasks together spend between two non-blocking polls.
  static constexpr int kPollAfter = 2 * kBudget;

  // `anywhere`: the scheduler's home. `polls`: its poller, or that of all.
  Worker(Scheduler& owner, const Home& anywhere, Shard& polls, int number)
      : scheduler(&owner), id(number), shard(polls), home(&anywhere) {}

  // One operation begins. False: the task has had its share, it must yield.
  bool Spend() {
    ++operations;
    return --budget >= 0;
  }
  // It moved so many bytes.
  void Moved(std::size_t bytes) {
    const int units = static_cast<int>(bytes >> 12);
    operations += units;
    budget -= units;
  }

  // One more task run begins. True: the tasks have had their share, and the
  // worker looks for events first.
  bool TurnIsOver() { return ++tick >= kPollEvery || operations >= kPollAfter; }
  void NewTurn() {
    tick = 0;
    operations = 0;
  }
  // It took tasks from another's queue.
  void Stole() { counts.steals.Add(1); }

  Scheduler* const scheduler;
  const int id;
  // Carries calls out, while this is at work; null: there is none.
  WorkerRing* ring = nullptr;
  Shard& shard;
  RunQueue<StdEnv, AskAhead> queue;
  // What Stop ends besides descriptors and sleeps: scopes, and waits in none,
  // that began on this worker.
  CancelNode<StdEnv> waits;
  // The thread's own. Where what waits now is made runnable again: `own` while
  // a task runs that stays, else the scheduler's.
  const Home* home;
  int budget = kBudget;
  std::uint32_t tick = 0;  // Task runs since the last poll.
  int operations = 0;      // Units since the last poll.
  WorkerCounts counts;
  PollSampler sampler;

  // Where it has its own poller: others read it.
  alignas(64) SleepProtocol<StdEnv> protocol;
  const Home own{scheduler, this};
  RunQueue<StdEnv> staying;   // Tasks that stay here, which are runnable.
  RecallBox<StdEnv> recalls;  // Of this one's ring's calls, by others.
};

// The worker that this thread is, or null.
inline thread_local Worker* this_worker = nullptr;

// The last time that this worker read off the clock, in milliseconds; 49 days,
// and it begins anew. 0: this is no worker.
inline thread_local std::uint32_t clock_stamp = 0;
// The same; 0 where whoever waits has more to do than to note when and where:
// also if the runtime has an observer, or tasks that have names.
inline thread_local std::uint32_t wait_stamp = 0;
inline std::uint32_t StampOf(std::int64_t nanos) {
  return static_cast<std::uint32_t>(nanos / 1'000'000) | 1;
}

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_WORKER_H_
