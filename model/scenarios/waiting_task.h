// SPDX-License-Identifier: Apache-2.0
//
// A task of a scenario that waits between tasks: what lies in its frame while
// it does, and the wait itself as the runtime has it (parked_wait.h).

#ifndef NETPOLL_MODEL_SCENARIOS_WAITING_TASK_H_
#define NETPOLL_MODEL_SCENARIOS_WAITING_TASK_H_

#include "netpoll/model/scenarios/runtime_world.h"
#include "netpoll/runtime/protocols/cancel_node.h"
#include "netpoll/runtime/protocols/channel_core.h"
#include "netpoll/runtime/protocols/parked_wait.h"
#include "netpoll/runtime/protocols/wait_queue.h"
#include "netpoll/runtime/protocols/wakeup.h"

namespace netpoll::model {

using ScopeNode = internal::CancelNode<RuntimeEnv>;

struct WaitingTask {
  internal::Wakeup<RuntimeEnv> wakeup;
  ScopeNode::Seat seat;
  internal::ChannelEntry<RuntimeEnv> entry;
  RuntimeEnv::Var<int> slot;
  TaskOfThread waiter;
};

class WaitingWorld : public RuntimeWorld {
 protected:
  // True: granted. `scope` null: nothing cancels it.
  template <class Join, class Leave>
  static bool WaitFor(Thread& thread, WaitingTask& task, ScopeNode* scope,
                      Join join, Leave leave) {
    internal::ParkedWait<RuntimeEnv> wait(task.wakeup);
    task.seat.node = scope;
    if (wait.Begin(&task.waiter, scope != nullptr ? &task.seat : nullptr, &task,
                   &WaitingWorld::Tell, join, leave)) {
      thread.Park();
      wait.End(leave);
    }
    if (!wait.granted() && wait.reason() == internal::CancelReason::kNone) {
      thread.Fail("N2: a wait ended that was neither granted nor cancelled");
    }
    return wait.granted();
  }

  static void Tell(void* whom, internal::CancelReason) {
    Waiter* const waiter = static_cast<WaitingTask*>(whom)->wakeup.Cancel();
    if (waiter != nullptr) Thread::WakeEarly(ThreadOf(waiter));
  }

  static void Wake(Thread& thread, WaiterList& list) {
    while (Waiter* const waiter = list.Pop()) {
      if (!Thread::WakeEarly(ThreadOf(waiter))) {
        thread.Fail("N1: a task was woken twice for one wait");
      }
    }
  }

  // Scopes that are cancelled again and again: where one is, and the task's
  // next one.
  enum : int { kNotCancelled, kSaid, kTold };
  int AddEndlessCanceller(const std::string& name, ScopeNode& scope,
                          Int& said) {
    said.name = "cancelled";
    return AddThread(name, [&](Thread& thread) {
      const auto say = [](int& now, std::int64_t) -> Step {
        if (now != kNotCancelled) return std::nullopt;
        now = kSaid;
        return 0;
      };
      for (;;) {
        thread.Mark("cancel");
        Thread::MayCall<int>("cancel", said, say);
        static_cast<void>(scope.Cancel(internal::CancelReason::kCancelled));
        Thread::Call("cancelled", said, Put, kTold);
      }
    });
  }
  static void TakeAnother(ScopeNode& scope, Int& said) {
    const auto told = [](int& now, std::int64_t) -> Step {
      if (now == kSaid) return std::nullopt;
      return now;
    };
    if (Thread::Call<int>("scope.leaves", said, told) != kTold) return;
    scope.Renew();
    Thread::Call("scope.another", said, Put, kNotCancelled);
  }

  // A thread that cancels `scope`, or never comes.
  int AddCanceller(const std::string& name, ScopeNode& scope) {
    return AddThread(name, [&scope](Thread& thread) {
      thread.May("cancel");
      static_cast<void>(scope.Cancel(internal::CancelReason::kCancelled));
    });
  }
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_WAITING_TASK_H_
