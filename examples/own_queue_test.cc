// SPDX-License-Identifier: Apache-2.0
//
// The explorer on a protocol that has nothing to do with polling: a bounded
// queue between one producer and one consumer. The queue is written over an Env
// (core/concurrency.h), so what is explored here is what would ship; the world
// says who uses it and what must hold.

#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>

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

enum class Publish { kAfterwards, kTooEarly };

// `tail` counts what was pushed, `head` what was popped; each is stored by one
// side and read by both. A slot belongs to the consumer from the store of the
// tail on, and to the producer again from the store of the head on.
template <class Env, int kSlots>
class BoundedQueue {
 public:
  explicit BoundedQueue(Publish publish) : publish_(publish) {}

  // False: full.
  bool Push(int value) {
    const std::uint32_t tail = tail_.Load("push.tail", Order::kRelaxed);
    if (tail - head_.Load("push.head", Order::kAcquire) == kSlots) return false;
    if (publish_ == Publish::kTooEarly) Announce(tail);
    slots_[tail % kSlots].Set(value);
    if (publish_ == Publish::kAfterwards) Announce(tail);
    return true;
  }

  // Nothing: empty.
  std::optional<int> Pop() {
    const std::uint32_t head = head_.Load("pop.head", Order::kRelaxed);
    if (tail_.Load("pop.tail", Order::kAcquire) == head) return std::nullopt;
    const int value = slots_[head % kSlots].Get();
    head_.Store("pop.head.store", head + 1, Order::kRelease);
    return value;
  }

 private:
  void Announce(std::uint32_t tail) {
    tail_.Store("push.tail.store", tail + 1, Order::kRelease);
  }

  const Publish publish_;
  typename Env::template Atomic<std::uint32_t> head_{0};
  typename Env::template Atomic<std::uint32_t> tail_{0};
  typename Env::template Var<int> slots_[kSlots];
};

// --- The world: who there is, and what must hold -----------------------------

class QueueWorld : public netpoll::model::World {
 public:
  static constexpr int kValues = 4;

  explicit QueueWorld(Publish publish) : queue_(publish), popped_(0) {
    popped_.name = "popped";
    AddThread("producer", [this](Thread& thread) {
      for (int value = 1; value <= kValues; ++value) {
        // Nothing but the value is carried from one try to the next.
        do {
          thread.Mark("push", {value});
        } while (!queue_.Push(value));
      }
    });
    AddThread("consumer", [this](Thread& thread) {
      for (int wanted = 1; wanted <= kValues; ++wanted) {
        std::optional<int> value;
        do {
          thread.Mark("pop", {wanted});
          value = queue_.Pop();
        } while (!value);
        if (*value != wanted) thread.Fail("a value came out of order");
        Thread::Call("count", popped_, Count);
      }
    });
    Settle();
  }

  const char* AtRest(const View& view) override {
    return view.Of(popped_) == kValues ? nullptr : "a value was lost";
  }

 private:
  static std::optional<int> Count(int& popped, std::int64_t) {
    return ++popped;
  }

  BoundedQueue<netpoll::model::ModelEnv<2>, 2> queue_;
  netpoll::model::ObjectOf<int> popped_;
};

Scenario Queue(Publish publish) {
  return {"own-queue", "a producer, a consumer, two slots", false,
          [publish]() -> std::unique_ptr<netpoll::model::World> {
            return std::make_unique<QueueWorld>(publish);
          }};
}

TEST(OwnQueue, KeepsItsLawsInEveryInterleaving) {
  const auto verdict =
      netpoll::model::Check("shipped", Queue(Publish::kAfterwards));
  EXPECT_TRUE(verdict.ok()) << verdict.Counterexample(80);
  EXPECT_GT(verdict.survey.states, 100u);
  std::cout << verdict.survey.states << " states, "
            << verdict.survey.transitions << " transitions\n";
}

TEST(OwnQueue, AnnouncedTooEarlyIsARace) {
  const auto verdict =
      netpoll::model::Check("shipped", Queue(Publish::kTooEarly));
  EXPECT_EQ(verdict.violation, "race: two threads use one plain field at once");
  EXPECT_THAT(verdict.Counterexample(80),
              testing::HasSubstr("push.tail.store"));
}

}  // namespace
