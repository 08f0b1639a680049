// SPDX-License-Identifier: Apache-2.0
//
// Poller: descriptors, deadlines and one backend, as a value. There are no
// globals; a program may have as many as it likes. It parks nobody and runs
// nobody: it says who is ready, and a scheduler does the rest.
//
//   A task that wants to read:
//     error = poller.Reset(desc, Mode::kRead);      // forget old readiness
//     loop: read(2); anything but EAGAIN ends it
//       leave the task such that any thread may resume it, then
//       wait = poller.Park(desc, Mode::kRead, &waiter);
//       while wait.parked(): touch nothing of the task; when it runs again
//         wait = poller.Resume(desc, Mode::kRead, &waiter);
//       wait.error() ends it; wait.ready(): read again
//
//   An error that the system reports is news to be fetched by the call, not a
//   verdict: it only makes the direction ready. kNotPollable says that many
//   reports of nothing but an error came in a row while the call would block;
//   the next Reset begins anew. Where the system reports levels (poll, event
//   ports) an error that nobody fetches, such as a socket's full error queue,
//   is reported at every wait: wait a while before the next one.
//
//   A scheduler out of work: see worker_glue.h.
//
// Threads: every member may be called from any thread, except that at most one
// blocking Poll is under way, each direction of a descriptor has at most one
// task from Reset to the end of its wait (descriptor_lock.h arranges that), and
// Close comes after Unblock, when no other call on it is under way or can
// begin.
//
// Stronger than a configuration asks for, because:
//   open.count, close.count: whoever destroys comes after all Closes
//   poll.enter, poll.leave: what a backend keeps from one blocking poll to the
//     next is ordered as by a lock, also where no SleepProtocol is
//   adjust.count: who finds waiters() at 0 sees all whom it woke runnable; in
//     no configuration does anybody decide by that

#ifndef NETPOLL_CORE_POLLER_H_
#define NETPOLL_CORE_POLLER_H_

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/poll_desc.h"
#include "netpoll/core/pool.h"
#include "netpoll/core/timer_heap.h"
#include "netpoll/core/types.h"
#include "netpoll/core/wait.h"
#include "netpoll/core/waiter_count.h"

namespace netpoll {

// Whether Open tests that a descriptor can be polled at all, which costs system
// calls. kKnown: it can. kUnwatched: it can, and reports begin with Watch.
enum class Pollable : std::uint8_t { kCheck, kKnown, kUnwatched };

// TimersOf: what keeps the deadlines; a model supplies its own.
template <class Backend, class Env = StdEnv,
          template <class, class> class TimersOf = TimerHeap,
          WaiterCounting kWaiters = WaiterCounting::kEach>
class Poller {
 public:
  using Desc = PollDesc<Env>;
  using Timers = TimersOf<Env, Desc>;

  struct [[nodiscard]] OpenResult {
    Desc* desc;  // Null on error.
    int error;   // 0, or an errno.
  };

  template <class... Args>
  explicit Poller(Args&&... args) : backend_(std::forward<Args>(args)...) {}
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // No descriptor may be open: stops the process otherwise. Not in a child of
  // fork, where what is open is the parent's, and stays as it is.
  ~Poller() {
    if (InChild()) return;
    if (waiters() != 0) {
      Env::Misuse("a Poller was destroyed while tasks were parked in it");
    }
    if (open_.Load("destroy.open", Order::kAcquire) != 0) {
      Env::Misuse("a Poller was destroyed while descriptors were open in it");
    }
  }

  // Call once, before anything else. 0, or the errno of what failed.
  [[nodiscard]] int Init() { return backend_.Init(); }

  // Registers `fd`, which must be non-blocking, in both directions. Errors:
  // EBADF not an open descriptor; EINVAL blocking mode, or a descriptor of the
  // poller itself; EPERM a regular file or directory; EEXIST already open here;
  // ENOMEM: no memory for the slot, or for the timers of its deadlines, so that
  // nothing later asks for any; or what the system says.
  OpenResult Open(Fd fd, Pollable pollable = Pollable::kCheck) {
    if (backend_.IsPollDescriptor(fd)) return {nullptr, EINVAL};
    if (pollable == Pollable::kCheck) {
      const int error = Backend::CheckPollable(fd);
      if (error != 0) return {nullptr, error};
    }
    Desc* const desc = pool_.Allocate();
    if (desc == nullptr) return {nullptr, ENOMEM};
    // So that a deadline can always be armed.
    if constexpr (requires { timers_.Reserve(std::size_t{}); }) {
      if (!timers_.Reserve(pool_.Size())) {
        pool_.Free(desc);  // It was not opened: there is nothing to retire.
        return {nullptr, ENOMEM};
      }
    }
    const EventKey key = desc->Open(fd);
    const int error =
        pollable == Pollable::kUnwatched ? 0 : backend_.Open(fd, key);
    if (error != 0) {
      GiveBack(desc);
      return {nullptr, error};
    }
    open_.FetchAdd("open.count", 1, Order::kAcqRel);
    return {desc, 0};
  }

  // Of one that was opened unwatched, once: reports begin. 0, or an errno.
  int Watch(Desc* desc) {
    const EventKey key = KeyOf(desc);  // As in Prepare.
    return backend_.Open(desc->fd(), key);
  }

  // Deregisters a descriptor that was unblocked and that no task uses any
  // more, once; the caller closes the system's descriptor next. When it returns
  // the kernel holds nothing of it. 0, or an errno; the slot is given back
  // anyway. `watched`: false if it was opened unwatched, and still is.
  int Close(Desc* desc, bool watched = true) {
    desc->CheckClosable();
    const EventKey key = desc->KeyToClose();
    const int error = watched ? backend_.Close(desc->fd(), key) : 0;
    GiveBack(desc);
    open_.FetchAdd("close.count", -1, Order::kAcqRel);
    return error;
  }

  // Makes every later Reset and Prepare answer kClosing, and hands out both
  // waiters. Once.
  PollResult Unblock(Desc* desc) { return desc->Unblock(timers_); }

  // See the top of the file; lock-free, and so are the next ones. kClosing, or
  // kTimeout: the direction's deadline has passed.
  PollError Reset(Desc* desc, Mode direction) { return desc->Reset(direction); }

  // Begins a wait. Parked: its task may run on another thread before this
  // returns. Ready: something came since Reset. Or what ends the wait.
  [[gnu::flatten]] WaitResult Park(Desc* desc, Mode direction, Waiter* waiter,
                                   WaitKind kind = WaitKind::kOrError) {
    const WaitStep begun = Prepare(desc, direction, kind);
    if (begun.ended) return WaitResult::Ended(begun.error);
    if (Commit(desc, direction, waiter)) return WaitResult::Parked();
    return KeepWaiting(desc, direction, waiter, kind);
  }

  // By a task that was parked and runs again, with the arguments of its Park.
  // Parks it once more if what woke it is gone: a deadline that was moved.
  WaitResult Resume(Desc* desc, Mode direction, Waiter* waiter,
                    WaitKind kind = WaitKind::kOrError) {
    const WaitStep over = Finish(desc, direction, kind);
    if (over.ended) return WaitResult::Ended(over.error);
    return ParkAgain(desc, direction, waiter, kind);
  }

  // The steps of which those two are made, for glue that must do something in
  // between. Prepare; unless that ends the wait, Commit: true, it is parked; if
  // not, and when it runs again, Finish; unless that ends it, Prepare again.
  WaitStep Prepare(Desc* desc, Mode direction,
                   WaitKind kind = WaitKind::kOrError) {
    const WaitStep begun = desc->Prepare(direction, kind);
    if (begun.ended) return begun;
    if constexpr (Backend::kTraits.needs_arm) {
      // Now, not before: who was refused, and is no more, would not have asked.
      if (kind != WaitKind::kUnasked && Traits().needs_arm) {
        const EventKey key = KeyOf(desc);  // First, whatever the compiler.
        backend_.Arm(desc->fd(), key, direction);
      }
    }
    return WaitStep::GoOn();
  }
  [[nodiscard]] bool Commit(Desc* desc, Mode direction, Waiter* waiter) {
    return desc->Commit(direction, waiter, waiters_);
  }
  WaitStep Finish(Desc* desc, Mode direction,
                  WaitKind kind = WaitKind::kOrError) {
    return desc->Finish(direction, kind);
  }

  // Has whoever waits in the directions of `mode` try its call again, as after
  // a report. The descriptor stays open meanwhile. Lock-free.
  PollResult Nudge(Desc* desc, Mode mode) {
    PollResult result;
    desc->Nudge(mode, result);
    return result;
  }

  // Whether the system reports what lasts, so that each wait asks anew.
  bool reports_levels() const { return Traits().needs_arm; }

  // Sets the deadline for the directions of `mode`: Deadline::Past() ends the
  // waits at once, and all later ones until another is set.
  // `of`, by who does not keep it open: its Desc::generation, as it was open.
  DeadlineResult SetDeadline(Desc* desc, Mode mode, Deadline deadline,
                             std::uint32_t of = Desc::kWhichever) {
    return desc->SetDeadline(mode, deadline, timers_, of);
  }

  // Waits as `delta` says for events: whom they make ready. May return early.
  PollResult Poll(Delta delta) {
    const bool blocking = delta.blocking();
    if (blocking && blocking_.Exchange("poll.enter", 1, Order::kAcquire) != 0) {
      Env::Misuse("two threads were in a blocking Poll at once");
    }
    Sink sink(*this);
    backend_.Poll(delta, sink);
    if (blocking) blocking_.Store("poll.leave", 0, Order::kRelease);
    return sink.result_;
  }

  // Everything that the system has to say at this moment, without blocking:
  // polls until one reports nothing, or until more events have come than can
  // have been pending. For a deadline that is due: see worker_glue.h. On
  // poll(2) a poll beside a blocking one is empty, so not beside one.
  PollResult PollAll() {
    CountingSink sink(*this);
    const std::int64_t most = MostPending();
    for (std::int64_t before = -1; before < sink.events && before < most;) {
      before = sink.events;
      backend_.Poll(Delta::NonBlocking(), sink);
    }
    return sink.result_;
  }

  // Acts on the deadlines that have passed at `now`, which was read before a
  // PollAll (worker_glue.h). A timer that came too early may be the earliest.
  DeadlineResult ExpireTimers(std::int64_t now) {
    DeadlineResult result;
    typename Timers::Firing firing{};
    while (timers_.PopDue(now, &firing)) {
      const Mode believed = AskBefore(firing, now, result.wake);
      DeadlineResult fired =
          firing.owner->Fire(firing.when, now, believed, timers_);
      result.wake.Append(fired.wake);
      result.earliest_moved = result.earliest_moved || fired.earliest_moved;
    }
    return result;
  }

  // A time not later than the earliest deadline, or kNever. PollTurn
  // until then serves every deadline.
  std::int64_t NextDeadline() const { return timers_.Next(); }

  // Ends one blocking Poll, this or the next. Cheap while one is on its way.
  void Break() { backend_.Break(); }

  // Applies the delta of a PollResult, after its waiters are runnable.
  void AdjustWaiters(std::int32_t delta) {
    if (delta != 0) waiters_.FetchAdd("adjust.count", delta, Order::kRelease);
  }

  // Tasks parked, or about to be; never less than are parked.
  std::int32_t waiters() const { return waiters_.Of(pool_); }
  std::int32_t open() const { return open_.Load("open.load", Order::kRelaxed); }
  Timers& timers() { return timers_; }
  bool IsPollDescriptor(Fd fd) const { return backend_.IsPollDescriptor(fd); }

  // Readable when Poll(NonBlocking()) has something to say.
  Fd PollFd() const requires(Backend::kTraits.has_poll_fd) {
    return backend_.PollFd();
  }

  // Events that were dropped because their descriptor had been closed.
  std::uint64_t stale_events() const {
    return stale_.Load("stale.load", Order::kRelaxed);
  }

  Backend& backend() { return backend_; }
  const Backend& backend() const { return backend_; }

  // What a backend reports events to.
  class Sink {
   public:
    explicit Sink(Poller& poller) : poller_(poller) {}

    // The descriptor registered under `key` is ready in the directions of
    // `mode`. Any key is safe; a stale or foreign one is counted and dropped.
    [[gnu::always_inline]] void Ready(EventKey key, Mode mode,
                                      EventFlags flags) {
      Desc* const desc =
          key.valid_slot() ? poller_.pool_.Find(key.index()) : nullptr;
      if (desc == nullptr ||
          !desc->Ready(key.generation(), mode, flags, result_)) {
        poller_.stale_.FetchAdd("stale.count", 1, Order::kRelaxed);
      }
    }

   private:
    friend Poller;
    Poller& poller_;
    PollResult result_;
  };

 private:
  static EventKey KeyOf(const Desc* desc) {
    return EventKey::ForSlot(desc->index(), desc->generation());
  }

  struct CountingSink : Sink {
    using Sink::Sink;
    void Ready(EventKey key, Mode mode, EventFlags flags) {
      ++events;
      Sink::Ready(key, mode, flags);
    }
    std::int64_t events = 0;
  };

  // The rest of Park and Resume, out of line because it is rare: something came
  // between Prepare and Commit; what woke a task was gone when it ran.
  [[gnu::noinline]] WaitResult KeepWaiting(Desc* desc, Mode direction,
                                           Waiter* waiter, WaitKind kind) {
    return Env::Retry([&]() -> std::optional<WaitResult> {
      const WaitStep over = Finish(desc, direction, kind);
      if (over.ended) return WaitResult::Ended(over.error);
      const WaitStep begun = Prepare(desc, direction, kind);
      if (begun.ended) return WaitResult::Ended(begun.error);
      if (Commit(desc, direction, waiter)) return WaitResult::Parked();
      return std::nullopt;
    });
  }
  [[gnu::noinline]] WaitResult ParkAgain(Desc* desc, Mode direction,
                                         Waiter* waiter, WaitKind kind) {
    return Park(desc, direction, waiter, kind);
  }

  // At most one event a direction, and room for others: stale ones, new ones.
  std::int64_t MostPending() const {
    constexpr std::int64_t kOthers = 256;
    return 2 * open_.Load("most.open", Order::kAcquire) + kOthers;
  }

  // A backend that is one of several knows only when it runs.
  constexpr auto Traits() const {
    if constexpr (requires { backend_.traits(); }) {
      return backend_.traits();
    } else {
      return Backend::kTraits;
    }
  }

  // Of which directions `now` is believed: a PollAll may miss what has come.
  Mode AskBefore(const typename Timers::Firing& firing, std::int64_t now,
                 PollResult& result) {
    if constexpr (Backend::kTraits.asks_before_timeout) {
      if (!Traits().asks_before_timeout) return Mode::kReadWrite;
      const auto about = firing.owner->AboutFiring(firing.when, now);
      if (about.mode == kNoMode) return kNoMode;
      Sink sink(*this);
      backend_.Ask(about.fd, about.key, about.mode, sink);
      result.Append(sink.result_);
      return about.mode;
    }
    return Mode::kReadWrite;
  }

  bool InChild() const {
    if constexpr (Backend::kTraits.knows_children) return backend_.InChild();
    return false;
  }

  void GiveBack(Desc* desc) {
    desc->Retire();
    pool_.Free(desc);
  }

  Backend backend_;
  Timers timers_;
  Pool<Env, Desc> pool_;
  // Lowered with release after the waiters are runnable, loaded with acquire:
  // who finds it at 0 sees them. The raise is relaxed: the commit releases it.
  alignas(64) WaiterCount<Env, kWaiters> waiters_;
  // acq_rel, for the destroyer to come after all Closes.
  typename Env::template Atomic<std::int32_t> open_{0};
  // 1: a blocking poll is under way. Acquire and release, as a lock's.
  typename Env::template Atomic<std::uint32_t> blocking_{0};
  typename Env::template Atomic<std::uint64_t> stale_{0};  // For people.
};

}  // namespace netpoll

#endif  // NETPOLL_CORE_POLLER_H_
