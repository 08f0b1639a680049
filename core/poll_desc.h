// SPDX-License-Identifier: Apache-2.0
//
// PollDesc: one descriptor in the poller. The concurrent shell over the pure
// transitions of semaphore.h, status.h and deadline_plan.h.
//
// Why no wake-up is lost. A task that is about to park
//     (1) moves its semaphore Nil -> Wait, then (2) loads the status word;
// whoever closes or expires
//     (3) publishes the status word, then (4) loads the semaphore.
// All four are seq_cst, so one sees the other: the task the error, and does not
// park; or the closer Wait or the waiter, and moves the word: then the commit
// fails, or the waiter is handed out.
// A readiness event goes through the semaphore alone: it leaves kReady behind
// whenever it finds nobody parked. In user space, where no system's lock orders
// it, readiness and the semaphore are such a pair too.
// Weaker, on the path of every message: loads are relaxed that an exchange
// confirms, or that find what was there before (the waker's write, the lock's);
// `check.status` is acquire, for what came before a close or a deadline; the
// commit releases, also its count.
//
// Stronger than a configuration asks for, because:
//   open.*, close.*, retire.status, reset.status, cancel.* cas: rare, as others
//   ready.?g cas: for the waiter, and flags noted before; acq_rel is no cheaper
//   ready.wg load: as of ready.rg; writers are told of no error
//
// Which field is guarded by what:
//   rg, wg, status    atomic, see semaphore.h and status.h
//   index, fd         constant: index for good, fd for one incarnation
//   state             the lock
//   next_free         the pool's lock; timer_position: the timer heap's
// Slots are type-stable (pool.h): a late event may always look at one.

#ifndef NETPOLL_CORE_POLL_DESC_H_
#define NETPOLL_CORE_POLL_DESC_H_

#include <cstdint>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/deadline_plan.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/generation.h"
#include "netpoll/core/semaphore.h"
#include "netpoll/core/status.h"
#include "netpoll/core/timer_heap.h"
#include "netpoll/core/types.h"
#include "netpoll/core/wait.h"

namespace netpoll {

// The answer of a change of a deadline.
struct [[nodiscard]] DeadlineResult {
  PollResult wake;
  // The earliest deadline of the poller moved forward: break a blocked poll
  // that would sleep past it.
  bool earliest_moved = false;
};

template <class Env>
class PollDesc {
 public:
  using WaiterCount = typename Env::template Atomic<std::int32_t>;
  using Generations = GenerationOf<Env::kGenerationBits>;
  static constexpr std::uint32_t kWhichever = 0;  // No generation is 0.

  explicit PollDesc(std::uint32_t index) : index_(index) {}
  PollDesc(const PollDesc&) = delete;
  PollDesc& operator=(const PollDesc&) = delete;

  std::uint32_t index() const { return index_; }
  Fd fd() const { return fd_.Get(); }
  std::uint32_t generation() const {
    return status::Generation(status_.Load("desc.generation", Order::kRelaxed));
  }

  // --- One incarnation's life -----------------------------------------------
  // Starts an incarnation for `fd`; the slot is the caller's alone, but late
  // events of earlier incarnations may still arrive. Returns its key.
  EventKey Open(Fd fd) {
    const LockHolder hold(lock_, "open.lock");
    Clear(rg_, "open.rg");
    Clear(wg_, "open.wg");
    fd_.Set(fd);
    state_.Set({});
    const std::uint32_t before = generation();
    const std::uint32_t now = before == 0 ? Generations::Next(0) : before;
    Update<Env>(status_, "open.status", kSeqCstUpdate,
                [now](StatusWord word) { return status::Open(word, now); });
    return EventKey::ForSlot(index_, now);
  }

  // Stops the process unless the descriptor may be closed.
  void CheckClosable() {
    const LockHolder hold(lock_, "close.lock");
    if (!state_.Get().closing) {
      Env::Misuse("Close was called on a descriptor without Unblock before");
    }
    if (!semaphore::Idle(rg_.Load("close.rg", Order::kAcquire)) ||
        !semaphore::Idle(wg_.Load("close.wg", Order::kAcquire))) {
      Env::Misuse(
          "Close was called while a task still waits on the descriptor");
    }
  }

  // The system's key of what is to be closed. Stops if that was done already.
  EventKey KeyToClose() const {
    const StatusWord word = status_.Load("desc.generation", Order::kRelaxed);
    CheckOpen(word);
    return EventKey::ForSlot(index_, status::Generation(word));
  }

  // Ends the incarnation: its events are stale from here on. Comes before the
  // slot is given back to the pool. Of two closes at once sees the second.
  void Retire() {
    const LockHolder hold(lock_, "retire.lock");
    const std::uint32_t next = Generations::Next(generation());
    StatusSummary last = Summary(next);
    last.retired = true;
    CheckOpen(Publish(last, "retire.status"));
  }

  // --- Tasks: one per direction at a time -----------------------------------
  // Closing or a deadline, or nothing.
  PollError Ended(Mode direction) const {
    return status::Ended(status_.Load("check.status", Order::kAcquire),
                         direction);
  }

  bool NoMoreEdges() const {  // seq_cst: all that some reports have left.
    return status::NoMoreEdges(status_.Load("edges.status", Order::kSeqCst));
  }

  // Whether the last event said nothing but "error", and the reader has not
  // begun anew since.
  bool ErrorReported() const {
    return (status_.Load("error.status", Order::kAcquire) & status::kErrors) !=
           0;
  }

  // Forgets recorded readiness, and for a reader the errors that were reported,
  // unless the descriptor closes or the deadline has passed. The caller tries
  // its system call next, and waits only when that would block.
  PollError Reset(Mode direction) {
    const StatusWord word = status_.Load("check.status", Order::kAcquire);
    const PollError error = status::Ended(word, direction);
    if (error != PollError::kNone) return error;
    if (direction == Mode::kRead && (word & status::kErrors) != 0) {
      Update<Env>(status_, "reset.status", kSeqCstUpdate, status::ForgetErrors);
    }
    const auto done = Update<Env>(Word(direction), "reset.word",
                                  kConfirmedUpdate, semaphore::Reset);
    if (done.step.outcome == SemaphoreOutcome::kMisuse)
      Env::Misuse("Reset was called in a direction in which a task waits");
    return PollError::kNone;
  }

  // Readiness comes before kNotPollable: whatever an error report is about, the
  // call is tried after it.
  WaitStep Prepare(Mode direction, WaitKind kind) {
    if (kind != WaitKind::kUntilReady) {
      const PollError error = Ended(direction);
      if (error != PollError::kNone) return WaitStep::End(error);
    }
    const auto done = Update<Env>(Word(direction), "prepare.word",
                                  kConfirmedUpdate, semaphore::Prepare);
    if (done.step.outcome == SemaphoreOutcome::kConsumed)
      return WaitStep::End();
    if (done.step.outcome != SemaphoreOutcome::kMustPark)
      Env::Misuse("two tasks wait in one direction of a descriptor");
    if (kind == WaitKind::kUntilReady) return WaitStep::GoOn();
    const PollError error = status::Check(
        status_.Load("prepare.recheck", Order::kSeqCst), direction);
    if (error == PollError::kNone) return WaitStep::GoOn();
    return WaitStep::End(TakeReady(direction) ? PollError::kNone : error);
  }

  // Parks `waiter` if nothing came in between. From the successful exchange on
  // the caller may touch neither the waiter nor its frame. The count goes up
  // first, so that it is never below the number of parked words.
  template <class Count>
  [[nodiscard]] bool Commit(Mode direction, Waiter* waiter, Count& waiters) {
    waiters.FetchAdd("commit.count", 1, Order::kRelaxed);
    const auto word = reinterpret_cast<SemaphoreWord>(waiter);
    const auto done = Update<Env>(Word(direction), "commit.word",
                                  kReleaseUpdate, [word](SemaphoreWord before) {
                                    return semaphore::Commit(before, word);
                                  });
    if (done.step.outcome == SemaphoreOutcome::kParked) return true;
    if (done.step.outcome == SemaphoreOutcome::kMisuse)
      Env::Misuse("two tasks wait in one direction of a descriptor");
    waiters.FetchAdd("commit.undo", -1, Order::kRelaxed);
    return false;
  }

  // After a Commit that did not park, and when a parked task runs again.
  WaitStep Finish(Mode direction, WaitKind kind) {
    if (TakeReady(direction)) return WaitStep::End();
    if (kind == WaitKind::kUntilReady) return WaitStep::GoOn();
    const PollError error = Ended(direction);
    // No error: the deadline that woke the task was moved before it ran.
    if (error == PollError::kNone) return WaitStep::GoOn();
    return WaitStep::End(error);
  }

  // --- Everybody else -------------------------------------------------------

  // Wakes both directions for good; every later Reset and Prepare answers
  // kClosing. Once per incarnation.
  template <class Timers>
  PollResult Unblock(Timers& timers) {
    PollResult wake;
    const LockHolder hold(lock_, "unblock.lock");
    if (state_.Get().closing) {
      Env::Misuse("Unblock was called twice on a descriptor");
    }
    Apply(DeadlinePlanner::Unblock(state_.Get()), timers, "unblock.status",
          wake);
    return wake;
  }

  // Sets the deadline of the directions in `mode`; nothing once closing, or in
  // another incarnation than `of`. Of most operations a mere store.
  template <class Timers>
  DeadlineResult SetDeadline(Mode mode, Deadline deadline, Timers& timers,
                             std::uint32_t of = kWhichever) {
    DeadlineResult result;
    const LockHolder hold(lock_, "deadline.lock");
    if (of != kWhichever && of != generation()) return result;
    if (DeadlinePlanner::OnlyStores(state_.Get(), deadline)) [[likely]] {
      state_.Change([mode, deadline](DescState& state) {
        DeadlinePlanner::Store(state, mode, deadline);
      });
    } else {
      SetPlanned(mode, deadline, timers, result);
    }
    return result;
  }

  // The timer that was due at `when` fired, and `now` is believed of the
  // directions of `mode`. It may be an old one, then nothing happens.
  template <class Timers>
  DeadlineResult Fire(std::int64_t when, std::int64_t now, Mode mode,
                      Timers& timers) {
    DeadlineResult result;
    const LockHolder hold(lock_, "fire.lock");
    const DeadlinePlan plan =
        DeadlinePlanner::Fire(state_.Get(), when, now, mode);
    if (plan.applies)
      result.earliest_moved = Apply(plan, timers, "fire.status", result.wake);
    return result;
  }

  // Which directions a timer that fired would expire, and of what. Both may
  // change as soon as this returns; the key tells.
  struct Firing {
    Mode mode;
    Fd fd;
    EventKey key;
  };
  Firing AboutFiring(std::int64_t when, std::int64_t now) {
    const LockHolder hold(lock_, "ask.lock");
    const Mode mode = DeadlinePlanner::WouldExpire(state_.Get(), when, now);
    return {mode, fd_.Get(), EventKey::ForSlot(index_, generation())};
  }

  // An event of incarnation `generation` made the directions of `mode` ready.
  // False if it is stale: nothing was changed. The flags are published before
  // the semaphore moves, so the woken task sees them.
  [[gnu::always_inline]] bool Ready(std::uint32_t generation, Mode mode,
                                    EventFlags flags, PollResult& wake) {
    const auto noted =
        Update<Env>(status_, "ready.status", kConfirmedUpdate,
                    [generation, flags](StatusWord word) {
                      return status::Event(word, generation, flags);
                    });
    if (!noted.step.accepted) return false;
    Nudge(mode, wake);
    return true;
  }

  // The directions of `mode` are to try again, though the system reported
  // nothing. The caller keeps the descriptor open.
  [[gnu::always_inline]] void Nudge(Mode mode, PollResult& wake) {
    if (Has(mode, Mode::kRead)) Move<semaphore::Ready>(rg_, "ready.rg", wake);
    if (Has(mode, Mode::kWrite)) Move<semaphore::Ready>(wg_, "ready.wg", wake);
  }

  // --- For the pool, the timers and checkers --------------------------------

  std::uint32_t next_free() const { return next_free_.Get(); }
  void set_next_free(std::uint32_t next) { next_free_.Set(next); }

  TimerPosition& timer_position() { return timer_position_; }

  SemaphoreWord semaphore_word(Mode direction) {
    return Word(direction).Load("inspect.word", Order::kSeqCst);
  }
  StatusWord status_word() const {
    return status_.Load("inspect.status", Order::kSeqCst);
  }
  // How many wait. Nobody decides by it: relaxed.
  int parked() const {
    return int{IsWaiter(rg_.Load("parked.rg", Order::kRelaxed))} +
           int{IsWaiter(wg_.Load("parked.wg", Order::kRelaxed))};
  }

 private:
  using SemaphoreAtomic = typename Env::template Atomic<SemaphoreWord>;

  SemaphoreAtomic& Word(Mode direction) {
    return direction == Mode::kRead ? rg_ : wg_;
  }

  // Consumes recorded readiness; leaves kNil.
  bool TakeReady(Mode direction) {
    const auto done = Update<Env>(Word(direction), "finish.word",
                                  kConfirmedUpdate, semaphore::Finish);
    if (done.step.outcome == SemaphoreOutcome::kMisuse)
      Env::Misuse("a parked task ran although nobody took its waiter");
    return done.step.outcome == SemaphoreOutcome::kConsumed;
  }

  void Clear(SemaphoreAtomic& word, Site site) {
    const auto done = Update<Env>(word, site, kSeqCstUpdate, semaphore::Reset);
    if (done.step.outcome == SemaphoreOutcome::kMisuse)
      Env::Misuse("a task waits on a descriptor that is not open");
  }

  // One word, moved by semaphore::Ready or Cancel.
  template <SemaphoreStep (*kTransition)(SemaphoreWord)>
  static void Move(SemaphoreAtomic& word, Site site, PollResult& wake) {
    const auto done = Update<Env>(word, site, kSeqCstUpdate, kTransition);
    if (done.step.outcome != SemaphoreOutcome::kWake) return;
    wake.Add(reinterpret_cast<Waiter*>(done.before));
  }

  static void CheckOpen(StatusWord word) {
    if ((word & status::kRetired) == 0) return;
    Env::Misuse("Close was called twice on a descriptor");
  }

  StatusSummary Summary(std::uint32_t generation) const {
    const DescState& state = state_.Get();
    return {state.closing, state.read < 0, state.write < 0, generation};
  }

  // The word before.
  StatusWord Publish(const StatusSummary& summary, Site site) {
    return Update<Env>(status_, site, kConfirmedUpdate,
                       [&summary](StatusWord word) {
                         return status::Publish(word, summary);
                       })
        .before;
  }

  // Under the lock.
  template <class Timers>
  [[gnu::noinline]] void SetPlanned(Mode mode, Deadline deadline,
                                    Timers& timers, DeadlineResult& result) {
    const auto plan = DeadlinePlanner::Set(state_.Get(), mode, deadline);
    if (!plan.applies) return;
    result.earliest_moved = Apply(plan, timers, "deadline.status", result.wake);
  }

  // Under the lock: fields, status word, timer, then the waiters. True if the
  // earliest deadline moved forward. Inlined, so that a plan is registers: what
  // most plans don't ask for costs a branch.
  template <class Timers>
  [[gnu::always_inline]] inline bool Apply(const DeadlinePlan& plan,
                                           Timers& timers, Site site,
                                           PollResult& wake) {
    state_.Set(plan.next);
    if (plan.publish) Publish(Summary(generation()), site);
    const bool moved = plan.arm != kNever && timers.Arm(this, plan.arm);
    if (plan.stop) timers.Stop(this);
    if (plan.cancel_read) Move<semaphore::Cancel>(rg_, "cancel.rg", wake);
    if (plan.cancel_write) Move<semaphore::Cancel>(wg_, "cancel.wg", wake);
    return moved;
  }

  // What a wake touches: half a cache line, never a part of two.
  alignas(sizeof(Fd) == 4 ? 32 : 64) SemaphoreAtomic rg_{kNil};
  SemaphoreAtomic wg_{kNil};
  typename Env::template Atomic<StatusWord> status_{0};
  std::uint32_t index_;
  typename Env::template Var<Fd> fd_;

  // The rest.
  typename Env::Lock lock_;
  typename Env::template Var<std::uint32_t> next_free_;
  typename Env::template Var<DescState> state_;
  TimerPosition timer_position_ = 0;
};

static_assert(sizeof(PollDesc<StdEnv>) <= (sizeof(Fd) == 4 ? 96 : 128));

}  // namespace netpoll

#endif  // NETPOLL_CORE_POLL_DESC_H_
