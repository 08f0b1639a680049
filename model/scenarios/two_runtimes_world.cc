// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/scenarios/two_runtimes_world.h"

namespace netpoll::model {

using internal::RunEnd;

TwoRuntimesWorld::TwoRuntimesWorld(const TwoRuntimesCast& cast) : cast_(cast) {
  constexpr const char* kFreed[] = {"runtime1 freed", "runtime2 freed"};
  for (int i = 0; i < 2; ++i) {
    memory_[i] = MadeBy(
        kFreed[i], [=, this] { hosts_[i] = std::make_unique<Host>(*this, i); });
    broken_[i].name = i == 0 ? "poller1" : "poller2";
    stages_[i].name = i == 0 ? "task1" : "task2";
  }
  hearing_memory_ = MadeBy("hearing freed",
                           [this] { hearing_ = std::make_unique<Hearing>(); });
  word_memory_ =
      MadeBy("state freed", [this] { word_ = std::make_unique<Word>(); });
  hearing_->Ref();  // The state's, of the task and its handle.
  sharers_.name = "sharers";
  heard_.name = "heard";
  if (cast.endless) {
    sharers_.now = sharers_.Intern(0);
    heard_.now = heard_.Intern(1);
    (void)hearing_->Unref();
    hosts_[0]->Hold();
    AddThread("spawner", [this](Thread& thread) { SpawnsAgain(thread); });
  }
  for (int i = 0; i < (cast.spawns ? 1 : 2) && !cast.endless; ++i) {
    stages_[i].now = stages_[i].Intern(kRunnable);
    hosts_[i]->Begin(&tasks_[i]);
  }
  // Until the first one has spawned there.
  if (cast.spawns) hosts_[1]->Hold();
  for (int i = 0; i < 2; ++i) {
    mains_[i] = AddThread("main" + std::to_string(i + 1),
                          [=, this](Thread& thread) { Main(thread, i); });
    Introduce(tasks_[i], mains_[i]);
  }
  Settle();
}

const char* TwoRuntimesWorld::AtRest(const View& view) {
  for (int i = 0; i < 2; ++i) {
    if (IsRunnable(view, stages_[i])) {
      return Of(&stages_[i], "L6: a task is runnable, and a worker polls");
    }
  }
  if (view.Of(stages_[1]) == kEnded && view.Of(stages_[0]) == kGoing) {
    return Of(&stages_[0], "R3: a task waits for one that has ended");
  }
  if (view.Of(heard_) > 1) return Of(&heard_, "R4: an exception came twice");
  if (cast_.endless) return nullptr;
  for (const int main : mains_) {
    if (!view.ended(main)) return "R2: nobody is left, and Run does not return";
  }
  if (!freed(view, hearing_memory_)) {
    return "R5: memory is kept that nobody refers to";
  }
  return nullptr;
}

const char* TwoRuntimesWorld::Passing(int law) {
  if (!cast_.endless) return nullptr;
  if (law == 0) {
    return "L11: a task stays parked for ever, and what it waits for has come";
  }
  return law < 3 ? "L15: a task is runnable for ever, and never runs" : nullptr;
}

bool TwoRuntimesWorld::Lasts(const View& view, int law) {
  if (law > 0) return IsRunnable(view, stages_[law - 1]);
  return view.Of(stages_[0]) == kGoing && view.Of(stages_[1]) == kEnded;
}

void TwoRuntimesWorld::Runnable(int task) {
  if (Thread::Call("task.runnable", stages_[task], BecomesRunnable) != 0) {
    thread_->Fail("R1: a task was made runnable twice");
  }
  hosts_[task]->Push(&tasks_[task]);
}

void TwoRuntimesWorld::RunTask(Waiter* waiter, int runtime) {
  const int task = waiter == &tasks_[0] ? 0 : 1;
  if (task != runtime) {
    thread_->Fail("R3: a task runs in another runtime than its own");
  }
  const int was = Thread::Call("task.runs", stages_[task], Runs);
  if (was != kRunnable && was != kAgain) {
    thread_->Fail("R1: a task was run that is not runnable");
  }
  thread_->Mark("task", {task, was});
  task == 0 ? First(was) : Second(cast_.throws);
}

// Awaits the second, or lets go of it, and ends.
void TwoRuntimesWorld::First(int was) {
  if (was == kRunnable) {
    if (cast_.spawns) {
      Thread::Call("task.runnable", stages_[1], BecomesRunnable);
      hosts_[1]->Begin(&tasks_[1]);
      if (!cast_.endless) hosts_[1]->LeaveGuest();
    }
    if (cast_.detaches && Thread::Choose("detaches", 2) == 1) {
      word_->Detach([this](int) { Report(); });
      Unshare();
      return Ends(0);
    }
    if (!word_->ended() && word_->Park(&tasks_[0])) return;
  }
  if (!word_->ended()) {
    thread_->Fail("R3: a task went on before the one that it awaits ended");
  }
  if (word_->exception() != 0) Thread::Call("handed", heard_, Count, 1);
  Unshare();
  Ends(0);
}

void TwoRuntimesWorld::Second(bool throws) {
  word_->End(
      throws ? 1 : 0, [this](Waiter*) { Runnable(0); },
      [this](int) { Report(); });
  Unshare();
  Ends(1);
}

// As JoinStateBase::Abandon, of what is left in a runtime that goes.
void TwoRuntimesWorld::Abandon() {
  while (hosts_[1]->TakeUnstarted() != nullptr) {
    Thread::Call("task.runs", stages_[1], Runs);
    Second(/*throws=*/true);
  }
}

void TwoRuntimesWorld::Ends(int task) {
  Thread::Call("task.ends", stages_[task], Put, kEnded);
  (void)hosts_[task]->Ended();
}

void TwoRuntimesWorld::Report() {
  hearing_->Tell([this] { Thread::Call("told", heard_, Count, 1); });
}

// The task, or its handle, goes.
void TwoRuntimesWorld::Unshare() {
  if (Thread::Call("unshare", sharers_, Count, -1) != 1) return;
  if (hearing_->Unref()) Free(*thread_, hearing_memory_);
  if (cast_.endless) Free(*thread_, word_memory_);
}

void TwoRuntimesWorld::SpawnsAgain(Thread& thread) {
  for (;;) {
    thread.Mark("spawn");
    thread_ = &thread;
    on_ = -1;
    Thread::MayCall("spawner.again", sharers_, BothAgain);
    for (Int& stage : stages_) Thread::Call("spawner.waits", stage, Anew);
    const auto forget = [](int& heard, std::int64_t) -> Step {
      return std::exchange(heard, 0);
    };
    if (Thread::Call<int>("spawner.looks", heard_, forget) != 1) {
      thread.Fail("R4: an exception was lost, or came twice");
    }
    MakeAnew(word_memory_);
    hearing_->Ref();
    Thread::Call("task.runnable", stages_[0], BecomesRunnable);
    hosts_[0]->Begin(&tasks_[0]);
  }
}

void TwoRuntimesWorld::Main(Thread& thread, int runtime) {
  thread_ = &thread;
  on_ = -1;
  Host& host = *hosts_[runtime];
  RunEnd end = RunEnd::kNobodyLeft;
  if (runtime == 1 && cast_.abandons && Thread::Choose("goes", 2) == 1) {
    Abandon();
  } else {
    end = host.RunAll([&](bool) {
      on_ = runtime;
      host.Work(host.worker(0));
      on_ = -1;
      return true;
    });
  }
  thread.Mark("ran", {static_cast<int>(end)});
  if (end != RunEnd::kNobodyLeft ||
      Thread::Call("run.look", stages_[runtime], Look) != kEnded) {
    thread.Fail("R2: Run has returned before a task's end");
  }
  if (runtime == 1 && hearing_->Forget()) Free(thread, hearing_memory_);
  Free(thread, memory_[runtime]);
}

}  // namespace netpoll::model
