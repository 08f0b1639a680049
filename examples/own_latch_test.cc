// SPDX-License-Identifier: Apache-2.0
//
// Fifteen lines of somebody's own glue, explored: a latch at which a task waits
// until it is opened. docs/tutorial.md goes through it.

#include <memory>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/engine/view.h"
#include "netpoll/model/engine/world.h"
#include "netpoll/model/model_env.h"
#include "netpoll/model/report/check.h"

namespace {

using netpoll::Order;
using netpoll::model::Scenario, netpoll::model::Thread, netpoll::model::View;

// --- The glue ----------------------------------------------------------------

template <class Env, bool kLooksAgain>
struct Latch {
  // Whether the task must park: it is closed, and the task is written down.
  bool MustPark(int task) {
    if (open.Load("latch.look", Order::kSeqCst)) return false;
    waiter.Store("latch.wait", task + 1, Order::kSeqCst);
    if (!kLooksAgain || !open.Load("latch.again", Order::kSeqCst)) return true;
    return waiter.Exchange("latch.back_out", 0, Order::kSeqCst) == 0;
  }
  // Whom to wake: a task, or -1.
  int Open() {
    open.Store("latch.open", true, Order::kSeqCst);
    return waiter.Exchange("latch.take", 0, Order::kSeqCst) - 1;
  }
  typename Env::template Atomic<bool> open{false};
  typename Env::template Atomic<int> waiter{0};
};

// --- The world: who there is, and what must hold -----------------------------

template <bool kLooksAgain>
class LatchWorld : public netpoll::model::World {
 public:
  LatchWorld() {
    task_ = AddThread("task", [this](Thread& thread) {
      if (latch_.MustPark(task_)) thread.Park();
    });
    AddThread("opener", [this](Thread&) {
      const int task = latch_.Open();
      if (task >= 0) Thread::WakeEarly(task);
    });
    Settle();
  }

  const char* AtRest(const View& view) override {
    return view.parked(task_) ? "the task sleeps at an open latch" : nullptr;
  }

 private:
  Latch<netpoll::model::ModelEnv<2>, kLooksAgain> latch_;
  int task_ = 0;
};

// --- The test ----------------------------------------------------------------

template <bool kLooksAgain>
netpoll::model::Verdict Explore() {
  const Scenario scenario = {
      "own-latch", "a task and whoever opens", false,
      [] { return std::make_unique<LatchWorld<kLooksAgain>>(); }};
  return netpoll::model::Check("shipped", scenario);
}

TEST(OwnLatch, WakesTheTaskInEveryInterleaving) {
  const auto verdict = Explore<true>();
  EXPECT_TRUE(verdict.ok()) << verdict.Counterexample(80);
}

TEST(OwnLatch, WithoutASecondLookATaskIsLost) {
  const auto verdict = Explore<false>();
  EXPECT_EQ(verdict.violation, "the task sleeps at an open latch");
  EXPECT_THAT(verdict.Counterexample(80), testing::HasSubstr("latch.take"));
}

}  // namespace
