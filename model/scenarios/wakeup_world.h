// SPDX-License-Identifier: Apache-2.0
//
// A task that parks, threads that wake it, and one that cancels; and scopes:
// one that is cancelled, itself or the one above it, while a task waits in it.
// Whoever has waited frees what it waited in.

#ifndef NETPOLL_MODEL_SCENARIOS_WAKEUP_WORLD_H_
#define NETPOLL_MODEL_SCENARIOS_WAKEUP_WORLD_H_

#include <memory>
#include <string>
#include <vector>

#include "netpoll/core/semaphore.h"
#include "netpoll/model/scenarios/waiting_task.h"
#include "netpoll/runtime/protocols/wakeup.h"

namespace netpoll::model {

struct WakeupCast {
  int rounds = 1;        // So often the task waits.
  int wakers = 1;        // Each wakes once.
  bool cancels = false;  // By itself.
  bool frees = false;    // Once woken the task frees it.
  int waiters = 1;       // Two break the rules.
};

class WakeupWorld : public RuntimeWorld {
 public:
  explicit WakeupWorld(const WakeupCast& cast)
      : cast_(cast), taken_(0), data_(0) {
    memory_ = MadeBy("wakeup freed", [this] {
      wakeup_ = std::make_unique<internal::Wakeup<RuntimeEnv>>();
    });
    static_cast<void>(wakeup_->Cancel());
    word_ = ObjectAt("wakeup.cancel");
    taken_.name = "taken";
    data_.name = "data";
    for (int i = 0; i < cast.waiters; ++i) {
      const int task =
          AddThread("task" + std::to_string(i + 1),
                    [=, this](Thread& thread) { Wait(thread, i); });
      Introduce(waiters_[i], task);
    }
    for (int i = 1; i <= cast.wakers; ++i) {
      wakers_.push_back(AddThread("waker" + std::to_string(i),
                                  [this](Thread& thread) { Wake(thread); }));
    }
    if (cast.cancels) {
      AddThread("canceller", [this](Thread& thread) {
        thread.May("cancel");
        Runnable(thread, wakeup_->Cancel());
      });
    }
    Settle();
  }

  const char* AtRest(const View& view) override {
    int woke = 0;
    for (const int waker : wakers_) woke += view.ended(waker) ? 1 : 0;
    if (woke == 0 || cast_.waiters > 1) return nullptr;
    if (view.parked(0)) {
      return view.Of(taken_) < 1
                 ? Of(0, word_, "N1: a task stays parked that was woken")
                 : nullptr;
    }
    if (cast_.frees) return nullptr;
    const bool kept = word_->Bits(view.Raw(*word_)) == kReady;
    return view.Of(taken_) == 0 && !kept ? "N1: a wake was lost" : nullptr;
  }

  bool AllowsStop(const std::string& rule) override {
    return cast_.waiters > 1 && rule.find("two tasks wait") < rule.size();
  }

 private:
  static void Runnable(Thread& thread, Waiter* waiter) {
    if (waiter != nullptr && !Thread::WakeEarly(ThreadOf(waiter))) {
      thread.Fail("N1: a task was woken twice for one wait");
    }
  }

  void Wake(Thread& thread) {
    thread.May("wake");
    Thread::Call("data.write", data_, Put, 1);
    Runnable(thread, wakeup_->Wake());
  }

  void Wait(Thread& thread, int number) {
    for (int i = 0; i < cast_.rounds; ++i) {
      thread.Mark("wait", {i});
      bool woken = wakeup_->Prepare();
      if (!woken) {
        if (wakeup_->Commit(&waiters_[number])) thread.Park();
        woken = wakeup_->Finish();
      }
      if (!woken) {
        if (!cast_.cancels && cast_.waiters == 1)
          thread.Fail("N1: a wait ended, and nobody woke it");
        continue;
      }
      Thread::Call("taken", taken_, Count, 1);
      if (Thread::Call("data.read", data_, Look) == 0) {
        thread.Fail("N1: what was written before the wake is not there");
      }
      if (cast_.frees) {
        Free(thread, memory_);
        return;
      }
    }
  }

  const WakeupCast cast_;
  std::unique_ptr<internal::Wakeup<RuntimeEnv>> wakeup_;
  Object* word_ = nullptr;
  Int taken_, data_;
  int memory_ = 0;
  std::vector<int> wakers_;
  TaskOfThread waiters_[2];
};

struct ScopeCast {
  bool nested = false;  // The task's scope is below another one,
  bool above = false;   // which is cancelled too.
  int rounds = 1;       // So often it waits.
};

class ScopeWorld : public WaitingWorld {
 public:
  explicit ScopeWorld(const ScopeCast& cast) : cast_(cast), first_(0) {
    first_.name = "first to cancel";
    scope_memory_ =
        MadeBy("scope freed", [this] { scope_ = std::make_unique<Scope>(); });
    task_memory_ = MadeBy("wait freed",
                          [this] { task_ = std::make_unique<WaitingTask>(); });
    scope_->seat.node = &top_;
    const int task = AddThread("task", [this](Thread& thread) { Run(thread); });
    Introduce(task_->waiter, task);
    if (cast.above || !cast.nested) {
      ScopeNode& node = cast.nested ? top_ : scope_->node;
      cancellers_.push_back(AddThread(
          "canceller", [&](Thread& thread) { Cancel(thread, node); }));
    }
    if (cast.above) {
      AddThread("second", [this](Thread& thread) { Cancel(thread, top_); });
    }
    Settle();
  }

  const char* AtRest(const View& view) override {
    bool cancelled = false;
    for (const int canceller : cancellers_) cancelled |= view.ended(canceller);
    if (cancelled && view.parked(0)) {
      return Of(0, "N2: a task waits in a scope that is cancelled");
    }
    if (cancelled && view.Of(first_) != 1) {
      return "N2: a scope is cancelled by one alone";
    }
    return nullptr;
  }

 private:
  using Reason = internal::CancelReason;

  struct Scope {
    ScopeNode node;
    ScopeNode::Seat seat;  // In the one above.
  };

  static void TellScope(void* whom, Reason why) {
    static_cast<Scope*>(whom)->node.Cancel(why);
  }

  void Cancel(Thread& thread, ScopeNode& node) {
    thread.May("cancel");
    if (node.Cancel(Reason::kCancelled)) {
      Thread::Call("first", first_, Count, 1);
    }
  }

  void Run(Thread& thread) {
    if (cast_.nested) {
      const Reason why = top_.Sit(scope_->seat, scope_.get(), &TellScope);
      if (why != Reason::kNone) scope_->node.Cancel(why);
    }
    for (int i = 0; i < cast_.rounds; ++i) {
      thread.Mark("task", {i});
      static_cast<void>(WaitFor(
          thread, *task_, &scope_->node, [] { return true; },
          [] { return false; }));
    }
    Free(thread, task_memory_);
    if (!cast_.nested) return;
    top_.Leave(scope_->seat);
    Free(thread, scope_memory_);
  }

  const ScopeCast cast_;
  ScopeNode top_;
  std::unique_ptr<Scope> scope_;
  std::unique_ptr<WaitingTask> task_;
  Int first_;
  int scope_memory_ = 0;
  int task_memory_ = 0;
  std::vector<int> cancellers_;
};

inline void AddWakeupScenarios(std::vector<Scenario>& all) {
  const auto wakeup = [&all](const char* name, const char* about,
                             WakeupCast cast) {
    AddScenario<WakeupWorld>(all, name, about, cast);
  };
  wakeup("wakeup", "a task waits twice, two threads wake it",
         {.rounds = 2, .wakers = 2});
  wakeup("wakeup-cancel", "the same, and a wait is cancelled",
         {.rounds = 2, .wakers = 1, .cancels = true});
  wakeup("wakeup-frees", "whoever is woken frees the memory at once",
         {.cancels = false, .frees = true});
  wakeup("misuse-two-wait", "two tasks wait for one wake-up", {.waiters = 2});

  const auto scope = [&all](const char* name, const char* about,
                            ScopeCast cast) {
    AddScenario<ScopeWorld>(all, name, about, cast);
  };
  scope("scope-cancel", "a task waits twice, and its scope is cancelled",
        {.rounds = 2});
  scope("scope-nested", "the scope above is cancelled, by two threads",
        {.nested = true, .above = true});
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_WAKEUP_WORLD_H_
