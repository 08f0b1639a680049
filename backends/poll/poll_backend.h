// SPDX-License-Identifier: Apache-2.0
//
// poll(2): level-triggered, one report for each Arm, a pipe as the wake-up.
// For any POSIX system. The contract is in backend.h.
//
// A poll asks about a copy of what is armed, so nobody who arms or opens waits
// for the thread in poll(2): he changes the set, and if somebody blocks on an
// older copy, puts a byte into the pipe, one for all who come while that call
// lasts. Only Close of an armed descriptor waits, until the call has returned:
// the kernel holds a reference to all that it was asked about.
//
// One call of poll(2) at a time: a non-blocking Poll that finds another at
// work reports nothing, since the other will. Whose turn it is (under the
// lock):
//
//   kNobody    Begin, by any poll, -> kPassing or kBlocking.
//   kPassing   a non-blocking call is under way. End -> kNobody, or ->
//              kBlocking for a blocking poll that queues behind it.
//   kBlocking  a blocking call is under way or about to begin. Its end ->
//              kNobody. Whoever changes what it should ask about kicks it,
//              unless somebody did: kicked_ stays set until the call has ended,
//              and what was changed until then is in the next copy.
//
// A kick and a break are the same byte; the token tells which it was. The
// blocking poll empties the pipe, and then looks at the token: pending, it
// clears it and returns; otherwise it was a kick. Bytes that arrive late, for
// calls that have ended, cost the next one an early return, never a wake-up.
//
// Orders: all but the token is under the lock, which is never held during a
// system call or a report.

#ifndef NETPOLL_BACKENDS_POLL_POLL_BACKEND_H_
#define NETPOLL_BACKENDS_POLL_POLL_BACKEND_H_

#include <poll.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "netpoll/backends/backend.h"
#include "netpoll/backends/poll/poll_events.h"
#include "netpoll/backends/poll/poll_sys.h"
#include "netpoll/backends/poll/watch_set.h"
#include "netpoll/backends/posix/check_pollable.h"
#include "netpoll/backends/posix/fatal.h"
#include "netpoll/backends/posix/time_limit.h"
#include "netpoll/backends/posix/use_guard.h"
#include "netpoll/backends/posix/wake_pipe.h"
#include "netpoll/backends/report.h"
#include "netpoll/core/backend_traits.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/edge_pipe.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/growable.h"
#include "netpoll/core/types.h"
#include "netpoll/core/wake_token.h"

namespace netpoll {

template <class Env = StdEnv, class Sys = PollSys>
class PollBackend {
 public:
  static constexpr const char* kName = "poll";
  static constexpr BackendTraits kTraits = {
      .needs_arm = true,
      // Where the end of a stream can be told from data.
      .marks_short_reads = kPollHalfClose != 0,
      .knows_children = true};

  PollBackend() = default;
  PollBackend(const PollBackend&) = delete;
  PollBackend& operator=(const PollBackend&) = delete;

  static int CheckPollable(Fd fd) { return CheckPollableFd(fd); }

  int Init() {
    return guard_.Init([this] { return Make(); });
  }

  // Costs no system call: with nothing armed there is nothing to ask about.
  // ENOSPC: there are more than the system can be asked about in one call.
  int Open(Fd fd, EventKey key) {
    guard_.Check();
    const LockHolder hold(lock_, "poll.open");
    if (watched_.registered() >= Sys::kMostAsked - 1) return ENOSPC;
    if (const int error = watched_.Add(fd, key); error != 0) return error;
    // So that no poll needs memory. The call under way keeps its copy.
    const std::size_t size = watched_.registered() + 1;
    if (asked_.capacity() >= size || next_asked_.Reserve(size)) return 0;
    watched_.Remove(fd, key);
    return ENOMEM;
  }

  int Close(Fd fd, EventKey key) {
    guard_.Check();
    Leaving self;
    bool kick = false;
    {
      const LockHolder hold(lock_, "poll.close");
      const auto removed = watched_.Remove(fd, key);
      if (removed == WatchSet::Removed::kUnknown) return ENOENT;
      const bool asked = removed == WatchSet::Removed::kArmed;
      if (!asked || turn_ == Turn::kNobody) return 0;
      self.next = leaving_;
      leaving_ = &self;
      kick = MustKick();
    }
    if (kick) Kick();
    self.call_ended.Park("poll.close.wait");
    // Whoever woke us has done with `self` when the lock is free.
    const LockHolder hold(lock_, "poll.closed");
    return 0;
  }

  // A system call only if somebody blocks.
  void Arm(Fd fd, EventKey key, Mode direction) {
    guard_.Check();
    bool kick = false;
    {
      const LockHolder hold(lock_, "poll.arm");
      kick = watched_.Arm(fd, key, direction) && MustKick();
    }
    if (kick) Kick();
  }

  template <class Sink>
  void Poll(Delta delta, Sink& sink) {
    guard_.Check();
    Reported batch[kBatch];
    for (;;) {
      if (!Begin(delta.blocking())) return;
      const int answers = Wait(delta);
      const bool broken = answers > 0 && TakeBytes();
      const int reports = End(answers, batch);
      for (int i = 0; i < reports; ++i) {
        sink.Ready(batch[i].key, batch[i].what.mode, batch[i].what.flags);
      }
      // A limit may not begin anew, so a kick ends a poll that has one.
      if (reports > 0 || broken || !delta.forever()) return;
    }
  }

  void Break() {
    guard_.Check();
    if (!token_.Request()) return;
    if (const int error = Post(); error != 0) {
      token_.Retract();
      FatalSystemCall("write to the pipe", error);
    }
  }

  bool IsPollDescriptor(Fd fd) const { return pipe_.Owns(fd); }

  // Whether this is a child of fork of the process that made it.
  bool InChild() const { return guard_.InChild(); }

 private:
  static constexpr int kBatch = 128;

  enum class Turn : std::uint8_t { kNobody, kPassing, kBlocking };

  // Somebody who waits for the end of the call under way.
  struct Leaving {
    typename Env::Parker call_ended;
    Leaving* next = nullptr;
  };

  struct Reported {
    EventKey key = EventKey::FromBits(0);
    EventReport what{};
  };

  int Make() {
    if (!asked_.Reserve(1)) return ENOMEM;
    return pipe_.Init();
  }

  // --- One call of poll(2) --------------------------------------------------

  // Takes the turn and a copy of what to ask about. False: non-blocking, and
  // somebody is at it, or there is nothing to ask about.
  bool Begin(bool blocking) {
    lock_.Acquire("poll.begin");
    if (!blocking && (turn_ != Turn::kNobody || watched_.size() == 0)) {
      lock_.Release("poll.begin");
      return false;
    }
    if (turn_ != Turn::kNobody) {
      queued_ = true;
      lock_.Release("poll.begin");
      my_turn_.Park("poll.queue");  // End has moved turn_ to kBlocking.
      lock_.Acquire("poll.begin");
    }
    turn_ = blocking ? Turn::kBlocking : Turn::kPassing;
    if (next_asked_.capacity() > asked_.capacity()) asked_.Swap(next_asked_);
    count_ = watched_.size();
    asked_[0] = {.fd = pipe_.reading_end(), .events = POLLIN, .revents = 0};
    watched_.CopyTo(asked_.data() + 1);
    lock_.Release("poll.begin");
    return true;
  }

  // How many have an answer; 0 also when a limited wait was interrupted.
  int Wait(Delta delta) {
    for (;;) {
      const int answers = WaitOnce(delta);
      if (answers >= 0) return answers;
      if (answers != -EINTR && answers != -EAGAIN) FatalPoll(-answers);
      if (delta.limited()) return 0;
    }
  }

  // A non-blocking poll leaves the pipe out.
  int WaitOnce(Delta delta) {
    const std::size_t first = delta.blocking() ? 0 : 1;
    pollfd* const fds = asked_.data() + first;
    const std::size_t size = count_ + 1 - first;
    if (delta.limited() &&
        no_ppoll_.Load("poll.ppoll.load", Order::kRelaxed) == 0) {
      const timespec limit = TimeLimit(delta);
      const int answers = Sys::Ppoll(fds, size, &limit);
      // Some seccomp filters say EPERM of a call that they do not know; the
      // call itself never does.
      if (answers != -ENOSYS && answers != -EPERM) return answers;
      no_ppoll_.Store("poll.ppoll.store", 1, Order::kRelaxed);
    }
    return Sys::Poll(fds, size, delta.ToMillisecondsCeil());
  }

  // Gives the turn on, wakes who waits for the end of this call, and collects
  // what it answered. What does not fit stays armed, and the next call begins
  // with it.
  int End(int answers, Reported* batch) {
    const LockHolder hold(lock_, "poll.end");
    int reports = 0;
    if (answers > 0 && asked_[0].revents != 0) --answers;
    for (std::size_t i = 0; i < count_ && answers > 0 && reports < kBatch;
         ++i) {
      if (++cursor_ > count_) cursor_ = 1;
      const pollfd& answer = asked_[cursor_];
      if (answer.revents == 0) continue;
      --answers;
      const EventReport what = DecodePoll(answer.revents);
      const auto key = watched_.Report(answer.fd, what.mode);
      if (key) batch[reports++] = {*key, what};
    }
    GiveTurnOn();
    return reports;
  }

  void GiveTurnOn() {
    kicked_ = false;
    while (leaving_ != nullptr) {
      Leaving* const one = leaving_;
      leaving_ = one->next;
      one->call_ended.Unpark("poll.end.leaving");
    }
    turn_ = queued_ ? Turn::kBlocking : Turn::kNobody;
    if (queued_) my_turn_.Unpark("poll.end.queued");
    queued_ = false;
  }

  // --- The pipe -------------------------------------------------------------

  // Under the lock, by whoever changed what should be asked about.
  bool MustKick() {
    if (turn_ != Turn::kBlocking || kicked_) return false;
    kicked_ = true;
    return true;
  }

  void Kick() {
    if (const int error = Post(); error != 0) {
      FatalSystemCall("write to the pipe", error);
    }
  }

  // 0, or an errno. A full pipe ends a poll as well.
  int Post() {
    for (;;) {
      const int result = pipe_.Write();
      if (result == 1 || result == -EAGAIN) return 0;
      if (result != -EINTR) return result < 0 ? -result : EIO;
    }
  }

  // True: there was a break. The pipe is emptied first, the token cleared
  // then: whoever finds it pending in between is covered by the return of this
  // poll. A non-blocking poll does not ask about the pipe.
  bool TakeBytes() {
    if (asked_[0].revents == 0) return false;
    if ((asked_[0].revents & POLLNVAL) != 0) {
      FatalSystemCall("poll", EBADF);
    }
    if (const int result = edge_pipe::Empty(pipe_); result < 0) {
      FatalSystemCall("read from the pipe", -result);
    }
    if (!token_.pending()) return false;
    token_.Clear();
    return true;
  }

  UseGuard guard_;
  WakePipe<Sys> pipe_;
  WakeToken<Env> token_;
  typename Env::template Atomic<std::uint32_t> no_ppoll_{0};

  typename Env::Lock lock_;
  // Guarded by the lock.
  WatchSet watched_;
  Growable<pollfd> next_asked_;  // Larger, for the next call.
  Leaving* leaving_ = nullptr;
  Turn turn_ = Turn::kNobody;
  bool kicked_ = false;
  bool queued_ = false;  // A blocking poll waits for its turn.

  typename Env::Parker my_turn_;
  // His whose turn it is: the pipe, and a copy of what was armed.
  Growable<pollfd> asked_;
  std::size_t count_ = 0;   // Without the pipe.
  std::size_t cursor_ = 0;  // The last place that was looked at.
};

static_assert(PollerBackend<PollBackend<>>);

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_POLL_POLL_BACKEND_H_
