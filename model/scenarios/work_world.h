// SPDX-License-Identifier: Apache-2.0
//
// A pool for blocking work: tasks that hand it work and wait, the threads that
// it starts, whoever cancels, and the end of all that, when every task has had
// its answer.

#ifndef NETPOLL_MODEL_SCENARIOS_WORK_WORLD_H_
#define NETPOLL_MODEL_SCENARIOS_WORK_WORLD_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "netpoll/model/scenarios/runtime_world.h"
#include "netpoll/runtime/protocols/cancel_node.h"
#include "netpoll/runtime/protocols/work_queue.h"

namespace netpoll::model {

struct WorkCast {
  int tasks = 1;
  int rounds = 1;        // So often each of them comes.
  int threads = 1;       // At most.
  std::size_t most = 2;  // Pieces of work that wait.
  bool cancels = false;  // The first task's work may be cancelled.
  bool token = false;    // By a token, and not by its scope.
  bool fails = false;    // A thread may not be had.
  bool meets = false;    // The first task's work waits for the second's.
  bool endless = false;  // They come, and are cancelled, again and again.
};

class WorkWorld : public RuntimeWorld {
 public:
  explicit WorkWorld(const WorkCast& cast) : cast_(cast) {
    memory_ = MadeBy("pool freed", [this] {
      queue_ = std::make_unique<Queue>();
      for (auto& thread : threads_) thread = std::make_unique<PoolThread>();
    });
    for (int i = 0; i < cast.tasks; ++i) {
      ended_[i].name = "task";
      runs_[i].name = "runs";
      const int task =
          AddThread("task" + std::to_string(i + 1),
                    [=, this](Thread& thread) { Task(thread, i); });
      Introduce(items_[i], task);
    }
    for (int i = 0; i < cast.threads; ++i) {
      started_[i].name = "started";
      AddThread("thread" + std::to_string(i + 1),
                [=, this](Thread& thread) { Work(thread, i); });
    }
    met_.name = "met";
    if (cast.cancels) {
      token_.name = "token";
      AddThread("canceller", [this](Thread& thread) { Cancels(thread); });
    }
    if (!cast.endless) {
      AddThread("main", [this](Thread& thread) { Main(thread); });
    }
    seat_.node = &scope_;
    Settle();
  }

  const char* AtRest(const View& view) override {
    for (int i = 0; i < cast_.tasks; ++i) {
      if (view.parked(ThreadOf(&items_[i]))) {
        return Of(ThreadOf(&items_[i]),
                  "R11: a task waits for work that nobody does");
      }
    }
    return cast_.endless || freed(view, memory_)
               ? nullptr
               : "R11: all tasks have ended, and the pool does not";
  }

  const char* Passing(int law) override {
    return cast_.endless && law < cast_.tasks
               ? "L11: a task waits for ever for work that others have done"
               : nullptr;
  }
  int Lasting(int law) override { return ThreadOf(&items_[law]); }
  bool Lasts(const View& view, int law) override {
    return view.parked(ThreadOf(&items_[law]));
  }

 private:
  struct Item : TaskOfThread {
    RuntimeEnv::Var<internal::WorkState> state;
    RuntimeEnv::Var<Item*> before, behind;
  };
  struct PoolThread {
    RuntimeEnv::Parker parker;
    RuntimeEnv::Var<PoolThread*> behind;
  };
  using Queue = internal::WorkQueue<RuntimeEnv, Item, PoolThread>;
  using State = internal::WorkState;

  static void Interrupt(void* world, internal::CancelReason) {
    static_cast<WorkWorld*>(world)->Cancel();
  }
  void Cancel() {
    if (queue_->Cancel(&items_[0], [] {})) Wake(&items_[0]);
  }
  bool Submit(Item& item) {
    return queue_->Submit(&item, cast_.most,
                          [this](int threads) { return Start(threads); });
  }

  // Who asks that it be cancelled, and what is to be called then. No lock of
  // ours is held meanwhile, but whoever forgets the call waits until it is
  // over.
  struct Token {
    bool asked = false;
    bool listens = false;
    bool calls = false;
    friend bool operator==(const Token&, const Token&) = default;
    std::string Text() const {
      return std::string(asked ? "asked" : "not asked") +
             (listens ? ", heard" : "") + (calls ? ", being told" : "");
    }
  };
  // 1: it is to be called. In a scope those who sit there are.
  static Step Asks(Token& token, std::int64_t scope) {
    if (token.asked) return std::nullopt;
    token.asked = true;
    token.calls = token.listens || scope != 0;
    return token.calls ? 1 : 0;
  }
  static Step Called(Token& token, std::int64_t) {
    token.calls = false;
    return 0;
  }
  // 1: it was asked before.
  static Step Listens(Token& token, std::int64_t) {
    token.listens = !token.asked;
    return token.asked ? 1 : 0;
  }
  static Step Forgets(Token& token, std::int64_t) {
    if (token.calls) return std::nullopt;
    token.listens = false;
    return token.asked ? 1 : 0;
  }
  // Waits for one, and takes it.
  static Step Takes(int& value, std::int64_t) {
    if (value == 0) return std::nullopt;
    return --value;
  }
  static Step Another(Token& token, std::int64_t) {
    token = {};
    return 0;
  }

  void Cancels(Thread& thread) {
    do {
      thread.Mark("cancel");
      if (cast_.endless) {
        // Not before the last one is through.
        if (Thread::MayCall("cancel", token_, Asks, cast_.token ? 0 : 1) == 0) {
          continue;
        }
      } else {
        thread.May("cancel");
        if (cast_.token && Thread::Call("token.asks", token_, Asks) == 0)
          return;
      }
      thread_ = &thread;
      if (cast_.token) {
        Cancel();
      } else {
        (void)scope_.Cancel(internal::CancelReason::kCancelled);
      }
      if (cast_.token || cast_.endless) {
        Thread::Call("token.told", token_, Called);
      }
    } while (cast_.endless);
  }

  // In a scope, which refuses who comes late; or with a token, which tells him.
  bool SubmitInScope(Item& item) {
    if (cast_.token) {
      if (Thread::Call("token.listens", token_, Listens) != 0) {
        Cancel();
        if (Submit(item)) {
          thread_->Fail("R11: work was taken that was cancelled before");
        }
        return false;
      }
      return Submit(item);
    }
    bool queued = false;
    const internal::CancelReason why = scope_.Sit(
        seat_, this, &WorkWorld::Interrupt, [&] { queued = Submit(item); });
    if (why != internal::CancelReason::kNone) Cancel();
    return queued;
  }

  void Wake(Item* item) {
    if (!Thread::WakeEarly(ThreadOf(item))) {
      thread_->Fail("R11: a task was woken twice for one piece of work");
    }
  }

  // As JobAwaiter, and what its task does with the answer.
  void Task(Thread& thread, int number) {
    Item& item = items_[number];
    for (int round = 0; round < cast_.rounds; round += cast_.endless ? 0 : 1) {
      thread.Mark("comes", {round});
      thread_ = &thread;
      if (cast_.endless) thread.May("task.comes");
      // A new piece of work in the same place; the first may be cancelled
      // before.
      if (round > 0 || cast_.endless) item.state.Set(State::kNew);
      const bool in_scope = cast_.cancels && number == 0;
      const bool queued = in_scope ? SubmitInScope(item) : Submit(item);
      if (queued) thread.Park();
      if (in_scope) Leaves();
      const State state = item.state.Get();
      const int runs = Thread::Call("task.looks", runs_[number], Look);
      const int expected = state == State::kRunning ? 1 : 0;
      if (runs != expected) {
        thread.Fail("R11: work was run and refused, or neither");
      }
      if (queued && state != State::kRunning && state != State::kCancelled) {
        thread.Fail("R11: a task goes on before its work is done");
      }
      if (!queued && state == State::kRefused && cast_.most >= kEnough) {
        thread.Fail("R11: work was refused though there was room");
      }
      Thread::Call("task.next", runs_[number], Put, 0);
    }
    Thread::Call("task.ends", ended_[number], Put, 1);
  }

  void Leaves() {
    if (!cast_.token) scope_.Leave(seat_);
    if (!cast_.token && !cast_.endless) return;
    if (Thread::Call("token.forgets", token_, Forgets) == 0) return;
    if (!cast_.endless) return;
    if (!cast_.token) scope_.Renew();
    Thread::Call("token.another", token_, Another);
  }

  bool Start(int threads) {
    if (threads >= cast_.threads) return false;
    if (cast_.fails && Thread::Choose("no thread", 2) == 1) return false;
    Thread::Call("start", started_[threads], Put, 1);
    return true;
  }

  // As PoolState::Main.
  void Work(Thread& thread, int number) {
    Thread::Await("started", started_[number], Until, 1);
    for (;;) {
      thread.Mark("next");
      thread_ = &thread;
      Item* const item = queue_->Next(threads_[number].get());
      if (item == nullptr) {
        threads_[number]->parker.Park("pool.park");
        if (queue_->ending()) break;
        continue;
      }
      const auto at = item - items_;
      if (Thread::Call("work.runs", runs_[at], Count, 1) != 0) {
        thread.Fail("R11: work was run twice");
      }
      if (cast_.meets && at == 0) Thread::Await("work.waits", met_, Takes);
      if (cast_.meets && at == 1) Thread::Call("work.meets", met_, Count, 1);
      queue_->Ran();
      Wake(item);
    }
    Thread::Call("returned", started_[number], Put, 3);
  }

  void Main(Thread& thread) {
    for (int i = 0; i < cast_.tasks; ++i) {
      Thread::Await("main.waits", ended_[i], Until, 1);
    }
    thread_ = &thread;
    if (!queue_->End()) {
      thread.Fail("R11: nothing is left, and the pool says that there is");
    }
    for (int i = 0; i < cast_.threads; ++i) {
      if (Thread::Call("main.looks", started_[i], Look) == 0) continue;
      threads_[i]->parker.Unpark("pool.unpark");
    }
    for (int i = 0; i < cast_.threads; ++i) {
      if (Thread::Call("main.looks", started_[i], Look) == 0) continue;
      Thread::Await("main.joins", started_[i], Until, 3);
    }
    Free(thread, memory_);
  }

  static constexpr std::size_t kEnough = 2;

  const WorkCast cast_;
  std::unique_ptr<Queue> queue_;
  std::unique_ptr<PoolThread> threads_[2];
  int memory_ = 0;
  Item items_[2];
  Int ended_[2] = {Int(0), Int(0)};
  Int runs_[2] = {Int(0), Int(0)};
  Int started_[2] = {Int(0), Int(0)};  // 1; 3: it has returned.
  Int met_{0};  // Work of the second that none of the first has waited for.
  internal::CancelNode<RuntimeEnv> scope_;
  internal::CancelNode<RuntimeEnv>::Seat seat_;
  ObjectOf<Token> token_{Token{}};
  // Of the run that is under way.
  Thread* thread_ = nullptr;
};

inline void AddWorkScenarios(std::vector<Scenario>& all) {
  const auto add = [&all](const char* name, const char* about, WorkCast cast) {
    AddScenario<WorkWorld>(all, name, about, cast);
  };
  add("work-one", "a task hands a thread work, again and again", {.rounds = 2});
  add("work-cancel", "work is cancelled while it waits, before or after",
      {.cancels = true});
  add("work-token", "the same by a token, before it is handed over too",
      {.cancels = true, .token = true});
  add("work-two-tasks", "two tasks, and one thread", {.tasks = 2});
  add("work-two-cancel", "and the first one's is cancelled",
      {.tasks = 2, .cancels = true});
  add("work-two-threads", "two threads for two tasks",
      {.tasks = 2, .threads = 2});
  add("work-full", "one piece of work may wait", {.tasks = 2, .most = 1});
  add("work-no-thread", "threads may not be had",
      {.tasks = 2, .threads = 2, .fails = true});
  add("work-meets", "two threads, and work that waits for another",
      {.tasks = 2, .rounds = 2, .threads = 2, .meets = true});
  const auto closed = [&](const char* name, const char* about, WorkCast cast) {
    cast.endless = true;
    add(name, about, cast);
    all.back().closed = true;
  };
  closed("closed-work-pool", "two tasks hand work to a thread, or to none",
         {.tasks = 2, .most = 1, .fails = true});
  closed("closed-work-threads", "to two threads", {.tasks = 2, .threads = 2});
  closed("closed-work-cancel", "a task's work is cancelled again and again",
         {.cancels = true});
  closed("closed-work-token", "the same by tokens, of one of two tasks",
         {.tasks = 2, .cancels = true, .token = true});
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_WORK_WORLD_H_
