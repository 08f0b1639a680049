// SPDX-License-Identifier: Apache-2.0
//
// Two runtimes, each with a worker: a task of the first awaits one that was
// spawned in the second. It resumes in its own runtime, whoever ends first, and
// each runtime goes as soon as its Run has returned. Or both stay, and it
// happens again and again.

#ifndef NETPOLL_MODEL_SCENARIOS_TWO_RUNTIMES_WORLD_H_
#define NETPOLL_MODEL_SCENARIOS_TWO_RUNTIMES_WORLD_H_

#include <cstdint>
#include <memory>
#include <string>

#include "netpoll/core/delta.h"
#include "netpoll/model/scenarios/runtime_world.h"
#include "netpoll/runtime/protocols/dispatch.h"
#include "netpoll/runtime/protocols/hearing.h"
#include "netpoll/runtime/protocols/join_word.h"

namespace netpoll::model {

struct TwoRuntimesCast {
  bool throws = false;    // An exception leaves the second task.
  bool detaches = false;  // The first may let go of it instead.
  bool spawns = false;    // The second is spawned by the first.
  bool abandons = false;  // The second's runtime may go without having run.
  bool endless = false;   // The first is spawned again, and spawns the second.
};

class TwoRuntimesWorld : public RuntimeWorld {
 public:
  explicit TwoRuntimesWorld(const TwoRuntimesCast& cast);

  const char* AtRest(const View& view) override;
  const char* Passing(int law) override;
  bool Lasts(const View& view, int law) override;

 private:
  struct NobodyStays {
    static void Push(Waiter*) {}
    static Waiter* Pop() { return nullptr; }
    static bool Empty() { return true; }
  };
  struct Worker {
    bool TurnIsOver() const {
      if (world->cast_.endless) world->thread_->Mark("next");
      return false;
    }
    void NewTurn() {}
    void Stole() {}
    TwoRuntimesWorld* world = nullptr;
    int id = 0;
    internal::RunQueue<RuntimeEnv> queue;
    NobodyStays staying;
    SleepProtocol<RuntimeEnv> protocol;
  };

  class Host : public internal::Dispatch<RuntimeEnv, Host, Worker> {
   public:
    Host(TwoRuntimesWorld& world, int number) : world_(world), number_(number) {
      worker_.world = &world;
    }
    static int worker_count() { return 1; }
    static bool sharded() { return false; }
    Worker& worker(int) { return worker_; }
    Worker* OnWorker() { return world_.on_ == number_ ? &worker_ : nullptr; }
    void Break(Worker&) {
      Thread::Call("break", world_.broken_[number_], Put, 1);
    }
    void RunTask(Worker&, Waiter* task) { world_.RunTask(task, number_); }
    static void RunStaying(Worker&, Waiter*) {}
    static std::int64_t Now() { return 0; }
    static std::int64_t NextDeadline(Worker&) { return kNever; }
    static std::int64_t NextSleep() { return kNever; }
    void Poll(Worker&, Worker&, Delta delta) {
      if (!delta.blocking()) return;
      Thread::Await<int>("poll", world_.broken_[number_], TakeBreak);
    }
    void PollAll(Worker&, Worker&) {}
    void Expire(Worker&, Worker&, std::int64_t) {}
    Waiter* TakeUnstarted() { return injected_.Pop(); }

   private:
    TwoRuntimesWorld& world_;
    const int number_;
    Worker worker_;
  };

  static Step TakeBreak(int& broken, std::int64_t) {
    if (broken == 0) return std::nullopt;
    broken = 0;
    return 0;
  }

  // 1: the task and its handle have gone, and are made anew.
  static Step BothAgain(int& sharers, std::int64_t) {
    if (sharers != 0) return std::nullopt;
    sharers = 2;
    return 0;
  }

  void Runnable(int task);
  void RunTask(Waiter* waiter, int runtime);
  void First(int was);
  void Second(bool throws);
  void Abandon();
  void Ends(int task);
  void Report();
  void Unshare();
  void Main(Thread& thread, int runtime);
  void SpawnsAgain(Thread& thread);

  using Word = internal::JoinWord<RuntimeEnv, int>;
  using Hearing = internal::Hearing<RuntimeEnv>;

  const TwoRuntimesCast cast_;
  std::unique_ptr<Host> hosts_[2];
  int memory_[2] = {};
  std::unique_ptr<Hearing> hearing_;  // Of the second, whose exceptions it is.
  int hearing_memory_ = 0;
  std::unique_ptr<Word> word_;
  int word_memory_ = 0;
  Int broken_[2] = {Int(0), Int(0)};
  Int stages_[2] = {Int(kNone), Int(kNone)};
  Int sharers_{2};
  Int heard_{0};  // Handed over, or told.
  TaskOfThread tasks_[2];
  int mains_[2] = {};
  // Of the run that is under way.
  Thread* thread_ = nullptr;
  int on_ = -1;  // The runtime whose worker it is.
};

inline void AddTwoRuntimesScenarios(std::vector<Scenario>& all) {
  const auto add = [&all](const char* name, const char* about,
                          TwoRuntimesCast cast) {
    AddScenario<TwoRuntimesWorld>(all, name, about, cast);
  };
  add("two-runtimes-join", "a task awaits one of another runtime", {});
  add("two-runtimes-throws", "which ends with an exception, and may be let go",
      {.throws = true, .detaches = true});
  add("two-runtimes-spawns", "which it has spawned there", {.spawns = true});
  add("two-runtimes-abandons", "whose runtime may go before it has run",
      {.detaches = true, .abandons = true});
  add("closed-two-runtimes",
      "a task spawns one in another runtime, and awaits it or lets it go",
      {.throws = true, .detaches = true, .spawns = true, .endless = true});
  all.back().closed = true;
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_TWO_RUNTIMES_WORLD_H_
