// SPDX-License-Identifier: Apache-2.0
//
// Permits, of a mutex or a semaphore, and a gate: tasks that wait for some,
// those who give or let pass, and scopes that are cancelled. Whoever has waited
// frees what it waited in.

#ifndef NETPOLL_MODEL_SCENARIOS_PERMITS_WORLD_H_
#define NETPOLL_MODEL_SCENARIOS_PERMITS_WORLD_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "netpoll/model/scenarios/waiting_task.h"
#include "netpoll/runtime/protocols/gate.h"
#include "netpoll/runtime/protocols/permits.h"

namespace netpoll::model {

// Tasks that wait for one thing, each in a scope of its own.
class QueueOfTasks : public WaitingWorld {
 protected:
  static constexpr int kMost = 3;

  // `cancelled`: a bit for each task whose scope may be.
  template <class F>
  void AddTasks(int count, unsigned cancelled, F body) {
    count_ = count;
    joined_.name = "joined";
    for (int i = 0; i < count; ++i) {
      got_[i].name = "got " + std::to_string(i + 1);
      memory_[i] = MadeBy("wait freed", [=, this] {
        tasks_[i] = std::make_unique<WaitingTask>();
      });
      tasks_[i]->entry.wakeup = &tasks_[i]->wakeup;
      const int thread = AddThread("task" + std::to_string(i + 1),
                                   [=](Thread& self) { body(self, i); });
      Introduce(tasks_[i]->waiter, thread);
    }
    for (int i = 0; i < count; ++i) {
      canceller_[i] = -1;
      if ((cancelled >> i & 1) == 0) continue;
      const std::string name = "canceller" + std::to_string(i + 1);
      canceller_[i] = endless_ ? AddEndlessCanceller(name, scopes_[i], said_[i])
                               : AddCanceller(name, scopes_[i]);
    }
  }

  // Null: nobody cancels it.
  ScopeNode* ScopeOf(int task) {
    const int scope = one_scope_ ? 0 : task;
    return canceller_[scope] >= 0 ? &scopes_[scope] : nullptr;
  }

  // Tasks come in turn: this one when those before it have joined.
  void AwaitTurn(int number) {
    if (number > 0) Thread::Await("turn", joined_, Until, number);
  }
  void Joined() { Thread::Call("joined", joined_, Count, 1); }

  const char* CancelledWait(const View& view) {
    for (int i = 0; i < count_; ++i) {
      const int by = canceller_[one_scope_ ? 0 : i];
      const bool told =
          by >= 0 && (endless_ ? view.Of(said_[i]) == kTold : view.ended(by));
      if (told && view.parked(i)) {
        return Of(i, "N2: a task waits in a scope that is cancelled");
      }
    }
    return nullptr;
  }

  bool endless_ = false;    // Each waits again and again.
  bool one_scope_ = false;  // All are in that of the first.
  int count_ = 0;
  int memory_[kMost] = {};
  int canceller_[kMost] = {};
  std::unique_ptr<WaitingTask> tasks_[kMost];
  ScopeNode scopes_[kMost];
  Int said_[kMost] = {Int(0), Int(0), Int(0)};
  Int got_[kMost] = {Int(0), Int(0), Int(0)};
  Int joined_{0};
};

struct PermitsCast {
  int free = 1;
  std::vector<int> wants = {1, 1};
  bool gives_back = true;  // Each who has some.
  int given = 0;           // More, by a thread that may never come.
  bool in_turn = false;
  unsigned cancelled = 0;
  bool tries = false;    // Each tries before it waits.
  bool endless = false;  // Each comes again and again.
};

class PermitsWorld : public QueueOfTasks {
 public:
  explicit PermitsWorld(const PermitsCast& cast)
      : cast_(cast), permits_(static_cast<std::uint32_t>(cast.free)), held_(0) {
    static_cast<void>(permits_.free());
    free_ = ObjectAt("field");
    free_->name = "free";
    held_.name = "held";
    endless_ = cast.endless;
    AddTasks(static_cast<int>(cast.wants.size()), cast.cancelled,
             [this](Thread& thread, int i) { Task(thread, i); });
    for (int i = 0; i < count_; ++i) {
      tasks_[i]->entry.wanted = static_cast<std::uint32_t>(cast.wants[i]);
    }
    if (cast.given > 0) {
      giver_ = AddThread("giver", [this](Thread& thread) {
        thread.May("give");
        if (cast_.in_turn) Thread::Await("all", joined_, Until, count_);
        Give(thread, cast_.given);
      });
    }
    Settle();
  }

  const char* Passing(int law) override {
    return endless_ && law < count_
               ? "L11: a task waits for ever, though permits are given back "
                 "again and again"
               : nullptr;
  }
  int Lasting(int law) override { return law; }
  bool Lasts(const View& view, int law) override { return view.parked(law); }

  const char* AtRest(const View& view) override {
    if (const char* const law = CancelledWait(view)) return law;
    const bool given = giver_ < 0 || view.ended(giver_);
    const int total = cast_.free + (giver_ >= 0 && given ? cast_.given : 0);
    const int free = static_cast<int>(free_->Bits(view.Raw(*free_)));
    if (free + view.Of(held_) != total) {
      return "N3: a permit was lost, or made out of nothing";
    }
    int before = -1;  // The last who waits of those who came before.
    for (int i = 0; i < count_; ++i) {
      if (before >= 0 && view.Of(got_[i]) != 0 && cast_.in_turn &&
          !cast_.gives_back) {
        return Of(before,
                  "N4: a task was served before one that had waited longer");
      }
      if (!view.parked(i)) continue;
      if (before < 0 && free >= cast_.wants[i]) {
        return Of(i, free_, "N3: a task waits for permits that nobody has");
      }
      before = i;
    }
    return nullptr;
  }

 private:
  void Give(Thread& thread, int count) {
    WaiterList wake;
    permits_.Give(static_cast<std::uint32_t>(count), wake);
    Wake(thread, wake);
  }

  void Task(Thread& thread, int number) {
    while (endless_) {
      thread.Mark("comes");
      Once(thread, number);
      thread.Mark("went");
      MakeAnew(memory_[number]);
      if (canceller_[number] >= 0) TakeAnother(scopes_[number], said_[number]);
    }
    Once(thread, number);
  }

  void Once(Thread& thread, int number) {
    const int wants = cast_.wants[number];
    WaitingTask& task = *tasks_[number];
    if (cast_.in_turn) {
      AwaitTurn(number);
    } else {
      thread.May("task.go");
    }
    const bool tried =
        cast_.tries && permits_.TryTake(static_cast<std::uint32_t>(wants));
    const bool granted =
        tried || WaitFor(
                     thread, task, ScopeOf(number),
                     [&] {
                       const bool waits = permits_.Join(&task.entry);
                       if (cast_.in_turn) Joined();
                       return waits;
                     },
                     [&] {
                       WaiterList wake;
                       const bool had = permits_.Leave(&task.entry, wake);
                       Wake(thread, wake);
                       return had;
                     });
    Free(thread, memory_[number]);
    if (!granted) return;
    if (!endless_) Thread::Call("got", got_[number], Put, 1);
    const int before = Thread::Call("hold", held_, Count, wants);
    if (before + wants > cast_.free + cast_.given) {
      thread.Fail("N3: more permits are out than there are");
    }
    if (!cast_.gives_back) return;
    // What a mutex guards.
    if (cast_.free == 1) data_.Set(data_.Get());
    Thread::Call("release", held_, Count, -wants);
    Give(thread, wants);
  }

  const PermitsCast cast_;
  internal::Permits<RuntimeEnv> permits_;
  Object* free_ = nullptr;
  RuntimeEnv::Var<int> data_;
  Int held_;
  int giver_ = -1;
};

enum class GateAct : std::uint8_t { kOpen, kPulse, kOne, kAll, kTell };

struct GateCast {
  GateAct act = GateAct::kOpen;
  int waiters = 1;
  bool joined = false;  // The act comes when all wait.
  unsigned cancelled = 0;
  bool one_scope = false;
};

class GateWorld : public QueueOfTasks {
 public:
  explicit GateWorld(const GateCast& cast) : cast_(cast), passed_(0) {
    passed_.name = "passed";
    // What is looked at last is the field.
    static_cast<void>(gate_.is_open());
    open_ = ObjectAt("field");
    open_->name = "open";
    static_cast<void>(gate_.JoinIfSeen(nullptr, 1));
    news_ = ObjectAt("field");
    news_->name = "news";
    one_scope_ = cast.one_scope;
    AddTasks(cast.waiters, cast.cancelled,
             [this](Thread& thread, int i) { Task(thread, i); });
    opener_ = AddThread("opener", [this](Thread& thread) { Act(thread); });
    Settle();
  }

  const char* AtRest(const View& view) override {
    if (const char* const law = CancelledWait(view)) return law;
    if (!view.ended(opener_)) return nullptr;
    if (cast_.act == GateAct::kOne) return AfterOne(view);
    const bool all = cast_.joined || cast_.act == GateAct::kOpen ||
                     cast_.act == GateAct::kTell;
    for (int i = 0; all && i < count_; ++i) {
      if (!view.parked(i)) continue;
      const bool opens = cast_.act == GateAct::kOpen;
      const bool tells = cast_.act == GateAct::kTell;
      return Of(i,
                opens   ? open_
                : tells ? news_
                        : nullptr,
                "N5: a task waits at a gate that let all pass");
    }
    return nullptr;
  }

 private:
  const char* AfterOne(const View& view) {
    if (view.Of(passed_) > 1) return "N5: a notification was taken twice";
    int waits = -1;  // The last of those.
    for (int i = 0; i < count_; ++i) {
      if (view.parked(i)) {
        waits = i;
      } else if (waits >= 0 && view.Of(got_[i]) != 0) {
        return Of(waits,
                  "N4: a task was notified before one that had waited longer");
      }
    }
    return waits >= 0 && view.Of(passed_) == 0
               ? Of(waits, "N5: a notification was lost")
               : nullptr;
  }

  void Act(Thread& thread) {
    thread.May("act");
    if (cast_.joined) Thread::Await("all", joined_, Until, count_);
    WaiterList wake;
    switch (cast_.act) {
      case GateAct::kOpen:
      case GateAct::kPulse:
        gate_.Open(wake);
        if (cast_.act == GateAct::kPulse) gate_.Shut();
        break;
      case GateAct::kOne:
        gate_.PassOne(wake);
        break;
      case GateAct::kAll:
        gate_.PassAll(wake);
        break;
      case GateAct::kTell:
        gate_.Tell(wake);
        break;
    }
    Wake(thread, wake);
  }

  void Task(Thread& thread, int number) {
    WaitingTask& task = *tasks_[number];
    if (cast_.joined) AwaitTurn(number);
    const bool granted = WaitFor(
        thread, task, ScopeOf(number),
        [&] {
          const bool waits = cast_.act == GateAct::kTell
                                 ? gate_.JoinIfSeen(&task.entry, 0)
                                 : gate_.Join(&task.entry);
          if (cast_.joined) Joined();
          return waits;
        },
        [&] { return gate_.Leave(&task.entry); });
    Free(thread, memory_[number]);
    if (!granted) return;
    Thread::Call("got", got_[number], Put, 1);
    Thread::Call("passed", passed_, Count, 1);
  }

  const GateCast cast_;
  internal::Gate<RuntimeEnv> gate_;
  Object* open_ = nullptr;
  Object* news_ = nullptr;
  Int passed_;
  int opener_ = -1;
};

inline void AddPermitsScenarios(std::vector<Scenario>& all) {
  const auto permits = [&all](const char* name, const char* about,
                              PermitsCast cast) {
    AddScenario<PermitsWorld>(all, name, about, cast);
  };
  permits("mutex", "two tasks lock and unlock", {.tries = true});
  permits("mutex-cancel", "one of them is cancelled", {.cancelled = 1});
  permits("mutex-handed-over", "a lock comes to who waited longest",
          {.free = 0, .gives_back = false, .given = 1, .in_turn = true});
  permits("mutex-handed-past", "or to the next, when that one is cancelled",
          {.free = 0,
           .gives_back = false,
           .given = 1,
           .in_turn = true,
           .cancelled = 1});
  permits("semaphore-many", "who wants two is not overtaken by who wants one",
          {.free = 1,
           .wants = {2, 1},
           .gives_back = false,
           .given = 1,
           .in_turn = true});
  permits("semaphore-front-leaves",
          "who wants too much leaves, and lets the next one have it",
          {.free = 1,
           .wants = {2, 1},
           .gives_back = false,
           .in_turn = true,
           .cancelled = 1});
  const auto closed = [&](const char* name, const char* about,
                          PermitsCast cast) {
    cast.endless = true;
    permits(name, about, cast);
    all.back().closed = true;
  };
  closed("closed-mutex", "two tasks lock and unlock again and again",
         {.tries = true});
  closed("closed-mutex-cancel", "and one is cancelled", {.cancelled = 1});
  closed("closed-semaphore", "one wants two permits, the other one one",
         {.free = 2, .wants = {2, 1}});

  const auto gate = [&all](const char* name, const char* about, GateCast cast) {
    AddScenario<GateWorld>(all, name, about, cast);
  };
  gate("event", "two tasks wait for an event that is set", {.waiters = 2});
  gate("event-cancel", "one is cancelled", {.waiters = 2, .cancelled = 1});
  gate("event-one-scope", "both are in a scope that is cancelled",
       {.waiters = 2, .cancelled = 1, .one_scope = true});
  gate("event-pulse", "it is reset at once, while a task waits",
       {.act = GateAct::kPulse, .joined = true});
  gate("condition-one", "one of two is notified",
       {.act = GateAct::kOne, .waiters = 2, .joined = true});
  gate("condition-one-cancel", "and the first is cancelled",
       {.act = GateAct::kOne, .waiters = 2, .joined = true, .cancelled = 1});
  gate("condition-all", "all are",
       {.act = GateAct::kAll, .waiters = 2, .joined = true});
  gate("watch", "who has not seen the news does not wait",
       {.act = GateAct::kTell, .cancelled = 1});
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_PERMITS_WORLD_H_
