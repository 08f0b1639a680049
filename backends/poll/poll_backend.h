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
//              unless somebody did: `kicked` stays set until the call has
//              ended, and what was changed until then is in the next copy.
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
#include <optional>

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
    return shared_.Change([&](Shared& shared) {
      WatchSet& watched = shared.watched;
      if (watched.registered() >= Sys::kMostAsked - 1) return ENOSPC;
      if (const int error = watched.Add(fd, key); error != 0) return error;
      // So that no poll needs memory. The call under way keeps its copy.
      const std::size_t size = watched.registered() + 1;
      if (asked_.capacity() >= size || shared.next_asked.Reserve(size)) {
        return 0;
      }
      watched.Remove(fd, key);
      return ENOMEM;
    });
  }

  int Close(Fd fd, EventKey key) {
    guard_.Check();
    Leave leave{};
    int calls = 0;
    {
      const LockHolder hold(lock_, "poll.close");
      leave = shared_.Change(
          [&](Shared& shared) { return shared.Remove(fd, key); });
      if (leave.waits) calls = calls_ended_.Count("poll.close.calls");
    }
    if (leave.kicks) Kick();
    if (leave.waits) calls_ended_.Await("poll.close.wait", calls);
    return leave.error;
  }

  // A system call only if somebody blocks.
  void Arm(Fd fd, EventKey key, Mode direction) {
    guard_.Check();
    bool kick = false;
    {
      const LockHolder hold(lock_, "poll.arm");
      kick = shared_.Change([&](Shared& shared) {
        return shared.watched.Arm(fd, key, direction) && shared.MustKick();
      });
    }
    if (kick) Kick();
  }

  template <class Sink>
  void Poll(Delta delta, Sink& sink) {
    guard_.Check();
    Reported batch[kBatch];
    const int reports = Env::Retry([&] { return Round(delta, batch); });
    for (int i = 0; i < reports; ++i) {
      sink.Ready(batch[i].key, batch[i].what.mode, batch[i].what.flags);
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

  std::uint64_t breaks_taken() const { return token_.cleared(); }
  bool IsPollDescriptor(Fd fd) const { return pipe_.Owns(fd); }

  // Whether this is a child of fork of the process that made it.
  bool InChild() const { return guard_.InChild(); }

 private:
  static constexpr int kBatch = 128;

  enum class Turn : std::uint8_t { kNobody, kPassing, kBlocking };

  // What a Close has to do beyond taking its descriptor out.
  struct Leave {
    int error = 0;
    bool waits = false;  // For the end of the call under way.
    bool kicks = false;
  };

  // Guarded by the lock.
  struct Shared {
    WatchSet watched;
    Growable<pollfd> next_asked;  // Larger, for the next call.
    Turn turn = Turn::kNobody;
    bool kicked = false;
    bool queued = false;     // A blocking poll waits for its turn.
    bool left = false;       // A Close waits for the end of the call.
    std::size_t cursor = 0;  // The last place that was looked at.

    // By whoever changed what should be asked about.
    bool MustKick() {
      if (turn != Turn::kBlocking || kicked) return false;
      kicked = true;
      return true;
    }

    Leave Remove(Fd fd, EventKey key) {
      const auto removed = watched.Remove(fd, key);
      if (removed == WatchSet::Removed::kUnknown) return {.error = ENOENT};
      const bool asked = removed == WatchSet::Removed::kArmed;
      if (!asked || turn == Turn::kNobody) return {};
      left = true;
      return {.waits = true, .kicks = MustKick()};
    }

    // The call under way has ended.
    void GiveTurnOn() {
      turn = queued ? Turn::kBlocking : Turn::kNobody;
      kicked = queued = left = false;
    }

    template <class Visit>
    void EachField(Visit& visit) {
      visit(watched);
      visit(turn);
      visit(kicked);
      visit(queued);
      visit(left);
      visit(cursor);
    }
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

  // One call: how many reports it brought. Nothing: a kick ended a poll without
  // a limit, which goes on.
  std::optional<int> Round(Delta delta, Reported* batch) {
    if (!Begin(delta.blocking())) return 0;
    const int answers = Wait(delta);
    const bool broken = answers > 0 && TakeBytes();
    const int reports = End(answers, batch);
    // A limit may not begin anew, so a kick ends a poll that has one.
    if (reports > 0 || broken || !delta.forever()) return reports;
    return std::nullopt;
  }

  struct Ended {
    int reports;
    bool left;
    bool queued;
  };
  enum class Begun : std::uint8_t { kNo, kMustQueue, kYes };

  // Takes the turn and a copy of what to ask about. False: non-blocking, and
  // somebody is at it, or there is nothing to ask about.
  bool Begin(bool blocking) {
    Begun begun = TryBegin("poll.begin", blocking, false);
    if (begun == Begun::kMustQueue) {
      my_turn_.Park("poll.queue");  // End has moved the turn to kBlocking.
      begun = TryBegin("poll.begin_queued", blocking, true);
    }
    return begun == Begun::kYes;
  }

  // `given`: End gave this poll the turn.
  Begun TryBegin(Site site, bool blocking, bool given) {
    const LockHolder hold(lock_, site);
    return shared_.Change([&](Shared& shared) {
      const bool busy = !given && shared.turn != Turn::kNobody;
      if (!blocking && (busy || shared.watched.size() == 0)) return Begun::kNo;
      if (busy) {
        shared.queued = true;
        return Begun::kMustQueue;
      }
      shared.turn = blocking ? Turn::kBlocking : Turn::kPassing;
      if (shared.next_asked.capacity() > asked_.capacity()) {
        asked_.Swap(shared.next_asked);
      }
      count_ = shared.watched.size();
      asked_[0] = {.fd = pipe_.reading_end(), .events = POLLIN, .revents = 0};
      shared.watched.CopyTo(asked_.data() + 1);
      return Begun::kYes;
    });
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
    const Ended ended = shared_.Change([&](Shared& shared) {
      const Ended end = {Collect(answers, shared, batch), shared.left,
                         shared.queued};
      shared.GiveTurnOn();
      return end;
    });
    if (ended.left) calls_ended_.Advance("poll.end.calls");
    if (ended.queued) my_turn_.Unpark("poll.end.queued");
    return ended.reports;
  }

  int Collect(int answers, Shared& shared, Reported* batch) {
    int reports = 0;
    if (answers > 0 && asked_[0].revents != 0) --answers;
    for (std::size_t i = 0; i < count_ && answers > 0 && reports < kBatch;
         ++i) {
      if (++shared.cursor > count_) shared.cursor = 1;
      const pollfd& answer = asked_[shared.cursor];
      if (answer.revents == 0) continue;
      --answers;
      const EventReport what = DecodePoll(answer.revents);
      const auto key = shared.watched.Report(answer.fd, what.mode);
      if (key) batch[reports++] = {*key, what};
    }
    return reports;
  }

  // --- The pipe -------------------------------------------------------------

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
  typename Env::template Var<Shared> shared_;
  typename Env::Parker my_turn_;
  typename Env::Epoch calls_ended_;  // Advanced under the lock.
  // His whose turn it is: the pipe, and a copy of what was armed.
  Growable<pollfd> asked_;
  std::size_t count_ = 0;  // Without the pipe.
};

static_assert(PollerBackend<PollBackend<>>);

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_POLL_POLL_BACKEND_H_
