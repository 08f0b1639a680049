// SPDX-License-Identifier: Apache-2.0
//
// Run queues: one that is filled and emptied while a thief takes half of it
// into its own, which others may rob in turn.

#ifndef NETPOLL_MODEL_SCENARIOS_QUEUE_WORLD_H_
#define NETPOLL_MODEL_SCENARIOS_QUEUE_WORLD_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "netpoll/model/scenarios/runtime_world.h"
#include "netpoll/runtime/protocols/run_queue.h"

namespace netpoll::model {

struct QueueCast {
  int queued = 0;  // In the first queue when the story begins.
  int pushed = 0;  // By the first owner, one by one; or at once.
  bool at_once = false;
  int thieves = 1;
  int pops = 1;        // Of each owner and thief.
  bool alone = false;  // The owner takes all there is at once.
  int others = 0;      // Pushed by a thread that is no worker.
};

class QueueWorld : public RuntimeWorld {
 public:
  explicit QueueWorld(const QueueCast& cast) : cast_(cast) {
    for (Int& runs : runs_) runs.name = "runs";
    for (int i = 0; i < cast.queued; ++i) queues_[0].Push(&tasks_[i]);
    AddThread("owner", [this](Thread& thread) { Owner(thread); });
    if (cast.others != 0) {
      AddThread("other", [this](Thread& thread) {
        for (int i = 0; i < cast_.others; ++i) {
          thread.Mark("other", {i});
          queues_[0].Push(&tasks_[cast_.queued + cast_.pushed + i]);
        }
      });
    }
    for (int i = 1; i <= cast.thieves; ++i) {
      AddThread("thief" + std::to_string(i),
                [=, this](Thread& thread) { Thief(thread, i); });
    }
    Settle();
  }

  const char* AtRest(const View& view) override {
    std::vector<const void*> queued;
    for (const Object* object : view.objects()) {
      const auto* const queue = object->KeptAs<KeptQueue>(view.Raw(*object));
      if (queue == nullptr) continue;
      if (queue->number != static_cast<std::int64_t>(queue->tasks.size())) {
        return Of(object, "R1: a queue counts what is not in it");
      }
      queued.insert(queued.end(), queue->tasks.begin(), queue->tasks.end());
    }
    const int tasks = cast_.queued + cast_.pushed + cast_.others;
    for (int i = 0; i < tasks; ++i) {
      const auto in_queues =
          std::count(queued.begin(), queued.end(), &tasks_[i]);
      if (in_queues + view.Of(runs_[i]) != 1) {
        return Of(&runs_[i], "R1: a task was lost, or is there twice");
      }
    }
    return nullptr;
  }

 private:
  using Queue = internal::RunQueue<RuntimeEnv>;

  void Run(Thread& thread, Waiter* task) {
    if (task == nullptr) return;
    const auto number = static_cast<TaskOfThread*>(task) - tasks_;
    if (Thread::Call("run", runs_[number], Count, 1) != 0) {
      thread.Fail("R1: a task was run twice");
    }
  }

  void Owner(Thread& thread) {
    if (cast_.at_once) {
      WaiterList list;
      for (int i = 0; i < cast_.pushed; ++i) {
        list.Push(&tasks_[cast_.queued + i]);
      }
      queues_[0].Push(list, cast_.pushed);
    } else {
      for (int i = 0; i < cast_.pushed; ++i) {
        queues_[0].Push(&tasks_[cast_.queued + i]);
      }
    }
    for (int i = 0; i < cast_.pops; ++i) {
      thread.Mark("owner", {i});
      Run(thread, cast_.alone ? queues_[0].PopAlone() : queues_[0].Pop());
    }
  }

  // Robs the one before it.
  void Thief(Thread& thread, int number) {
    Waiter* const first = queues_[number - 1].StealInto(queues_[number]);
    if (first == nullptr) return;
    Run(thread, first);
    for (int i = 1; i < cast_.pops; ++i) {
      thread.Mark("thief", {i});
      Run(thread, queues_[number].Pop());
    }
  }

  const QueueCast cast_;
  Queue queues_[3];
  TaskOfThread tasks_[4];
  Int runs_[4] = {Int(0), Int(0), Int(0), Int(0)};
};

inline void AddQueueScenarios(std::vector<Scenario>& all) {
  const auto add = [&all](const char* name, const char* about, QueueCast cast) {
    AddScenario<QueueWorld>(all, name, about, cast);
  };
  add("queue-steal", "a thief comes while the owner takes what is there",
      {.queued = 3, .pops = 2});
  add("queue-steal-filled", "while the owner fills it",
      {.queued = 1, .pushed = 2, .pops = 2});
  add("queue-steal-list", "while a poll's tasks come at once",
      {.queued = 1, .pushed = 2, .at_once = true, .pops = 2});
  add("queue-alone", "an only worker, whose queue is filled meanwhile",
      {.queued = 2,
       .pushed = 1,
       .thieves = 0,
       .pops = 4,
       .alone = true,
       .others = 1});
  add("queue-two-thieves", "one thief robs the other",
      {.queued = 3, .thieves = 2});
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_QUEUE_WORLD_H_
