// SPDX-License-Identifier: Apache-2.0
//
// A scheduler at work: workers over one poller, or each over its own, tasks
// that spawn, wait and end, threads outside that spawn or wake, a guest of
// another runtime, and whoever calls Run, may be again, and frees all of it
// when Run has returned. Or a loop of somebody else's drives it, a turn at a
// time.

#ifndef NETPOLL_MODEL_SCENARIOS_DISPATCH_WORLD_H_
#define NETPOLL_MODEL_SCENARIOS_DISPATCH_WORLD_H_

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "netpoll/core/delta.h"
#include "netpoll/model/scenarios/runtime_world.h"
#include "netpoll/runtime/protocols/dispatch.h"

namespace netpoll::model {

enum class TaskKind : std::uint8_t {
  kEnds,    // When it runs.
  kSpawns,  // Another one, and ends.
  kLasts,   // The same, and keeps its worker until that one has ended.
  kWaits,   // For the one event, and ends.
  kServes,  // Waits for the event again and again, and never ends.
  kKeeps,   // The same, and each time spawns another one and keeps its worker
            // until that one has ended.
  kHolds,   // Its worker until the first task, or the last, has ended.
};

struct DispatchCast {
  int workers = 1;
  // Each has a poller of its own, and the event comes by this one's.
  bool sharded = false;
  int event_at = 0;
  // Those that are there when the story begins. One may spawn another.
  std::vector<TaskKind> tasks = {};
  int background = 0;  // The last one of them, 1, does not keep Run at work.
  int spawned = 0;     // By a thread outside.
  // The first of them holds its worker: until the second one has ended, or,
  // alone, the first task, whose event that thread has come afterwards.
  bool spawned_hold = false;
  // Bit i: task i stays on the first worker, or on the last. Those that a task
  // spawns come after `tasks`, then a thread's.
  unsigned stay_first = 0, stay = 0;
  bool looks = false;  // A busy worker looks for events before each task,
                       // or, where nothing ends, before every second one.
  bool event = false;  // The event may come, by the poller.
  // It wakes the second task too, when both wait; the first one, when it runs
  // again, keeps its worker until the second has ended.
  bool pair = false;
  bool waker = false;  // Or by a thread that makes the task runnable.
  // It waits until a deadline at most: a thread may set it, or the task itself.
  bool deadline = false;
  bool own_deadline = false;
  bool sleep = false;   // It is a sleep, not a deadline of the poller.
  bool guest = false;   // A task of another runtime waits for the event.
  int runs = 1;         // Calls of Run, one after the other.
  int callers = 1;      // Who call it.
  bool frees = false;   // All of it, when Run has returned.
  bool fails = false;   // Threads for Run may not be had.
  bool driven = false;  // The first of them has a loop of its own, and a turn
                        // is as long as its tasks, or with `looks` one of them.
  // Run is called, tasks are spawned and the event comes again and again.
  bool endless = false;
};

class DispatchWorld : public RuntimeWorld {
 public:
  explicit DispatchWorld(const DispatchCast& cast);

  const char* AtRest(const View& view) override;
  const char* Passing(int law) override;
  bool Lasts(const View& view, int law) override;

 private:
  struct Worker {
    bool TurnIsOver() {
      world->turned_ = false;
      world->thread_->Mark("next", {world->round_, world->ran_});
      return world->cast_.looks && world->ran_ == kTurn;
    }
    void NewTurn() {
      world->ran_ = world->cast_.endless ? 0 : kTurn;
      world->turned_ = true;
    }
    void Stole() {}

    DispatchWorld* world = nullptr;
    int id = 0;
    internal::RunQueue<RuntimeEnv> queue;
    internal::RunQueue<RuntimeEnv> staying;
    SleepProtocol<RuntimeEnv> protocol;
  };

  static constexpr int kWorkers = 3;
  // Of the deadline; where time passes in rounds, later than all of them.
  static constexpr std::int64_t kTime = 1;
  static constexpr std::int64_t kLate = 1000 * internal::kRound;
  static constexpr int kRounds = 2;

  // The poller, and who waits for the event, or for a time.
  struct System {
    int at = 0;           // The poller of the event, or deadline; -1: a sleep.
    unsigned broken = 0;  // Bit i: poller i.
    bool held = false;    // A worker.
    bool idle = false;    // Rounds pass though nothing is to be found.
    int rounds = 0;       // That have passed.
    bool heard = false;   // The break has ended a sleep in a loop of its own.
    bool event = false;
    int absent = 0;  // Of a pair, who is not parked yet; else 0.
    bool parked = false;
    bool armed = false;    // The deadline.
    bool passed = false;   // Its time.
    bool in_time = false;  // The event came before, and the task waited.
    friend bool operator==(const System&, const System&) = default;
    std::string Text() const {
      return std::string(parked ? "a task is parked" : "nobody is parked") +
             (held ? ", a worker is held" : "") + (event ? ", event" : "") +
             (broken != 0 ? ", broken" : "") + (armed ? ", armed" : "") +
             (passed ? ", passed" : "");
    }
  };

  class Host : public internal::Dispatch<RuntimeEnv, Host, Worker> {
   public:
    explicit Host(DispatchWorld& world) : world_(world) {
      for (int i = 0; i < world.cast_.workers; ++i) {
        workers_[i].world = &world;
        workers_[i].id = i;
      }
    }
    int worker_count() { return world_.cast_.workers; }
    Worker& worker(int id) { return workers_[id]; }
    Worker* OnWorker() { return world_.on_worker_; }
    bool sharded() const { return world_.cast_.sharded; }
    void Break(Worker& of) {
      Thread::Call("break", world_.system_, BreakIt, world_.PollerOf(of));
    }
    void RunTask(Worker&, Waiter* task) { world_.RunOn(nullptr, task); }
    void RunStaying(Worker& worker, Waiter* task) {
      world_.RunOn(&worker, task);
    }
    bool AnyMayRun(Waiter* task) {
      return !world_.IsGuest(task) &&
             world_.Only(world_.NumberOf(task)) == nullptr;
    }
    void SendHome(Waiter* task) { world_.GoesHome(task); }
    std::int64_t Now();
    std::int64_t NextDeadline(Worker& of);
    std::int64_t NextSleep();
    void Poll(Worker& worker, Worker& of, Delta delta) {
      if (world_.PollFor(world_.PollerOf(of), delta) == 0) return;
      PollResult result;
      for (Waiter* const waiter : {world_.waits_, world_.waits_too_}) {
        if (waiter == nullptr) continue;
        result.Add(waiter);
        world_.MakesRunnable(waiter);
      }
      PushReady(worker, result);
    }
    void PollAll(Worker& worker, Worker& of) {
      if (world_.timed()) Poll(worker, of, Delta::NonBlocking());
    }
    void LookAtLives() { (void)life_.count(); }
    void Expire(Worker&, Worker& of, std::int64_t) {
      if (world_.cast_.sleep || world_.PollerOf(of) == world_.cast_.event_at) {
        world_.Expire();
      }
    }

   private:
    DispatchWorld& world_;
    Worker workers_[kWorkers];
  };

  // --- Steps of the environment ---------------------------------------------

  static Step BreakIt(System& system, std::int64_t poller) {
    system.broken |= 1u << poller;
    return 0;
  }
  // A sleep in a loop of its own, until the descriptor is readable. 1: for a
  // break that has ended one before.
  static Step SleepElsewhere(System& system, std::int64_t) {
    const bool event = system.event && system.parked;
    if (system.broken == 0) return event ? Step{0} : std::nullopt;
    return std::exchange(system.heard, true) && !event ? 1 : 0;
  }
  static Step TakeBreak(System& system, std::int64_t) {
    system.broken = 0;
    system.heard = false;
    return Fetch(system, 0);
  }
  static Step Fetch(System& system, std::int64_t poller) {
    if (!system.event || !system.parked || poller != system.at) return 0;
    system.event = system.parked = false;
    return 1;
  }
  static Step Wait(System& system, std::int64_t poller) {
    if (Fetch(system, poller) == 1) return 1;
    if ((system.broken >> poller & 1) == 0) return std::nullopt;
    system.broken &= ~(1u << poller);
    return 0;
  }
  // Of the deadline, and of time: dispatch_world_time.cc.
  static Step WaitUntil(System& system, std::int64_t poller);
  static Step WaitRound(System& system, std::int64_t poller);
  static Step Time(System& system, std::int64_t);
  static Step Passed(System& system, std::int64_t);
  static Step Armed(System& system, std::int64_t);
  static Step Arm(System& system, std::int64_t);
  static Step Passes(System& system, std::int64_t);
  static Step ExpireStep(System& system, std::int64_t);
  static Step Hold(System& system, std::int64_t) {
    system.held = true;
    return 0;
  }
  static Step Comes(System& system, std::int64_t) {
    system.event = true;
    return 0;
  }
  // The event comes by a thread: 1: it has the task in its hands.
  static Step Take(System& system, std::int64_t) {
    if (!system.parked) system.event = true;
    return std::exchange(system.parked, false) ? 1 : 0;
  }
  // 0: parked.
  static Step Park(System& system, std::int64_t) {
    if (system.absent > 0) {  // The event is for both.
      system.parked = --system.absent == 0;
      return 0;
    }
    if (std::exchange(system.event, false)) return 1;
    system.parked = true;
    system.in_time = false;
    return 0;
  }

  // --- Threads --------------------------------------------------------------

  void Enter(Thread& thread) {
    thread_ = &thread;
    on_worker_ = nullptr;
    drives_ = false;
    round_ = 0;
    ran_ = kTurn;
  }
  void Work(int id) {
    on_worker_ = &host_->worker(id);
    host_->Work(*on_worker_);
    on_worker_ = nullptr;
  }

  int NumberOf(Waiter* task) const {
    return static_cast<int>(static_cast<TaskOfThread*>(task) - tasks_);
  }
  bool IsBackground(int task) const {
    const int last = static_cast<int>(cast_.tasks.size());
    return task < last && task >= last - cast_.background;
  }
  bool IsGuest(Waiter* waiter) const { return waiter == &guest_; }
  // The worker that it stays on; null: any.
  Worker* Only(int task) {
    if ((cast_.stay_first >> task & 1) != 0) return &host_->worker(0);
    return (cast_.stay >> task & 1) != 0 ? &host_->worker(cast_.workers - 1)
                                         : nullptr;
  }
  void RunOn(Worker* only, Waiter* task);
  void MakesRunnable(Waiter* task);
  void Begin(int task);
  void GoesHome(Waiter* waiter);
  void RunTask(Waiter* waiter);
  void Ends(int task);
  void StopAll();

  bool timed() const { return cast_.deadline || cast_.own_deadline; }
  std::int64_t PollerOf(const Worker& worker) const {
    return cast_.sharded ? worker.id : 0;
  }
  void AddTime();
  std::int64_t When(bool asks);
  int PollFor(std::int64_t poller, Delta delta);
  void Expire();
  void SetDeadline();
  void SetsAgain(Thread& thread);
  const char* AtRestOfDeadline(const View& view);
  void SetsOwnAgain();
  void Serve(Waiter* task);
  void Caller(Thread& thread, bool drives);
  internal::RunEnd RunIt();
  internal::RunEnd Drive();
  void Works();
  void OtherWorker(Thread& thread, int id);
  void Spawner(Thread& thread);
  void Waker(Thread& thread);
  void Guest(Thread& thread);

  const DispatchCast cast_;
  ObjectOf<System> system_;
  std::unique_ptr<Host> host_;
  int memory_ = 0;
  Object* life_ = nullptr;
  std::vector<TaskKind> kinds_;
  int first_spawned_ = 0;  // By a thread; the one before it by a task.
  static constexpr int kTasks = 4;
  int held_until_ = 0;
  static constexpr int kTurn = 2;  // Tasks of a turn, where nothing ends.
  TaskOfThread tasks_[kTasks];
  Int stages_[kTasks] = {Int(kNone), Int(kNone), Int(kNone), Int(kNone)};
  TaskOfThread guest_;
  Waiter* waits_ = nullptr;      // For the event.
  Waiter* waits_too_ = nullptr;  // The second of a pair.
  Int stopped_{0};               // Because the background task was left alone.
  Int at_work_{0};               // Calls of Run that have workers, or a turn.
  // Of another worker: 1 open, 2 it works, 3 it has returned.
  Int gates_[kWorkers] = {Int(0), Int(0), Int(0)};
  Int entered_{0};   // By the guest, or it was refused.
  Int returned_{0};  // Run has.
  std::vector<int> callers_;
  int guest_thread_ = -1;
  int second_worker_ = -1;
  // Of the run that is under way.
  Thread* thread_ = nullptr;
  Worker* on_worker_ = nullptr;
  bool drives_ = false;
  int round_ = 0;
  int ran_ = kTurn;      // Tasks, since the worker has looked.
  bool turned_ = false;  // It has looked, and no task came since.
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_DISPATCH_WORLD_H_
