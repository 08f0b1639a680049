// SPDX-License-Identifier: Apache-2.0
//
// What the worlds of the runtime's protocols share: memory that ends, and the
// names of tasks in words.

#ifndef NETPOLL_MODEL_SCENARIOS_RUNTIME_WORLD_H_
#define NETPOLL_MODEL_SCENARIOS_RUNTIME_WORLD_H_

#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "netpoll/core/types.h"
#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/engine/view.h"
#include "netpoll/model/engine/world.h"
#include "netpoll/model/laws/parked_tasks.h"
#include "netpoll/model/model_env.h"

namespace netpoll::model {

using RuntimeEnv = ModelEnv<2>;

// A task of a scenario, by the number of its thread.
struct TaskOfThread : Waiter {
  int thread = 0;
};

// Shows a task in a word by its name.
class TaskNames : public Observer {
 public:
  explicit TaskNames(const World& world) : world_(world) {}

  void Add(const Waiter& task, int thread) {
    tasks_.push_back({reinterpret_cast<std::uintptr_t>(&task), thread});
  }
  std::string Show(const Object& object, Value value) override {
    const std::uint64_t word = object.Bits(value);
    for (const Task& task : tasks_) {
      if (word == task.word)
        return "task:" + world_.threads()[task.thread].name;
    }
    return "";
  }

 private:
  struct Task {
    std::uint64_t word;
    int thread;
  };
  const World& world_;
  std::vector<Task> tasks_;
};

class RuntimeWorld : public World {
 public:
  RuntimeWorld() : names_(Attach(new TaskNames(*this))) {}

  using Int = ObjectOf<int>;
  using Step = std::optional<int>;

  bool Watches(const Access& access) override {
    return MemoryOf(access.object) != nullptr;
  }
  const char* BeforeStep(const View& view, int thread,
                         const Access& access) override {
    const Int& freed = MemoryOf(access.object)->freed;
    return view.Of(freed) == 0
               ? nullptr
               : Of(thread, &freed, "R5: memory was used after its end");
  }

 protected:
  // Objects whose memory ends: those that `make` makes. The number is for Free.
  template <class F>
  int MadeBy(const char* name, F make) {
    const std::size_t first = objects().size();
    make();
    memory_.emplace_back(first, objects().size());
    memory_.back().freed.name = name;
    return static_cast<int>(memory_.size()) - 1;
  }
  void Free(Thread& thread, int memory) {
    const auto free = [](int& freed, std::int64_t) -> Step { return freed++; };
    if (Thread::Call<int>("free", memory_[memory].freed, free) != 0) {
      thread.Fail("R5: memory was freed twice");
    }
  }
  // What lies there is made anew, by whoever alone knows of it: all of it is as
  // it was in the beginning.
  void MakeAnew(int memory) {
    Thread::Call("made", memory_[memory].freed, Put, 0);
    for (std::size_t i = memory_[memory].first; i < memory_[memory].end; ++i) {
      Perform({.op = Op::kStore,
               .object = objects()[i],
               .site = "made anew",
               .a = objects()[i]->now});
    }
  }
  bool freed(const View& view, int memory) const {
    return view.Of(memory_[memory].freed) != 0;
  }

  // The task is shown by the name of its thread.
  void Introduce(TaskOfThread& task, int thread) {
    task.thread = thread;
    names_.Add(task, thread);
  }
  static int ThreadOf(Waiter* task) {
    return static_cast<TaskOfThread*>(task)->thread;
  }

  // Steps of the environment on a number.
  static Step Look(int& value, std::int64_t) { return value; }
  static Step Put(int& value, std::int64_t to) {
    value = static_cast<int>(to);
    return 0;
  }
  // Adds, and answers what there was.
  static Step Count(int& value, std::int64_t more) {
    return std::exchange(value, value + static_cast<int>(more));
  }
  // Waits until it is there.
  static Step Until(int& value, std::int64_t wanted) {
    if (value < wanted) return std::nullopt;
    return value;
  }

  // A task's story: nobody knows it, it is runnable, it runs or waits, it is
  // runnable again, it has ended.
  enum Stage { kNone, kRunnable, kGoing, kAgain, kEnded };
  // 1: it was already.
  static Step BecomesRunnable(int& stage, std::int64_t) {
    if (stage != kNone && stage != kGoing) return 1;
    stage = stage == kNone ? kRunnable : kAgain;
    return 0;
  }
  // The same task begins once more.
  static Step Anew(int& stage, std::int64_t) {
    if (stage != kNone && stage != kEnded) return std::nullopt;
    stage = kNone;
    return 0;
  }
  // What it was.
  static Step Runs(int& stage, std::int64_t) {
    return std::exchange(stage, kGoing);
  }
  bool IsRunnable(const View& view, const Int& stage) const {
    return view.Of(stage) == kRunnable || view.Of(stage) == kAgain;
  }

 private:
  struct Memory {
    Memory(std::size_t from, std::size_t to) : first(from), end(to), freed(0) {}
    const std::size_t first, end;
    Int freed;
  };
  const Memory* MemoryOf(const Object* object) const {
    if (object == nullptr || object->index < 0) return nullptr;
    for (const Memory& memory : memory_) {
      const auto index = static_cast<std::size_t>(object->index);
      if (memory.first <= index && index < memory.end) return &memory;
    }
    return nullptr;
  }

  TaskNames& names_;
  std::deque<Memory> memory_;
};

// Adds a configuration of `MadeWorld`, which is made of a cast.
template <class MadeWorld, class Cast>
Scenario& AddScenario(std::vector<Scenario>& all, const char* name,
                      const char* about, const Cast& cast) {
  all.push_back({name, about, false, [cast] {
                   return std::unique_ptr<World>(new MadeWorld(cast));
                 }});
  return all.back();
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_RUNTIME_WORLD_H_
