// SPDX-License-Identifier: Apache-2.0
//
// What a worker does besides running tasks: how long to poll, in what order to
// look, and when a deadline is to be believed. Written once, for every
// scheduler; the checker explores these lines.
//
//   a worker without work      glue.Idle()
//   a busy one, now and then   glue.Look()
//   a foreign event loop       foreign_loop.h
//   one thread, no protocol    PollTurn
//
// Until when: a poll never lasts longer than what was announced, because who
// sets a deadline compares with that, and never longer than what the timers say
// after the announcement, because who set one before it compared with nothing.
//
// Events come before deadlines. A wait may end with nothing (a signal, a stop
// of the process) while events are pending, a worker may be late, and time
// passes between a poll and the look at the clock. So a deadline is believed
// only at a time that was read before everything was fetched that the system
// had to say: whoever is served by an event that came in time is not timed out.
// That costs a poll when a deadline is due, and nothing otherwise.
//
// A Host is the scheduler's side:
//   int64 Now()          the clock of the deadlines, absolute nanoseconds
//   int64 NextTime()     not later than any deadline, or kNever;
//                        sequentially consistent with whoever sets one
//   void Poll(delta)     Poller::Poll; the waiters are runnable when it returns
//   void PollAll()       as Poll, by Poller::PollAll
//   void Expire(now)     Poller::ExpireTimers and the like; the waiters are
//                        runnable, and announced as any work that is submitted,
//                        and so is a deadline that is earlier than all were
//   bool WorkVisible()   whether any worker could find work, or should stop
//   void Break()         Poller::Break
// Work that Poll makes runnable need not be announced: the glue does it.

#ifndef NETPOLL_CORE_WORKER_GLUE_H_
#define NETPOLL_CORE_WORKER_GLUE_H_

#include <cstdint>
#include <optional>

#include "netpoll/core/deadline.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/sleep_protocol.h"
#include "netpoll/core/types.h"

namespace netpoll {

// The time at which deadlines may be believed, if one is due: for Expire.
using DueTime = std::optional<std::int64_t>;

// Looks without blocking.
template <class Host>
DueTime PollNow(Host& host) {
  const std::int64_t next = host.NextTime();
  const std::int64_t now = next == kNever ? 0 : host.Now();
  if (next > now) {
    host.Poll(Delta::NonBlocking());
    return std::nullopt;
  }
  host.PollAll();
  return now;
}

// Polls until `until` at the latest (kNever: for ever).
template <class Host>
DueTime PollUntil(Host& host, std::int64_t until) {
  Delta delta = Delta::Forever();
  if (until != kNever) {
    const std::int64_t now = host.Now();
    delta = Delta::Until(now, until);
    if (!delta.blocking()) {
      host.PollAll();
      return now;
    }
  }
  host.Poll(delta);
  const std::int64_t next = host.NextTime();
  if (next == kNever) return std::nullopt;
  const std::int64_t now = host.Now();
  if (next > now) return std::nullopt;
  host.PollAll();  // What came between the wait and this `now`.
  return now;
}

// After a sleep in a call of somebody else's. `readable`: it said that PollFd()
// is, or may not know. The poll takes the break with it: the descriptor stays
// readable for as long as nobody does. One that is not readable is left alone,
// unless a deadline is due.
template <class Host>
DueTime PollAfterSleep(Host& host, bool readable) {
  const std::int64_t next = host.NextTime();
  const std::int64_t now = next == kNever ? 0 : host.Now();
  if (readable) host.Poll(Delta::Waited());
  if (next > now) return std::nullopt;
  host.PollAll();
  return now;
}

// A whole turn of a scheduler on one thread, which needs no protocol: polls
// until `until` at the latest (absolute; kNever: for ever), then acts
// on the deadlines that have passed. Returns whom to run, those first whom
// events woke. May return early with nothing. `clock()` is the time.
template <class Poller, class Clock>
PollResult PollTurn(Poller& poller, std::int64_t until, Clock clock) {
  struct {
    std::int64_t Now() { return clock(); }
    std::int64_t NextTime() { return poller.NextDeadline(); }
    void Poll(Delta delta) { Add(poller.Poll(delta)); }
    void PollAll() { Add(poller.PollAll()); }
    void Add(PollResult more) { result.Append(more); }
    Poller& poller;
    Clock& clock;
    PollResult result = {};
  } host{poller, clock};
  const DueTime due = PollUntil(host, until);
  if (due) host.Add(poller.ExpireTimers(*due).wake);
  return host.result;
}

// Worker `worker` of a protocol. A value that refers to both.
template <class Env, class Host>
class WorkerGlue {
 public:
  using Protocol = SleepProtocol<Env>;

  enum class Next : std::uint8_t {
    kWork,   // Look for work: there is some.
    kSleep,  // Protocol::Sleep.
    kPoll,   // Poll until `until`, then Finish.
  };
  struct Rest {
    Next next;
    std::int64_t until;
  };

  WorkerGlue(Protocol& protocol, int worker, Host& host)
      : protocol_(protocol), worker_(worker), host_(host) {}

  // The worker has run out of work: polls or sleeps until there may be some.
  void Idle() {
    const Rest rest = Prepare();
    if (rest.next == Next::kSleep) protocol_.Sleep(worker_);
    if (rest.next == Next::kPoll) Leave(PollUntil(host_, rest.until));
  }

  // The worker is busy: looks for events and deadlines without blocking,
  // unless another worker sees to them.
  void Look() {
    if (!protocol_.TryLook()) return;
    const DueTime due = PollNow(host_);
    protocol_.EndPoll();
    // Who joined the sleepers meanwhile did so because somebody polled.
    protocol_.WakeSleeper();
    if (due) host_.Expire(*due);
  }

  // The two halves of Idle, for whoever blocks in a call of its own.
  Rest Prepare() {
    const std::int64_t announced = host_.NextTime();
    const IdleRole role = protocol_.Announce(worker_, announced);
    if (host_.WorkVisible()) {
      if (protocol_.Retract(worker_, role) && protocol_.Wake()) host_.Break();
      // This worker will be busy: somebody else should poll.
      if (role == IdleRole::kPoller) protocol_.WakeSleeper();
      return {Next::kWork, 0};
    }
    if (role == IdleRole::kSleeper) return {Next::kSleep, kNever};
    const std::int64_t again = host_.NextTime();
    return {Next::kPoll, again < announced ? again : announced};
  }
  void Finish(bool readable = true) { Leave(PollAfterSleep(host_, readable)); }

 private:
  void Leave(DueTime due) {
    protocol_.EndPoll();
    // While this worker runs what it found, another polls.
    if (protocol_.AnySleeper() && host_.WorkVisible()) protocol_.WakeSleeper();
    if (due) host_.Expire(*due);
  }

  Protocol& protocol_;
  const int worker_;
  Host& host_;
};

}  // namespace netpoll

#endif  // NETPOLL_CORE_WORKER_GLUE_H_
