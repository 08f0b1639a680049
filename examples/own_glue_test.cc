// SPDX-License-Identifier: Apache-2.0
//
// A runtime author checks their own glue: every interleaving of a task and a
// poll, on the shipped poller. The glue keeps a flag of its own, "the task is
// parked", so that a poll does not queue a task which still runs. Raised before
// Commit it is right; raised after it, it comes too late, and the explorer says
// so. docs/counterexamples.md goes through it.

#include <memory>
#include <optional>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpoll/core/poller.h"
#include "netpoll/model/engine/view.h"
#include "netpoll/model/laws/parking_laws.h"
#include "netpoll/model/model_env.h"
#include "netpoll/model/report/check.h"
#include "netpoll/model/scenarios/model_kernel.h"

namespace {

using netpoll::Delta, netpoll::Mode, netpoll::Order, netpoll::PollResult,
    netpoll::Waiter, netpoll::WaitStep;
using netpoll::model::Role, netpoll::model::Scenario, netpoll::model::Thread,
    netpoll::model::View;

// --- The glue: written once, over an Env -------------------------------------

template <class Env>
struct Task : Waiter {
  int number = 0;
  typename Env::template Atomic<int> parked{0};
};

enum class FlagIsRaised { kBeforeCommit, kAfterCommit };

// Parks the task unless readiness came first. `sleep` leaves the stack.
template <class Env, class Poller, class Sleep>
void WaitForRead(Poller& poller, typename Poller::Desc* desc, Task<Env>& task,
                 FlagIsRaised when, Sleep sleep) {
  WaitStep wait = poller.Prepare(desc, Mode::kRead);
  while (!wait.ended) {
    if (when == FlagIsRaised::kBeforeCommit) {
      task.parked.Store("glue.raise", 1, Order::kSeqCst);
    }
    if (poller.Commit(desc, Mode::kRead, &task)) {
      if (when == FlagIsRaised::kAfterCommit) {
        task.parked.Store("glue.raise_late", 1, Order::kSeqCst);
      }
      sleep();
    }
    task.parked.Store("glue.lower", 0, Order::kSeqCst);
    wait = poller.Finish(desc, Mode::kRead);
    if (!wait.ended) wait = poller.Prepare(desc, Mode::kRead);
  }
}

// Queues what a poll found, then lowers the count.
template <class Env, class Poller, class Queue>
void PollOnce(Poller& poller, Queue queue) {
  PollResult result = poller.Poll(Delta::NonBlocking());
  while (Waiter* const waiter = result.ready.Pop()) {
    auto* const task = static_cast<Task<Env>*>(waiter);
    if (task->parked.Load("glue.look", Order::kSeqCst) != 0) queue(*task);
  }
  poller.AdjustWaiters(result.waiters_delta);
}

// --- The configuration: who there is, and what must hold ---------------------

class GlueWorld : public netpoll::model::ParkingWorld {
 public:
  using Env = netpoll::model::ModelEnv<2>;
  using Poller = netpoll::Poller<netpoll::model::ModelBackend, Env,
                                 netpoll::model::ModelTimers>;

  explicit GlueWorld(FlagIsRaised when)
      : kernel_(netpoll::model::Kernel{}), poller_(Keep(new Poller(kernel_))) {
    kernel_.name = "kernel";
    desc_ = poller_.Open(3).desc;
    Name(
        "rg", Role::kSemaphore, [this] { desc_->semaphore_word(Mode::kRead); },
        "inspect.word");
    Name(
        "waiters", Role::kCount, [this] { poller_.waiters(); }, "waiters.load");
    task_.parked.object().name = "parked";
    task_.number = AddThread("task", [=, this](Thread& thread) {
      while (Thread::Call("task.read", kernel_, netpoll::model::kernel::Try,
                          1) == 0) {
        WaitForRead<Env>(poller_, desc_, task_, when,
                         [&thread] { thread.Park(); });
      }
    });
    laws().SetTaskWord(task_.number, reinterpret_cast<std::uint64_t>(
                                         static_cast<Waiter*>(&task_)));
    AddThread("poll", [this](Thread&) {
      PollOnce<Env>(poller_,
                    [](Task<Env>& task) { Thread::MakeRunnable(task.number); });
    });
    AddThread("peer", [this](Thread&) {
      Thread::MayCall("peer.writes", kernel_, netpoll::model::kernel::Edge, 1);
    });
    Settle();
  }

  const char* AtRest(const View& view) override {
    const bool data = view.Of(kernel_).unread != 0;
    return data && view.parked(task_.number) ? "the task sleeps on data"
                                             : nullptr;
  }

 private:
  template <class Look>
  void Name(const char* name, Role role, Look look, const char* site) {
    look();
    ObjectAt(site)->name = name;
    netpoll::model::ParkingLaws::SetRole(*ObjectAt(site), role);
  }

  netpoll::model::KernelObject kernel_;
  Poller& poller_;
  Poller::Desc* desc_ = nullptr;
  Task<Env> task_;
};

Scenario Glue(FlagIsRaised when) {
  return {"own-glue", "a task, a poll, and a flag of the glue", false,
          [when]() -> std::unique_ptr<netpoll::model::World> {
            return std::make_unique<GlueWorld>(when);
          }};
}

// --- The test ----------------------------------------------------------------

TEST(OwnGlue, HoldsInEveryInterleaving) {
  const auto verdict =
      netpoll::model::Check("shipped", Glue(FlagIsRaised::kBeforeCommit));
  EXPECT_TRUE(verdict.ok()) << verdict.Counterexample(80);
}

TEST(OwnGlue, TheExplorerFindsTheLateFlag) {
  const auto verdict =
      netpoll::model::Check("shipped", Glue(FlagIsRaised::kAfterCommit));
  EXPECT_FALSE(verdict.ok());
  EXPECT_THAT(verdict.Counterexample(80), testing::HasSubstr("glue.raise_late"))
      << verdict.Counterexample(80);
  EXPECT_EQ(verdict.violation,
            "I2: a task went on after its commit said that it was parked");
}

}  // namespace
