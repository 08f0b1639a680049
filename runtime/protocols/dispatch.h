// SPDX-License-Identifier: Apache-2.0
//
// Who runs which task, and when Run returns: run queues, the workers' loop over
// core/worker_glue.h, the count of those that live, and the door of threads
// that are no workers. Steps only; threads, tasks and pollers are the host's.
//
// What each word is:
//   life_       run_word.h: whether Run is at work, and for how many tasks
//   done_       1: nobody is left, workers return. 0 when Run begins; 1 by
//               whoever counts the last one out. seq_cst, as all that a worker
//               looks at after its announcement; acquire where it is only the
//               loop's end
//   protocol_   core/sleep_protocol.h: who polls, who sleeps. Of one poller;
//               where each worker has its own (shards.h), that worker's
//   between_    1: a loop of somebody else's has Run at work, a turn at a time,
//               and is between two. 0 by whoever begins one, 1 when it ends;
//               acquire and release, for the loop's next turn may be another
//               thread's
//   guests_     1 for good: waiters of other runtimes have parked here, or
//               tasks stay on a worker. Written before they do, read by whoever
//               was handed one, so relaxed; of tasks that stay also by a worker
//               that is about to rest, so seq_cst
//   door_       held by threads that are not workers while they make a task
//               runnable, or count one out. What they do may end the runtime at
//               once: Run passes here before it returns
//
// A Host, the class that derives from this:
//   int worker_count(); Worker& worker(int)
//   Worker* OnWorker()       the worker that this thread is, or null
//   bool sharded()           whether each worker has a poller of its own
//   void Break(Worker&)      Poller::Break, of that worker's poller
//   void RunTask(Worker&, Waiter*)
//   void RunStaying(Worker&, Waiter*)   as RunTask, of one that stays here
//   bool AnyMayRun(Waiter*)  it belongs to this, and to no worker alone
//   void SendHome(Waiter*)   makes it runnable where it belongs
//   int64 Now(); NextDeadline(Worker&), of that one's poller; NextSleep()
//   Poll, PollAll, Expire    as in worker_glue.h, each with the worker that
//                            calls, and with the one whose poller it is
// A Worker has `id`, `queue`, `staying`, `protocol`, and
//   bool TurnIsOver()        it has run tasks for so long that it looks for
//                            events; asked before each
//   void NewTurn()           it has looked
//   void Stole()             a task of another's queue is its own now

#ifndef NETPOLL_RUNTIME_PROTOCOLS_DISPATCH_H_
#define NETPOLL_RUNTIME_PROTOCOLS_DISPATCH_H_

#include <cstdint>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/sleep_protocol.h"
#include "netpoll/core/types.h"
#include "netpoll/core/worker_glue.h"
#include "netpoll/runtime/protocols/glue_side.h"
#include "netpoll/runtime/protocols/run_end.h"
#include "netpoll/runtime/protocols/run_queue.h"
#include "netpoll/runtime/protocols/run_word.h"
#include "netpoll/runtime/protocols/shards.h"

namespace netpoll::internal {

template <class Env, class Host, class Worker>
class Dispatch {
 public:
  // --- Those that live ------------------------------------------------------

  // A task begins. `only`: the worker that alone runs it, null: any.
  void Begin(Waiter* task, Worker* only = nullptr) {
    life_.Add();
    PushTo(only, task);
  }

  // A task has ended that began here. kBackground, told to a thread that is no
  // worker: it has entered as a guest, so that it can act on it, and leaves.
  RunLeft Ended() {
    return Removed([this] { return life_.Remove(); });
  }

  // The same for a task that doesn't keep Run at work.
  void BeginBackground(Waiter* task, Worker* only = nullptr) {
    life_.AddBackground();
    PushTo(only, task);
  }
  RunLeft BackgroundEnded() {
    return Removed([this] { return life_.RemoveBackground(); });
  }
  bool BackgroundAlone() const { return life_.BackgroundAlone(); }

  // Keeps Run at work until LeaveGuest.
  void Hold() { life_.Add(); }

  // A task of another runtime is about to wait here. Run does not return
  // before it has left. False: Run has returned, nobody polls any more.
  bool EnterGuest() {
    guests_.Store("guest.mark", 1, Order::kRelaxed);
    return life_.AddUnlessEnded();
  }
  void LeaveGuest() {
    const LockHolder hold(door_, "guest.door");
    if (life_.Remove() == RunLeft::kNobody) Finish();
  }

  // --- Run ------------------------------------------------------------------

  // `work(first)` has workers Work until they return; false: it had none, which
  // may be only the first time.
  template <class F>
  RunEnd RunAll(F work) {
    RunPhase before;
    if (!life_.Begin(&before)) return RunEnd::kAtWork;
    for (bool first = true; GoesOn(); first = false) {
      if (!work(first)) {
        life_.Abort(before);
        return RunEnd::kNoWorkers;
      }
    }
    return RunEnd::kNobodyLeft;
  }

  // Run for a loop that sleeps in a call of its own: BeginTurn and, if that was
  // not refused, WorkATurn, again and again; one after the other. False: it is
  // at work elsewhere. `first`: Run begins.
  bool BeginTurn(bool* first) {
    *first = !between_.CompareExchange("turn.begin", 1, 0, Order::kAcqRel);
    RunPhase before;
    return !*first || life_.Begin(&before);
  }
  bool BetweenTurns() const {
    return between_.Load("turn.between", Order::kAcquire) != 0;
  }
  // What came while the loop slept; tasks, for as long as a turn lasts; then
  // the announcement of the next sleep. `worker` is the only one. `readable`:
  // the poller's descriptor is, or the loop does not know.
  AfterTurn WorkATurn(Worker& worker, bool readable) {
    Side side{*this, worker, worker};
    WorkerGlue<Env, Side> glue(protocol_, worker.id, side);
    if (protocol_.AnyPoller()) {
      glue.Finish(readable);
    } else {
      glue.Look();
    }
    if (!GoesOn()) return {AfterTurn::Next::kEnded, kNever};
    AfterTurn after{AfterTurn::Next::kAgain, kNever};
    if (RunSome(worker)) {
      const auto rest = glue.Prepare();
      if (rest.next != WorkerGlue<Env, Side>::Next::kWork) {
        after = {AfterTurn::Next::kSleep, rest.until};
      }
    }
    between_.Store("turn.end", 1, Order::kRelease);
    return after;
  }

  // A worker's loop.
  void Work(Worker& worker) {
    while (done_.Load("work.done", Order::kAcquire) == 0) {
      Waiter* const task = Next(worker);
      if (task == nullptr) {
        Idle(worker);
      } else {
        host().RunTask(worker, task);
      }
    }
  }

  // --- Making tasks runnable ------------------------------------------------

  // From any thread. The task may run, and be gone, before this returns.
  void Push(Waiter* task) {
    if (Worker* const worker = host().OnWorker(); worker != nullptr) {
      worker->queue.Push(task);
      if (host().worker_count() > 1) NotifyWork(worker);
    } else {
      const LockHolder hold(door_, "push.door");
      injected_.Push(task);
      NotifyWork(nullptr);
    }
  }

  // The same of a task that stays on `only`: nobody else takes it.
  void PushStaying(Worker& only, Waiter* task) {
    if (Worker* const worker = host().OnWorker(); worker != nullptr) {
      only.staying.Push(task);
      if (worker != &only) Notify(only);  // It looks before it rests.
    } else {
      const LockHolder hold(door_, "stay.door");
      only.staying.Push(task);
      Notify(only);
    }
  }

  // What a poll by `worker` made ready. Others take a part: the glue sees to it
  // or, of own pollers, one call. Empties the list.
  void PushReady(Worker& worker, PollResult& result) {
    std::int32_t count = -result.waiters_delta;
    if (guests_.Load("guest.any", Order::kRelaxed) != 0) {
      count = shards().SendHome(result.ready);
      if (result.ready.empty()) return;
    }
    const int queued = worker.queue.Push(result.ready, count);
    if (host().sharded() && queued > 1) NotifyWork(&worker);
  }

  // A deadline was set in the poller of `of`; null: a sleep's end. Whoever must
  // know of an earlier one is told.
  void DeadlineMoved(std::int64_t when, Worker* of) {
    Worker* const worker = host().OnWorker();
    // The only worker, and it runs: it looks before it polls.
    if (host().worker_count() == 1 && worker != nullptr) return;
    if (host().sharded() && of == nullptr) {
      return shards().SleepMoved(worker, when);
    }
    Worker& polls = of != nullptr ? *of : host().worker(0);
    if (ProtocolOf(polls).DeadlineMoved(when)) host().Break(polls);
  }

 protected:
  using Side = GlueSide<Dispatch, Worker>;
  friend Side;

  Host& host() { return static_cast<Host&>(*this); }
  Shards<Host, Worker> shards() { return Shards<Host, Worker>(host()); }
  SleepProtocol<Env>& ProtocolOf(Worker& worker) {
    return host().sharded() ? worker.protocol : protocol_;
  }

  template <class Remove>
  RunLeft Removed(Remove remove) {
    if (host().OnWorker() != nullptr) {
      const RunLeft left = remove();
      if (left == RunLeft::kNobody) Finish();
      return left;
    }
    const LockHolder hold(door_, "guest.door");
    const RunLeft left = remove();
    if (left == RunLeft::kNobody) Finish();
    if (left != RunLeft::kBackground) return left;
    // They may end at any moment, and Run with them.
    return life_.AddUnlessEnded() ? left : RunLeft::kNobody;
  }

  // Whether Run has anybody left to work for; if not, it has ended.
  bool GoesOn() {
    while (!life_.End()) {
      done_.Store("run.done", 0, Order::kSeqCst);
      // Somebody may have found no task, and said so, before that.
      if (life_.count() != 0) return true;
    }
    // Whoever made the last tasks runnable may still be about it.
    const LockHolder pass(door_, "run.door");
    return false;
  }

  Waiter* Next(Worker& worker) {
    do {
      if (worker.TurnIsOver()) {
        worker.NewTurn();
        Look(worker, worker);
        RunStaying(worker);
        if (Waiter* const task = injected_.Pop()) return task;
      }
      if (Waiter* const task = Own(worker)) return task;
    } while (RunStaying(worker));
    return Elsewhere(worker);
  }

  // Of the worker's own queue.
  Waiter* Own(Worker& worker) {
    return host().worker_count() == 1 ? worker.queue.PopAlone()
                                      : worker.queue.Pop();
  }

  // A turn's tasks. False: it was over before there were none.
  bool RunSome(Worker& worker) {
    worker.NewTurn();
    RunStaying(worker);
    Waiter* task = injected_.Pop();
    if (task == nullptr) task = Own(worker);
    for (; RunOne(worker, task); task = Own(worker)) {
      if (worker.TurnIsOver()) return false;
    }
    return true;
  }

  // That task; or, if it is null, one that stays here, or is found elsewhere.
  // False: there is none.
  bool RunOne(Worker& worker, Waiter* task) {
    if (task == nullptr) {
      if (RunStaying(worker)) return true;
      task = Elsewhere(worker);
      if (task == nullptr) return false;
    }
    host().RunTask(worker, task);
    return true;
  }

  // A task that stays here; others may take those behind it. False: there is
  // none. Run at once: the worker need not look what each is that it runs.
  bool RunStaying(Worker& worker) {
    if (guests_.Load("stay.any", Order::kRelaxed) == 0) return false;
    Waiter* const task = worker.staying.Pop();
    if (task == nullptr) return false;
    if (host().sharded() && !worker.queue.Empty()) NotifyWork(&worker);
    host().RunStaying(worker, task);
    return true;
  }

  Waiter* Elsewhere(Worker& worker) {
    Waiter* task = injected_.Pop();
    if (task == nullptr) task = Steal(worker);
    if (task != nullptr && host().sharded()) {
      shards().BeWatched(worker);
      if (WorkVisible(worker)) NotifyWork(&worker);
    }
    return task;
  }

  Waiter* Steal(Worker& worker) {
    const int count = host().worker_count();
    for (int i = 1; i < count; ++i) {
      Worker& victim = host().worker((worker.id + i) % count);
      if (Waiter* const task = victim.queue.StealInto(worker.queue)) {
        worker.Stole();
        return task;
      }
    }
    return nullptr;
  }

  void Idle(Worker& worker) {
    Round round;
    Side side{*this, worker, worker, host().sharded() ? &round : nullptr};
    WorkerGlue<Env, Side>(ProtocolOf(worker), worker.id, side).Idle();
    if (!host().sharded()) return;
    if (!worker.queue.Empty() || !worker.staying.Empty()) {
      shards().BeWatched(worker);
    } else if (round.at != kNever && round.at <= host().Now()) {
      shards().EachBusy(worker, [&](Worker& busy) { Look(worker, busy); });
    }
  }

  // By `worker`, at the poller of `of`.
  void Look(Worker& worker, Worker& of) {
    Side side{*this, worker, of};
    WorkerGlue<Env, Side>(ProtocolOf(of), of.id, side).Look();
  }

  bool WorkVisible(Worker& worker) {
    if (done_.Load("idle.done", Order::kSeqCst) != 0) return true;
    if (!injected_.Empty()) return true;
    if (guests_.Load("idle.stay", Order::kSeqCst) != 0 &&
        !worker.staying.Empty()) {
      return true;
    }
    const int count = host().worker_count();
    for (int id = 0; id < count; ++id) {
      if (!host().worker(id).queue.Empty()) return true;
    }
    return false;
  }

  // `me`: the worker that this thread is, or null.
  void NotifyWork(Worker* me) {
    if (host().sharded()) return shards().Wake(me);
    if (protocol_.Wake()) host().Break(host().worker(0));
  }
  void Notify(Worker& worker) {
    if (ProtocolOf(worker).WakeOne(worker.id)) host().Break(worker);
  }

  void PushTo(Worker* only, Waiter* task) {
    if (only == nullptr) return Push(task);
    guests_.Store("stay.mark", 1, Order::kSeqCst);
    PushStaying(*only, task);
  }

  void WakeEverybody() {
    if (host().sharded()) return shards().WakeAll();
    while (protocol_.WakeSleeper()) {
    }
    if (protocol_.AnyPoller()) host().Break(host().worker(0));
  }

  void Finish() {
    done_.Store("finish.done", 1, Order::kSeqCst);
    WakeEverybody();
  }

  RunWord<Env> life_;
  typename Env::template Atomic<std::uint32_t> done_{0};
  SleepProtocol<Env> protocol_;
  typename Env::template Atomic<std::uint32_t> between_{0};
  RunQueue<Env> injected_;  // From threads that are no workers of this.
  typename Env::template Atomic<std::uint32_t> guests_{0};
  typename Env::Lock door_;
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_DISPATCH_H_
