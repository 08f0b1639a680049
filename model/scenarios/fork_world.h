// SPDX-License-Identifier: Apache-2.0
//
// Tasks side by side and one that waits for the last of them, which then frees
// what they share: their scope, and the count. Any of them may fail, or be the
// first to end; then the others are cancelled.

#ifndef NETPOLL_MODEL_SCENARIOS_FORK_WORLD_H_
#define NETPOLL_MODEL_SCENARIOS_FORK_WORLD_H_

#include <memory>
#include <string>
#include <vector>

#include "netpoll/model/scenarios/waiting_task.h"
#include "netpoll/runtime/protocols/cancel_node.h"
#include "netpoll/runtime/protocols/fork_core.h"

namespace netpoll::model {

struct ForkCast {
  int tasks = 2;
  bool fails = false;   // The first of them does.
  bool waits = false;   // The others wait for what never comes.
  bool spawns = false;  // The first starts another one.
};

class ForkWorld : public WaitingWorld {
 public:
  explicit ForkWorld(const ForkCast& cast) : cast_(cast), ended_(0), begun_(0) {
    ended_.name = "ended";
    begun_.name = "begun";
    memory_ =
        MadeBy("fork freed", [this] { fork_ = std::make_unique<Fork>(); });
    for (int i = 0; i < cast.tasks; ++i) fork_->core.Add();
    const int parent =
        AddThread("parent", [this](Thread& thread) { Parent(thread); });
    Introduce(parent_, parent);
    const int all = cast.tasks + (cast.spawns ? 1 : 0);
    for (int i = 0; i < all; ++i) {
      const int task =
          AddThread("task" + std::to_string(i + 1),
                    [=, this](Thread& thread) { Task(thread, i); });
      Introduce(tasks_[i].waiter, task);
      threads_.push_back(task);
    }
    Settle();
  }

  const char* AtRest(const View& view) override {
    bool all = true;
    for (const int task : threads_) {
      if (view.parked(task) && Failed(view)) {
        return Of(task,
                  "N8: a task stays that one beside it should have cancelled");
      }
      if (!view.ended(task)) all = false;
    }
    return all && view.parked(0)
               ? Of(0,
                    "N8: all have ended, and who waits for them is not "
                    "resumed")
               : nullptr;
  }

 private:
  struct Fork {
    ScopeNode scope;
    internal::ForkCore<RuntimeEnv> core{scope};
  };

  bool Failed(const View& view) const {
    return cast_.fails && view.ended(threads_[0]);
  }

  void End(Thread& thread, int number, bool fails) {
    Thread::Call("ended", ended_, Count, 1);
    if (!fork_->core.Ended(static_cast<std::uint32_t>(number) + 1, fails)) {
      return;
    }
    if (!Thread::WakeEarly(ThreadOf(&parent_))) {
      thread.Fail("N8: who waits for all was resumed twice");
    }
  }

  void Task(Thread& thread, int number) {
    if (number == cast_.tasks) {
      Thread::Await("spawned", begun_, Until, 1);
    } else {
      thread.May("task.ends");
    }
    if (cast_.waits && number > 0) {
      static_cast<void>(WaitFor(
          thread, tasks_[number], &fork_->scope, [] { return true; },
          [] { return false; }));
    }
    if (cast_.spawns && number == 0) {
      fork_->core.Add();
      Thread::Call("spawn", begun_, Put, 1);
    }
    End(thread, number, cast_.fails && number == 0);
  }

  void Parent(Thread& thread) {
    if (!fork_->core.Drop()) thread.Park();
    if (Thread::Call("all", ended_, Look) !=
        cast_.tasks + (cast_.spawns ? 1 : 0)) {
      thread.Fail("N8: who waits for all goes on before they have ended");
    }
    if ((fork_->core.first() != 0) != cast_.fails) {
      thread.Fail("N8: who failed first is not known");
    }
    Free(thread, memory_);
  }

  const ForkCast cast_;
  std::unique_ptr<Fork> fork_;
  Int ended_, begun_;
  int memory_ = 0;
  std::vector<int> threads_;
  TaskOfThread parent_;
  WaitingTask tasks_[3];
};

inline void AddForkScenarios(std::vector<Scenario>& all) {
  const auto add = [&all](const char* name, const char* about, ForkCast cast) {
    AddScenario<ForkWorld>(all, name, about, cast);
  };
  add("fork", "two tasks end while a third waits for both", {});
  add("fork-fails", "one fails, and cancels the one that waits",
      {.fails = true, .waits = true});
  add("fork-spawns", "one starts another before it ends",
      {.tasks = 1, .spawns = true});
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_FORK_WORLD_H_
