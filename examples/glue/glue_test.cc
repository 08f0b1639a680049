// SPDX-License-Identifier: Apache-2.0
//
// The four ways to wait, explored: every interleaving of a task, a poll, a
// deadline that comes and goes, and a closer, on the shipped poller. And each
// with the mistake that is easily made in it, which the explorer finds.

#include <cstdio>
#include <memory>

#include "gtest/gtest.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/poller.h"
#include "netpoll/examples/glue/wait.h"
#include "netpoll/model/engine/view.h"
#include "netpoll/model/laws/parking_laws.h"
#include "netpoll/model/model_env.h"
#include "netpoll/model/report/check.h"
#include "netpoll/model/scenarios/model_kernel.h"

namespace netpoll::examples {
namespace {

using model::Role, model::Thread, model::View;
namespace kernel = model::kernel;

using Env = model::ModelEnv<2>;
using Poller = netpoll::Poller<model::ModelBackend, Env, model::ModelTimers>;

enum class Way { kThread, kFiber, kCoroutine, kCallback };
enum class Mistake { kNone, kTheOneOfThisWay };

// The scheduler's task, for all four: `left` says whether a fiber was left,
// `frame` stands for what is kept in a frame.
struct Task : Waiter {
  void Sleep() {
    // A condition variable wakes for nothing now and then.
    if (wrong && Thread::Choose("wakes.for_nothing", 2) == 1) return;
    thread->Park();
  }
  template <class Commit>
  void LeaveFor(Commit commit) {
    if (wrong) {  // Commits on the stack that is to be left.
      const bool parked = commit();
      left.Store("glue.left_late", 1, Order::kSeqCst);
      if (parked) thread->Park();
      return;
    }
    left.Store("glue.left", 1, Order::kSeqCst);
    if (commit()) {
      thread->Park();
    } else {
      left.Store("glue.back", 0, Order::kSeqCst);
    }
  }
  void SetAnswer(PollError error) {
    frame.Store("glue.answer", static_cast<int>(error), Order::kSeqCst);
  }
  PollError Answer() {
    return static_cast<PollError>(frame.Load("glue.ask", Order::kSeqCst));
  }
  bool waits() { return frame.Load("glue.waits", Order::kSeqCst) != 0; }
  void SetWaits(bool on) {
    frame.Store("glue.set_waits", on ? 1 : 0, Order::kSeqCst);
  }

  Thread* thread = nullptr;
  int number = 0;
  bool wrong = false;
  Env::Atomic<int> left{0};
  Env::Atomic<int> frame{0};
};

class GlueWorld : public model::ParkingWorld {
 public:
  GlueWorld(Way way, Mistake mistake)
      : way_(way),
        kernel_(model::Kernel{}),
        poller_(Keep(new Poller(kernel_))) {
    kernel_.name = "kernel";
    task_.wrong = mistake != Mistake::kNone;
    desc_ = poller_.Open(3).desc;
    Name(
        "rg", Role::kSemaphore, [this] { desc_->semaphore_word(Mode::kRead); },
        "inspect.word");
    Name(
        "waiters", Role::kCount, [this] { poller_.waiters(); }, "waiters.load");
    task_.left.object().name = "left";
    task_.frame.object().name = "frame";
    task_.number = AddThread("task", [this](Thread& thread) { Read(thread); });
    laws().SetTaskWord(task_.number, reinterpret_cast<std::uint64_t>(
                                         static_cast<Waiter*>(&task_)));
    AddThread("poll", [this](Thread& thread) {
      Deliver(thread, poller_.Poll(Delta::NonBlocking()));
    });
    AddThread("deadline", [this](Thread& thread) {
      thread.May("deadline.go");
      Deliver(thread,
              poller_.SetDeadline(desc_, Mode::kRead, Deadline::Past()).wake);
      thread.Mark("clear");
      Deliver(thread,
              poller_.SetDeadline(desc_, Mode::kRead, Deadline::None()).wake);
    });
    AddThread("peer", [this](Thread&) {
      Thread::MayCall("peer.writes", kernel_, kernel::Edge, 1);
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
    model::ParkingLaws::SetRole(*ObjectAt(site), role);
  }

  // --- The scheduler's side -------------------------------------------------

  // First runnable, then the count.
  void Deliver(Thread& thread, PollResult result) {
    while (Waiter* const waiter = result.ready.Pop()) {
      Task& task = *static_cast<Task*>(waiter);
      // Else it would go on with what is running still.
      if (way_ == Way::kFiber &&
          task.left.Exchange("run.left", 0, Order::kAcqRel) == 0) {
        thread.Fail("a task was run that had not been left");
      }
      Thread::MakeRunnable(task.number);
    }
    poller_.AdjustWaiters(result.waiters_delta);
  }

  static bool TryRead(model::KernelObject& kernel) {
    return Thread::Call("task.read", kernel, kernel::Try, 1) != 0;
  }

  void Read(Thread& thread) {
    task_.thread = &thread;
    if (way_ == Way::kCallback) return InCallbacks(thread);
    if (poller_.Reset(desc_, Mode::kRead) != PollError::kNone) return;
    while (!TryRead(kernel_)) {
      if (Wait() != PollError::kNone) return;
    }
  }
  PollError Wait() {
    switch (way_) {
      case Way::kThread:
        return WaitOnThread(poller_, desc_, Mode::kRead, task_);
      case Way::kFiber:
        return WaitOnFiber(poller_, desc_, Mode::kRead, task_);
      default:
        return InCoroutine();
    }
  }

  PollError InCoroutine() {
    CoroutineWait<Poller, Task> wait{poller_, desc_, Mode::kRead, task_};
    bool suspended;
    if (task_.wrong) {  // Keeps the answer, whatever it is.
      const WaitResult answer = poller_.Park(desc_, Mode::kRead, &task_);
      task_.SetAnswer(answer.error());
      suspended = answer.parked();
    } else {
      suspended = wait.Suspend();
    }
    while (suspended) {
      task_.thread->Park();
      suspended = !wait.GoOn();
    }
    return task_.Answer();
  }

  void InCallbacks(Thread& thread) {
    for (;;) {  // Each time it is called.
      WaitResult wait = BeginCallback(poller_, desc_, Mode::kRead, task_);
      while (wait.ready()) {
        if (TryRead(kernel_)) return;
        if (task_.wrong) {  // Writes down what comes next when it is too late.
          wait = poller_.Park(desc_, Mode::kRead, &task_);
          task_.SetWaits(wait.parked());
        } else {
          wait = WaitInCallback(poller_, desc_, Mode::kRead, task_);
        }
      }
      if (!wait.parked()) return;
      thread.Park();
    }
  }

  const Way way_;
  model::KernelObject kernel_;
  Poller& poller_;
  Poller::Desc* desc_ = nullptr;
  Task task_;
};

class GlueTest : public testing::TestWithParam<Way> {};

model::Scenario Glue(Way way, Mistake mistake) {
  return {"glue", "a task of an embedder's, a poll and a deadline", false,
          [=]() -> std::unique_ptr<model::World> {
            return std::make_unique<GlueWorld>(way, mistake);
          }};
}

TEST_P(GlueTest, HoldsInEveryInterleaving) {
  const auto verdict =
      model::Check("shipped", Glue(GetParam(), Mistake::kNone));
  EXPECT_TRUE(verdict.ok()) << verdict.Counterexample(100);
  std::printf("%llu states, %llu transitions\n",
              static_cast<unsigned long long>(verdict.result.states),
              static_cast<unsigned long long>(verdict.result.transitions));
}

TEST_P(GlueTest, TheExplorerFindsItsMistake) {
  const auto verdict =
      model::Check("shipped", Glue(GetParam(), Mistake::kTheOneOfThisWay));
  EXPECT_FALSE(verdict.ok());
  EXPECT_EQ(verdict.violation,
            "I2: a task went on after its commit said that it was parked")
      << verdict.Counterexample(100);
}

INSTANTIATE_TEST_SUITE_P(Ways, GlueTest,
                         testing::Values(Way::kThread, Way::kFiber,
                                         Way::kCoroutine, Way::kCallback));

}  // namespace
}  // namespace netpoll::examples
