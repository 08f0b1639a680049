// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/scenarios/dispatch_world.h"

#include <algorithm>
#include <cstring>

namespace netpoll::model {

using internal::RunEnd, internal::RunLeft;

namespace {

bool Serves(TaskKind kind) {
  return kind == TaskKind::kServes || kind == TaskKind::kKeeps;
}

}  // namespace

DispatchWorld::DispatchWorld(const DispatchCast& cast)
    : cast_(cast),
      system_(System{.at = cast.sleep ? -1 : cast.event_at,
                     .idle = cast.sleep && cast.deadline,
                     .absent = cast.pair ? 2 : 0}),
      kinds_(cast.tasks) {
  system_.name = "poller";
  at_work_.name = "at work";
  for (Int& gate : gates_) gate.name = "gate";
  entered_.name = "entered";
  returned_.name = "returned";
  stopped_.name = "stopped";
  for (Int& stage : stages_) stage.name = "task";
  memory_ = MadeBy("runtime freed",
                   [this] { host_ = std::make_unique<Host>(*this); });
  for (std::size_t i = 0; i < cast.tasks.size(); ++i) {
    const TaskKind kind = cast.tasks[i];
    if (kind == TaskKind::kWaits || Serves(kind)) waits_ = &tasks_[i];
    stages_[i].now = stages_[i].Intern(kRunnable);
    const int task = static_cast<int>(i);
    if (IsBackground(task)) {
      host_->BeginBackground(&tasks_[i], Only(task));
    } else {
      host_->Begin(&tasks_[i], Only(task));
    }
  }
  first_spawned_ = static_cast<int>(cast.tasks.size());
  for (const TaskKind kind : cast.tasks) {
    if (kind == TaskKind::kSpawns || kind == TaskKind::kLasts ||
        kind == TaskKind::kKeeps) {
      ++first_spawned_;
    }
  }
  kinds_.resize(static_cast<std::size_t>(first_spawned_), TaskKind::kEnds);
  kinds_.resize(4, TaskKind::kEnds);
  if (cast.spawned_hold) {
    kinds_[static_cast<std::size_t>(first_spawned_)] = TaskKind::kHolds;
    if (cast.spawned > 1) held_until_ = first_spawned_ + 1;
  }
  host_->LookAtLives();
  life_ = ObjectAt("run.count");
  life_->name = "lives";
  returned_.now = returned_.Intern(cast.endless ? 1 : 0);
  if (cast.guest) waits_ = &guest_;
  if (cast.pair) waits_ = &tasks_[0], waits_too_ = &tasks_[held_until_ = 1];
  for (int i = 0; i < cast.callers; ++i) {
    callers_.push_back(
        AddThread(cast.callers == 1 ? "main" : "main" + std::to_string(i + 1),
                  [this, drives = cast.driven && i == 0](Thread& thread) {
                    Caller(thread, drives);
                  }));
  }
  const auto add = [this](bool there, const char* name,
                          void (DispatchWorld::*body)(Thread&)) {
    if (!there) return -1;
    return AddThread(name, [=, this](Thread& thread) {
      Enter(thread);
      (this->*body)(thread);
    });
  };
  for (int id = 1; id < cast.workers; ++id) {
    const int thread =
        AddThread("worker" + std::to_string(id + 1), [=, this](Thread& other) {
          Enter(other);
          OtherWorker(other, id);
        });
    if (id == 1) second_worker_ = thread;
  }
  add(cast.spawned != 0, "spawner", &DispatchWorld::Spawner);
  add(cast.waker, "waker", &DispatchWorld::Waker);
  guest_thread_ = add(cast.guest, "guest", &DispatchWorld::Guest);
  if (cast.guest) Introduce(guest_, guest_thread_);
  AddTime();
  if (cast.event && !cast.spawned_hold) {
    AddThread("peer", [this](Thread& thread) {
      do {
        thread.Mark("speak");
        Thread::MayCall("peer", system_, Comes);
      } while (cast_.endless);
    });
  }
  Settle();
}

const char* DispatchWorld::AtRest(const View& view) {
  bool all_returned = cast_.callers > 1 || view.Of(returned_) != 0;
  for (const int caller : callers_) {
    if (cast_.callers > 1) all_returned = all_returned && view.ended(caller);
  }
  const System& system = view.Of(system_);
  const Object* runnable = nullptr;
  int living =
      cast_.guest && view.Of(entered_) != 0 && !view.ended(guest_thread_) ? 1
                                                                          : 0;
  unsigned background = 0;
  for (int task = 0; task < 4; ++task) {
    const int at = view.Of(stages_[task]);
    if (at == kRunnable || at == kAgain) runnable = &stages_[task];
    if (at != kRunnable && at != kAgain && at != kGoing) continue;
    ++living;
    if (IsBackground(task)) ++background;
  }
  // Above the two bits of the phase, and above the count.
  const std::uint64_t word = life_->Bits(view.Raw(*life_));
  if ((word & 0x1ffffffff) >> 2 != static_cast<unsigned>(living) ||
      word >> 33 != background) {
    return Of(life_, "R2: those that live are miscounted");
  }
  if (all_returned) return nullptr;
  if (runnable != nullptr) {
    return Of(runnable, "L6: a task is runnable, and a worker sleeps or polls");
  }
  if (system.parked && system.event) {
    return Of(&system_, "L6: the event has come, and nobody polls");
  }
  if (const char* const law = AtRestOfDeadline(view)) return law;
  if (background != 0 && living == 1 && view.Of(stopped_) == 0) {
    return Of(life_, "R9: only a background task is left, and all goes on");
  }
  return living != 0 ? nullptr
                     : Of(life_, "R2: nobody is left, and Run does not return");
}

const char* DispatchWorld::Passing(int law) {
  if (!cast_.endless) return nullptr;
  if (law == 0) {
    return "L11: a task stays parked for ever, and what it waits for has come";
  }
  if (law < 1 + kTasks) {
    return "L15: a task is runnable for ever, and never runs";
  }
  return law < 1 + kTasks + cast_.workers
             ? "L13: a worker sleeps for ever, though there is work"
             : nullptr;
}

bool DispatchWorld::Lasts(const View& view, int law) {
  if (view.Of(returned_) != 0) return false;
  const System& system = view.Of(system_);
  if (law == 0) {
    return system.parked && (system.event || (system.armed && system.passed));
  }
  if (law < 1 + kTasks) return IsRunnable(view, stages_[law - 1]);
  bool work = false;
  for (int task = 0; task < kTasks; ++task) {
    work = work || IsRunnable(view, stages_[task]);
  }
  const int worker = law == 1 + kTasks ? 0 : second_worker_;
  return work && std::strcmp(view.Next(worker).site, "sleep.park") == 0;
}

// --- Tasks -------------------------------------------------------------------

// A guest does so in its own runtime.
void DispatchWorld::MakesRunnable(Waiter* task) {
  if (IsGuest(task)) return;
  if (Thread::Call("task.runnable", stages_[NumberOf(task)], BecomesRunnable) !=
      0) {
    thread_->Fail("R1: a task was made runnable twice");
  }
}

void DispatchWorld::Begin(int task) {
  MakesRunnable(&tasks_[task]);
  host_->Begin(&tasks_[task], Only(task));
}

void DispatchWorld::GoesHome(Waiter* waiter) {
  if (!IsGuest(waiter)) {
    Worker* const only = Only(NumberOf(waiter));
    if (only != nullptr) {
      host_->PushStaying(*only, waiter);
    } else {
      host_->Push(waiter);
    }
  } else if (!Thread::WakeEarly(guest_thread_)) {
    thread_->Fail("R1: a task was made runnable twice");
  }
}

// `only`: as one that stays there.
void DispatchWorld::RunOn(Worker* only, Waiter* task) {
  if (!IsGuest(task) && Only(NumberOf(task)) != only) {
    thread_->Fail("R10: a task that stays is run elsewhere, or as any other");
  }
  // Who drives it is at work for each task; Run, all the time.
  if (drives_) Works();
  RunTask(task);
  if (drives_) Thread::Call("run.worked", at_work_, Count, -1);
}

void DispatchWorld::RunTask(Waiter* waiter) {
  if (IsGuest(waiter)) {
    thread_->Fail("R3: a task runs in another runtime than its own");
  }
  const int task = NumberOf(waiter);
  const int was = Thread::Call("task.runs", stages_[task], Runs);
  if (was != kRunnable && was != kAgain) {
    thread_->Fail("R1: a task was run that is not runnable");
  }
  thread_->Mark("task", {round_, task, was, ran_, turned_ ? 1 : 0});
  const TaskKind kind = kinds_[task];
  ran_ = std::min(ran_ + 1, kTurn);
  Int& other = stages_[first_spawned_ - 1];
  if (kind == TaskKind::kKeeps) Thread::Call("task.again", other, Anew);
  if (kind == TaskKind::kSpawns || kind == TaskKind::kLasts ||
      kind == TaskKind::kKeeps) {
    Begin(first_spawned_ - 1);
  }
  if (kind == TaskKind::kLasts || kind == TaskKind::kKeeps) {
    Thread::Await("task.lasts", other, Until, kEnded);
  }
  if (Serves(kind)) return Serve(waiter);
  const bool first_of_pair = cast_.pair && task == 0 && was == kAgain;
  if (kind == TaskKind::kHolds || first_of_pair) {
    Thread::Call("task.holds", system_, Hold);
    Thread::Await("task.held", stages_[held_until_], Until, kEnded);
  }
  if (cast_.own_deadline && kind == TaskKind::kWaits && was == kRunnable) {
    SetDeadline();
  }
  if (kind == TaskKind::kWaits && was == kRunnable &&
      Thread::Call("task.parks", system_, Park) == 0) {
    return;
  }
  Ends(task);
}

void DispatchWorld::Ends(int task) {
  Thread::Call("task.ends", stages_[task], Put, kEnded);
  const RunLeft left =
      IsBackground(task) ? host_->BackgroundEnded() : host_->Ended();
  if (left == RunLeft::kBackground) StopAll();
}

// What waits ends.
void DispatchWorld::StopAll() {
  for (int task = 0; task < first_spawned_; ++task) {
    if (IsBackground(task)) continue;
    const int at = Thread::Call("stop.look", stages_[task], Look);
    if (at != kNone && at != kEnded) {
      thread_->Fail(
          "R9: all is stopped while a task lives that keeps Run at "
          "work");
    }
  }
  Thread::Call("stop.stop", stopped_, Put, 1);
  if (Thread::Call("stop.take", system_, Take) == 0) return;
  MakesRunnable(waits_);
  GoesHome(waits_);
}

// After an event that had come already, the others have their turn first.
void DispatchWorld::Serve(Waiter* task) {
  if (cast_.own_deadline) SetsOwnAgain();
  if (Thread::Call("task.parks", system_, Park) == 0) return;
  MakesRunnable(task);
  GoesHome(task);
}

// --- Threads -----------------------------------------------------------------

RunEnd DispatchWorld::RunIt() {
  return host_->RunAll([this](bool first) {
    if (cast_.fails && first && Thread::Choose("no threads", 2) == 1) {
      return false;
    }
    Works();
    if (cast_.background != 0 && host_->BackgroundAlone()) StopAll();
    for (int id = 1; id < cast_.workers; ++id) {
      Thread::Call("run.gate", gates_[id], Put, 1);
    }
    Work(0);
    for (int id = 1; id < cast_.workers; ++id) {
      Thread::Await("run.join", gates_[id], Until, 3);
      Thread::Call("run.joined", gates_[id], Put, 0);
    }
    Thread::Call("run.worked", at_work_, Count, -1);
    return true;
  });
}

// The same by turns.
RunEnd DispatchWorld::Drive() {
  using internal::AfterTurn;
  for (;;) {
    bool first = false;
    if (!host_->BeginTurn(&first)) return RunEnd::kAtWork;
    if (first && cast_.background != 0 && host_->BackgroundAlone()) StopAll();
    on_worker_ = &host_->worker(0);
    const AfterTurn after = host_->WorkATurn(*on_worker_, true);
    on_worker_ = nullptr;
    if (after.next == AfterTurn::Next::kEnded) return RunEnd::kNobodyLeft;
    thread_->Mark("turn", {round_, static_cast<int>(after.next)});
    if (after.next == AfterTurn::Next::kAgain) continue;
    if (Thread::Await("loop.sleep", system_, SleepElsewhere) != 0) {
      thread_->Fail("O1: one break woke the loop twice");
    }
    thread_->Mark("woken", {round_});
  }
}

void DispatchWorld::Works() {
  if (Thread::Call("run.works", at_work_, Count, 1) != 0) {
    thread_->Fail("R2: Run is at work twice");
  }
}

void DispatchWorld::Caller(Thread& thread, bool drives) {
  Enter(thread);
  drives_ = drives;
  while (cast_.endless) {
    thread.Mark("run");
    Thread::MayCall("run.again", returned_, Put, 0);
    if ((drives ? Drive() : RunIt()) != RunEnd::kNobodyLeft) {
      thread.Fail("R2: Run is not at work, and says so");
    }
    Thread::Call("run.returned", returned_, Put, 1);
  }
  for (; round_ < cast_.runs; ++round_) {
    thread.Mark("run", {round_});
    const RunEnd end = drives ? Drive() : RunIt();
    thread.Mark("ran", {round_, static_cast<int>(end)});
    if (end == RunEnd::kAtWork && cast_.callers == 1) {
      thread.Fail("R2: Run is not at work, and says so");
    }
    if (end != RunEnd::kNobodyLeft) continue;
    for (int i = 0; i < first_spawned_; ++i) {
      if (Thread::Call("run.look", stages_[i], Look) != kEnded) {
        thread.Fail("R2: Run has returned before a task's end");
      }
    }
  }
  Thread::Call("run.returned", returned_, Put, 1);
  if (!cast_.frees) return;
  if (cast_.guest) Thread::Await("run.guest", entered_, Until, 1);
  Free(thread, memory_);
}

void DispatchWorld::OtherWorker(Thread& thread, int id) {
  for (;;) {
    thread.Mark("gate");
    Thread::Await<int>("worker.gate", gates_[id],
                       [](int& gate, std::int64_t) -> Step {
                         if (gate != 1) return std::nullopt;
                         gate = 2;
                         return 0;
                       });
    Work(id);
    Thread::Call("worker.returns", gates_[id], Put, 3);
  }
}

void DispatchWorld::Waker(Thread& thread) {
  thread.May("waker.go");
  if (Thread::Call("waker.take", system_, Take) == 0) return;
  MakesRunnable(waits_);
  GoesHome(waits_);
}

void DispatchWorld::Guest(Thread& thread) {
  thread.May("guest.go");
  const bool in = host_->EnterGuest();
  Thread::Call("guest.entered", entered_, Put, 1);
  if (!in) return;
  if (Thread::Call("guest.parks", system_, Park) == 0) thread.Park();
  if (Thread::Call("guest.look", returned_, Look) != 0) {
    thread.Fail("R2: Run has returned while a guest waits");
  }
  host_->LeaveGuest();
}

}  // namespace netpoll::model
