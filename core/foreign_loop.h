// SPDX-License-Identifier: Apache-2.0
//
// The poller inside an event loop of somebody else's, which sleeps in a call of
// its own. What the loop's side does, on one thread or on several by turns:
//
//   before it sleeps    rest = loop.Prepare()
//                       rest.work: there is work, run it and do not sleep; else
//                       sleep until loop.descriptor() is readable, the absolute
//                       time rest.until has come (kNever: no time), or as short
//                       as the loop likes
//   when it is back     loop.Return(readable): whom events and deadlines woke
//                       is handed to the scheduler
//
// What any thread does:
//
//   work was pushed     loop.WorkCame()
//   SetDeadline or      loop.Deliver(what it answered)
//   Unblock
//
// Whoever goes on to sleep does so with a Prepare of its own: one that was
// followed by no Return is forgotten by the next, and a Return without a
// Prepare does nothing. So hooks that a loop calls twice, or not at all, do no
// harm.
//
// Why nothing is lost. Prepare announces the sleep and then looks at the work
// and the deadlines once more; who brings either looks at the announcement
// afterwards, and breaks. A break makes the descriptor readable until a Return
// takes it, so one that comes after the last look, or before the loop has begun
// to sleep, ends the sleep all the same. And Return takes it: as the blocking
// poll it is the one that may (Delta::Waited). A poll that does not block
// leaves the break where it is, and the loop would be woken by it again and
// again.
//
// Why it does not spin. A break ends one sleep: it is taken by the Return after
// it. None is sent while nobody has announced a sleep, or while another is on
// its way. Times are rounded up (MillisecondsUntil), for a loop that was early
// would come back with nothing.
//
// A poll(2), event ports or an I/O completion port have no such descriptor
// (BackendTraits::has_poll_fd): those want a thread that polls.

#ifndef NETPOLL_CORE_FOREIGN_LOOP_H_
#define NETPOLL_CORE_FOREIGN_LOOP_H_

#include <cstdint>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/poll_desc.h"
#include "netpoll/core/sleep_protocol.h"
#include "netpoll/core/types.h"
#include "netpoll/core/worker_glue.h"

namespace netpoll {

// The order of the steps, over a Host as in worker_glue.h.
template <class Env, class Host>
class ForeignLoopGlue {
 public:
  struct [[nodiscard]] Rest {
    bool work;           // Do not sleep.
    std::int64_t until;  // Sleep until then; kNever: for ever.
  };

  explicit ForeignLoopGlue(Host& host)
      : host_(host), glue_(protocol_, kLoop, host) {}
  ForeignLoopGlue(const ForeignLoopGlue&) = delete;
  ForeignLoopGlue& operator=(const ForeignLoopGlue&) = delete;

  Rest Prepare() {
    if (prepared()) protocol_.EndPoll();
    const auto rest = glue_.Prepare();
    return {rest.next == Glue::Next::kWork, rest.until};
  }

  // `readable`: the descriptor is, or the loop does not say. False: it was not,
  // when the sleep ended.
  void Return(bool readable = true) {
    if (prepared()) glue_.Finish(readable);
  }

  void WorkCame() {
    if (protocol_.Wake()) host_.Break();
  }
  void DeadlineCame(std::int64_t when) {
    if (protocol_.DeadlineMoved(when)) host_.Break();
  }

  // Whether the loop sleeps, or is about to.
  bool prepared() const { return protocol_.AnyPoller(); }

 private:
  using Glue = WorkerGlue<Env, Host>;
  static constexpr int kLoop = 0;  // The only worker of its protocol.

  SleepProtocol<Env> protocol_;
  Host& host_;
  Glue glue_;
};

// A Host over a poller. A Scheduler:
//   int64 Now()        the clock of the deadlines, absolute nanoseconds
//   void Run(Waiter*)  makes the task of the waiter runnable; nothing of it is
//                      touched afterwards
//   bool WorkVisible() whether there is work that the loop does not know of by
//                      itself; false where Run hands it to the loop
template <class Poller, class Scheduler>
class PollerHost {
 public:
  PollerHost(Poller& poller, Scheduler& scheduler)
      : poller_(poller), scheduler_(scheduler) {}

  std::int64_t Now() { return scheduler_.Now(); }
  std::int64_t NextTime() { return poller_.NextDeadline(); }
  void Poll(Delta delta) { Deliver(poller_.Poll(delta)); }
  void PollAll() { Deliver(poller_.PollAll()); }
  // The loop looks for the next deadline before it sleeps again.
  void Expire(std::int64_t now) { Deliver(poller_.ExpireTimers(now).wake); }
  bool WorkVisible() { return scheduler_.WorkVisible(); }
  void Break() { poller_.Break(); }

  // What anybody got from the poller: first runnable, then the count.
  void Deliver(PollResult result) {
    while (Waiter* const waiter = result.ready.Pop()) scheduler_.Run(waiter);
    poller_.AdjustWaiters(result.waiters_delta);
  }

 private:
  Poller& poller_;
  Scheduler& scheduler_;
};

template <class Poller, class Scheduler, class Env = StdEnv>
class ForeignLoop {
 public:
  using Rest =
      typename ForeignLoopGlue<Env, PollerHost<Poller, Scheduler>>::Rest;

  // Both outlive it. The poller's Init has succeeded.
  ForeignLoop(Poller& poller, Scheduler& scheduler)
      : poller_(poller), scheduler_(scheduler), host_(poller, scheduler) {}

  // -1 where the backend, chosen when the program runs, has none.
  Fd descriptor() const { return poller_.PollFd(); }

  Rest Prepare() { return glue_.Prepare(); }
  void Return(bool readable = true) { glue_.Return(readable); }
  void WorkCame() { glue_.WorkCame(); }

  // Of an Unblock: whom it woke.
  void Deliver(PollResult result) {
    const bool any = !result.ready.empty();
    host_.Deliver(result);
    if (any) glue_.WorkCame();
  }
  // Of a SetDeadline: also whether the loop is to wake earlier.
  void Deliver(DeadlineResult result) {
    Deliver(result.wake);
    if (result.earliest_moved) glue_.DeadlineCame(poller_.NextDeadline());
  }

  // How long to sleep, for a loop that counts milliseconds: -1 for ever.
  int MillisecondsUntil(std::int64_t until) {
    if (until == kNever) return -1;
    return Delta::Until(scheduler_.Now(), until).ToMillisecondsCeil();
  }

 private:
  Poller& poller_;
  Scheduler& scheduler_;
  PollerHost<Poller, Scheduler> host_;
  ForeignLoopGlue<Env, PollerHost<Poller, Scheduler>> glue_{host_};
};

}  // namespace netpoll

#endif  // NETPOLL_CORE_FOREIGN_LOOP_H_
