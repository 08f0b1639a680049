// SPDX-License-Identifier: Apache-2.0
//
// Workers that each have a poller of their own. What is opened stays with one
// of them; a worker without work polls its own and nobody else's, so no word is
// written by two of them for a message. How they find each other all the same:
//
//   Who has more than it runs next wakes one that polls (Wake), which takes
//   from its queue, and wakes the next one while there is more.
//
//   Nobody else hears of the events of a worker that is busy with one task for
//   long. So of those that poll one looks round: it polls for kRound at most,
//   then looks for the events and deadlines of each that is busy (Busy), and
//   runs what it finds. Who begins to poll looks round if anybody is busy
//   (RestUntil); who begins to work sees to it that somebody does (BeWatched).
//   Each writes its own turn first and then reads the others', all seq_cst, so
//   of two at a time one sees the other. While nobody works, nobody looks
//   round.
//
//   A sleep's end is awaited by one of those that poll; by two, if both begin
//   at once. If that one begins to work, whoever looks round acts on it.
//
// A turn (core/sleep_protocol.h) is that of one worker's poller here: it alone
// blocks; others look without blocking. It sleeps only while another looks, who
// wakes it then.
//
// A Host has worker_count(), worker(int), Now(), Break(Worker&) and what
// SendHome asks, as in dispatch.h; a Worker `id`, and `protocol`, its own.

#ifndef NETPOLL_RUNTIME_PROTOCOLS_SHARDS_H_
#define NETPOLL_RUNTIME_PROTOCOLS_SHARDS_H_

#include <algorithm>
#include <cstdint>

#include "netpoll/core/deadline.h"
#include "netpoll/core/types.h"

namespace netpoll::internal {

// How long a worker's own events may wait for it while it runs one task.
inline constexpr std::int64_t kRound = 10'000'000;

// When a worker that rests has to look round; kNever: nobody is busy.
struct Round {
  std::int64_t at = kNever;
};

template <class Host, class Worker>
class Shards {
 public:
  explicit Shards(Host& host) : host_(host) {}

  // Work was pushed where any worker finds it. `me`: the one that this thread
  // is, or null. Wakes one that polls; if nobody does, all look before they do.
  void Wake(Worker* me) {
    const int first = me != nullptr ? me->id + 1 : 0;
    const int others = me != nullptr ? count() - 1 : count();
    for (int i = 0; i < others; ++i) {
      Worker& other = host_.worker((first + i) % count());
      if (other.protocol.AnyPoller()) return host_.Break(other);
    }
  }

  void WakeAll() {
    for (int id = 0; id < count(); ++id) {
      Worker& worker = host_.worker(id);
      if (worker.protocol.AnyPoller()) host_.Break(worker);
    }
  }

  // Until when `me` polls, whose own deadlines and all that sleep say `own` and
  // `sleep`. Asked before it announces its poll, and after it.
  std::int64_t RestUntil(Worker& me, std::int64_t own, std::int64_t sleep,
                         Round& round) {
    bool busy = false;
    bool awaited = false;
    EachOther(me, [&](Worker& other) {
      const std::int64_t until = other.protocol.PollsUntil();
      busy = busy || until < 0;
      awaited = awaited || (until >= 0 && until <= sleep);
    });
    std::int64_t until = awaited ? own : std::min(own, sleep);
    if (busy) {
      if (round.at == kNever) round.at = host_.Now() + kRound;
      until = std::min(until, round.at);
    }
    return until;
  }

  // `me` polls no more, and begins to work.
  void BeWatched(Worker& me) {
    Worker* asleep = nullptr;
    std::int64_t soon = 0;
    for (int i = 1; i < count(); ++i) {
      Worker& other = host_.worker((me.id + i) % count());
      const std::int64_t until = other.protocol.PollsUntil();
      if (until < 0) continue;
      if (soon == 0) soon = host_.Now() + 2 * kRound;
      if (until <= soon) return;
      if (asleep == nullptr) asleep = &other;
    }
    if (asleep != nullptr) host_.Break(*asleep);
  }

  // A sleep's end was set, by the worker `me` or by a thread that is none: who
  // works awaits it itself before it rests.
  void SleepMoved(Worker* me, std::int64_t when) {
    if (me != nullptr) return;
    Worker* later = nullptr;
    for (int id = 0; id < count(); ++id) {
      Worker& worker = host_.worker(id);
      const std::int64_t until = worker.protocol.PollsUntil();
      if (until >= 0 && until <= when) return;
      if (until >= 0) later = &worker;
    }
    if (later != nullptr) host_.Break(*later);
  }

  // Of whom a poll made ready, makes those runnable that not any worker may
  // run; over one poller all. How many are left.
  std::int32_t SendHome(WaiterList& list) {
    WaiterList here;
    std::int32_t count = 0;
    while (Waiter* const waiter = list.Pop()) {
      if (host_.sharded() && host_.AnyMayRun(waiter)) {
        here.Push(waiter);
        ++count;
      } else {
        host_.SendHome(waiter);
      }
    }
    list = here;
    return count;
  }

  // Calls `look` with each other worker that does not poll for itself.
  template <class F>
  void EachBusy(Worker& me, F look) {
    EachOther(me, [&](Worker& other) {
      if (!other.protocol.AnyPoller()) look(other);
    });
  }

 private:
  int count() const { return host_.worker_count(); }

  template <class F>
  void EachOther(Worker& me, F f) {
    for (int i = 1; i < count(); ++i) f(host_.worker((me.id + i) % count()));
  }

  Host& host_;
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_SHARDS_H_
