// SPDX-License-Identifier: Apache-2.0
//
// A spawned task and its handle: the task ends, whoever has the handle awaits
// it or lets go of it, and the runtime goes when the task has ended. The handle
// may be another runtime's, so it outlives this one.

#ifndef NETPOLL_MODEL_SCENARIOS_JOIN_WORLD_H_
#define NETPOLL_MODEL_SCENARIOS_JOIN_WORLD_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "netpoll/model/scenarios/runtime_world.h"
#include "netpoll/runtime/protocols/cancel_node.h"
#include "netpoll/runtime/protocols/hearing.h"
#include "netpoll/runtime/protocols/join_word.h"

namespace netpoll::model {

struct JoinCast {
  bool awaits = false;    // Whoever has the handle may await the task.
  bool detaches = false;  // Or let go of it.
  bool throws = false;    // An exception leaves the task.
  bool goes = false;      // The runtime goes.
  int awaiters = 1;       // Two break the rules.
  bool cancels = false;   // The scope in which the task is awaited.
};

class JoinWorld : public RuntimeWorld {
 public:
  explicit JoinWorld(const JoinCast& cast)
      : cast_(cast),
        ended_(0),
        handed_(0),
        told_(0),
        let_go_(0),
        sharers_(1 + cast.awaiters) {
    hearing_memory_ = MadeBy(
        "hearing freed", [this] { hearing_ = std::make_unique<Hearing>(); });
    scheduler_memory_ = MadeBy(
        "scheduler freed", [this] { scheduler_ = std::make_unique<Int>(0); });
    hearing_->Ref();  // The state's.
    scheduler_->name = "scheduler";
    ended_.name = "ended";
    handed_.name = "handed over";
    told_.name = "told";
    let_go_.name = "let go";
    sharers_.name = "sharers";
    task_ = AddThread("task", [this](Thread& thread) { Task(thread); });
    for (int i = 0; i < cast.awaiters; ++i) {
      const int holder =
          AddThread("holder" + std::to_string(i + 1),
                    [=, this](Thread& thread) { Holder(thread, i); });
      Introduce(waiters_[i], holder);
      holders_.push_back(holder);
    }
    seat_.node = &scope_;
    if (cast.cancels) {
      canceller_ = AddThread("canceller", [this](Thread& thread) {
        thread.May("cancel");
        scope_.Cancel(internal::CancelReason::kCancelled);
      });
    }
    if (cast.goes) {
      runtime_ = AddThread("runtime", [this](Thread& thread) { Goes(thread); });
    }
    Settle();
  }

  const char* AtRest(const View& view) override {
    for (const int holder : holders_) {
      if (view.parked(holder) && view.ended(task_)) {
        return Of(holder, &ended_, "R3: a task waits for one that has ended");
      }
      if (canceller_ >= 0 && view.ended(canceller_) && view.parked(holder)) {
        return Of(holder, "N2: a task waits in a scope that is cancelled");
      }
    }
    if (cast_.goes && AllEnded(view) && !freed(view, hearing_memory_)) {
      return "R5: memory is kept that nobody refers to";
    }
    if (!cast_.throws || !view.ended(task_)) return nullptr;
    const int heard = view.Of(handed_) + view.Of(told_);
    if (heard > 1) return Of(&told_, "R4: an exception came twice");
    // Nobody is told by a handle that was let go of when the runtime went.
    const bool must_be = cast_.goes ? view.Of(let_go_) == 2 : AllEnded(view);
    return heard == 0 && must_be ? Of(task_, "R4: an exception was lost")
                                 : nullptr;
  }

  bool AllowsStop(const std::string& rule) override {
    return cast_.awaiters > 1 && rule.find("two tasks await") < rule.size();
  }

 private:
  using Hearing = internal::Hearing<RuntimeEnv>;
  using Word = internal::JoinWord<RuntimeEnv, int>;

  bool AllEnded(const View& view) const {
    if (runtime_ >= 0 && !view.ended(runtime_)) return false;
    if (!view.ended(task_)) return false;
    for (const int holder : holders_) {
      if (!view.ended(holder)) return false;
    }
    return true;
  }

  void Report() {
    hearing_->Tell([this] {
      Thread::Call("told.scheduler", *scheduler_, Put, 1);
      Thread::Call("told", told_, Count, 1);
    });
  }

  // One of those who share the state goes.
  void Unshare(Thread& thread) {
    if (Thread::Call("unshare", sharers_, Count, -1) != 1) return;
    if (hearing_->Unref()) Free(thread, hearing_memory_);
  }

  void Task(Thread& thread) {
    thread.May("task.ends");
    word_.End(
        cast_.throws ? 1 : 0,
        [&thread](Waiter* waiter) {
          if (!Thread::WakeEarly(ThreadOf(waiter))) {
            thread.Fail("R3: the waiter of a join was woken twice");
          }
        },
        [this](int) { Report(); });
    Unshare(thread);
    Thread::Call("task.ended", ended_, Put, 1);
  }

  // In a scope it parks as it sits down (join.cc). False: it was cancelled.
  bool Await(Thread& thread, int number) {
    if (word_.ended()) return true;
    if (!cast_.cancels) {
      if (word_.Park(&waiters_[number])) thread.Park();
      return true;
    }
    bool parked = false;
    const auto why = scope_.Sit(seat_, this, &JoinWorld::Tell, [&] {
      parked = word_.Park(&waiters_[number]);
    });
    if (why == internal::CancelReason::kNone && parked) thread.Park();
    scope_.Leave(seat_);
    return word_.ended();
  }
  static void Tell(void* whom, internal::CancelReason) {
    auto* const world = static_cast<JoinWorld*>(whom);
    if (world->word_.Withdraw(&world->waiters_[0])) {
      Thread::WakeEarly(ThreadOf(&world->waiters_[0]));
    }
  }

  void Holder(Thread& thread, int number) {
    thread.May("holder.go");
    const bool awaits =
        cast_.awaits && (!cast_.detaches || Thread::Choose("holder.awaits", 2));
    if (awaits) {
      const bool cancelled = !Await(thread, number);
      if (!word_.ended() && !cancelled) {
        thread.Fail("R3: a task went on before the one that it awaits ended");
      }
      if (cancelled) {
        word_.Detach([this](int) { Report(); });
      } else if (word_.exception() != 0) {
        Thread::Call("handed", handed_, Count, 1);
      }
    } else {
      word_.Detach([this](int) { Report(); });
    }
    if (cast_.goes && !awaits) Thread::Call("let_go", let_go_, LetGo);
    Unshare(thread);
  }

  // Run has returned, and the runtime goes.
  void Goes(Thread& thread) {
    Thread::Await("runtime.run", ended_, Until, 1);
    if (cast_.goes) Thread::Call("let_go.look", let_go_, Begin);
    if (hearing_->Forget()) Free(thread, hearing_memory_);
    Free(thread, scheduler_memory_);
  }

  // 0; 1 the handle was let go of; 2 that, and then the runtime began to go; 3
  // it began to go before.
  static Step LetGo(int& word, std::int64_t) {
    if (word == 0) word = 1;
    return 0;
  }
  static Step Begin(int& word, std::int64_t) {
    word = word == 1 ? 2 : 3;
    return 0;
  }

  const JoinCast cast_;
  std::unique_ptr<Hearing> hearing_;
  std::unique_ptr<Int> scheduler_;
  Word word_;
  Int ended_, handed_, told_, let_go_, sharers_;
  int hearing_memory_ = 0;
  int scheduler_memory_ = 0;
  int task_ = 0;
  int runtime_ = -1;
  int canceller_ = -1;
  internal::CancelNode<RuntimeEnv> scope_;
  internal::CancelNode<RuntimeEnv>::Seat seat_;
  std::vector<int> holders_;
  TaskOfThread waiters_[2];
};

inline void AddJoinScenarios(std::vector<Scenario>& all) {
  const auto add = [&all](const char* name, const char* about, JoinCast cast) {
    AddScenario<JoinWorld>(all, name, about, cast);
  };
  add("join-await", "a task is awaited, or was, while it ends",
      {.awaits = true});
  add("join-throws", "it ends with an exception; awaited, or let go of",
      {.awaits = true, .detaches = true, .throws = true});
  add("join-goes", "the same, and the runtime goes when it has ended",
      {.awaits = true, .detaches = true, .throws = true, .goes = true});
  add("join-cancelled", "who awaits it is cancelled, and lets go of it",
      {.awaits = true, .throws = true, .cancels = true});
  add("misuse-two-awaiters", "two tasks await one",
      {.awaits = true, .awaiters = 2});
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_JOIN_WORLD_H_
