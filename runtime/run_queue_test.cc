// SPDX-License-Identifier: Apache-2.0
//
// What a scheduler is made of, piece by piece: the queue of runnable tasks, the
// places that tasks have, and the word that says whether Run is at work.

#include "netpoll/runtime/protocols/run_queue.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/protocols/run_word.h"
#include "netpoll/runtime/protocols/task_places.h"
#include "netpoll/runtime/task_waiter.h"

namespace netpoll::internal {
namespace {

class RunQueueTest : public testing::Test {
 protected:
  using Queue = RunQueue<StdEnv>;

  // Pushes the first `count` tasks.
  void Fill(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) queue_.Push(&tasks_[i]);
  }
  std::size_t NumberOf(Waiter* task) const {
    return static_cast<std::size_t>(static_cast<TaskWaiter*>(task) -
                                    tasks_.data());
  }
  // Takes everything out: the numbers of the tasks.
  std::vector<std::size_t> Drain(Queue& queue) {
    std::vector<std::size_t> numbers;
    while (Waiter* const waiter = queue.Pop()) {
      numbers.push_back(NumberOf(waiter));
    }
    EXPECT_EQ(queue.Size(), 0);
    EXPECT_TRUE(queue.Empty());
    return numbers;
  }

  std::array<TaskWaiter, 8> tasks_;
  Queue queue_;
};

using Numbers = std::vector<std::size_t>;

TEST_F(RunQueueTest, FirstInFirstOutAndCounted) {
  EXPECT_EQ(queue_.Pop(), nullptr);
  EXPECT_EQ(queue_.Size(), 0) << "there was nothing to take";
  Fill(3);
  EXPECT_EQ(queue_.Size(), 3);
  EXPECT_FALSE(queue_.Empty());
  EXPECT_EQ(queue_.Pop(), &tasks_[0]);
  EXPECT_EQ(queue_.Size(), 2);
  EXPECT_EQ(Drain(queue_), (Numbers{1, 2}));
}

TEST_F(RunQueueTest, AListGoesBehindAndIsLeftEmpty) {
  Fill(1);
  WaiterList list;
  for (std::size_t i = 1; i < 4; ++i) list.Push(&tasks_[i]);
  queue_.Push(list, 3);
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(queue_.Size(), 4);
  EXPECT_EQ(Drain(queue_), (Numbers{0, 1, 2, 3}));
}

// Notes what it is told comes next.
struct NotingAhead {
  static void Ask(const Waiter* next) { told.push_back(next); }
  static inline std::vector<const Waiter*> told;
};

TEST_F(RunQueueTest, WhoIsTakenIsToldWithWhoComesNext) {
  const std::vector<const Waiter*> next = {&tasks_[1], &tasks_[2], nullptr};
  for (const auto pop : {&RunQueue<StdEnv, NotingAhead>::Pop,
                         &RunQueue<StdEnv, NotingAhead>::PopAlone}) {
    RunQueue<StdEnv, NotingAhead> queue;
    for (std::size_t i = 0; i < 3; ++i) queue.Push(&tasks_[i]);
    NotingAhead::told.clear();
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ((queue.*pop)(), &tasks_[i]);
    EXPECT_EQ(NotingAhead::told, next);
  }
}

TEST_F(RunQueueTest, AThiefGetsHalfRoundedUpTheOldestAtOnce) {
  const std::array<Numbers, 6> taken = {Numbers{}, {0},    {0},
                                        {0, 1},    {0, 1}, {0, 1, 2}};
  for (std::size_t count = 0; count < taken.size(); ++count) {
    Queue thief;
    Fill(count);
    Numbers got;
    Waiter* const first = queue_.StealInto(thief);
    EXPECT_EQ(queue_.Size(),
              static_cast<std::int32_t>(count - taken[count].size()));
    if (first != nullptr) got.push_back(NumberOf(first));
    for (const std::size_t number : Drain(thief)) got.push_back(number);
    EXPECT_EQ(got, taken[count]);
    EXPECT_EQ(Drain(queue_).size(), count - taken[count].size());
  }
}

// --- Places ------------------------------------------------------------------

struct FakeTimers {
  bool Reserve(std::size_t timers) {
    asked.push_back(timers);
    return has_memory;
  }
  bool has_memory = true;
  std::vector<std::size_t> asked;
};

TEST(TaskPlacesTest, RoomIsReservedForAllThatHaveAPlace) {
  TaskPlaces<StdEnv> places;
  FakeTimers timers;
  EXPECT_TRUE(places.Take(timers));
  EXPECT_TRUE(places.Take(timers));
  timers.has_memory = false;
  EXPECT_FALSE(places.Take(timers));
  timers.has_memory = true;
  EXPECT_TRUE(places.Take(timers));
  places.Give();
  EXPECT_TRUE(places.Take(timers));
  // And for one timer of the runtime's own.
  EXPECT_EQ(timers.asked, (Numbers{2, 3, 4, 4, 4}));
}

// Timers that are armed take no room of others.
TEST(TaskPlacesTest, RoomIsThereForEachTimerBesideThoseThatAreArmed) {
  TaskPlaces<StdEnv> places;
  FakeTimers timers;
  EXPECT_TRUE(places.TakeTimer(timers));
  EXPECT_TRUE(places.TakeTimer(timers));
  timers.has_memory = false;
  EXPECT_FALSE(places.TakeTimer(timers));
  timers.has_memory = true;
  EXPECT_TRUE(places.TakeTimer(timers)) << "what failed took nothing";
  places.GiveTimer();
  places.GiveTimer();
  EXPECT_TRUE(places.TakeTimer(timers));
  EXPECT_EQ(timers.asked, (Numbers{2, 3, 4, 4, 3}));
}

// --- The word ----------------------------------------------------------------

TEST(RunWordTest, OneRunAtATimeWhichEndsWhenNobodyIsLeft) {
  RunWord<StdEnv> word;
  RunPhase before = RunPhase::kEnded;
  word.Add();
  EXPECT_TRUE(word.Begin(&before));
  EXPECT_EQ(before, RunPhase::kFresh);
  EXPECT_FALSE(word.Begin(&before));
  EXPECT_FALSE(word.End()) << "somebody lives";
  word.Add();
  EXPECT_EQ(word.Remove(), RunLeft::kSome) << "not the last";
  EXPECT_EQ(word.count(), 1u);
  EXPECT_EQ(word.Remove(), RunLeft::kNobody);
  EXPECT_TRUE(word.End());
  EXPECT_EQ(word.phase(), RunPhase::kEnded);
  EXPECT_TRUE(word.Begin(&before));
  EXPECT_EQ(before, RunPhase::kEnded);
}

TEST(RunWordTest, AGuestEntersUntilRunHasReturned) {
  RunWord<StdEnv> word;
  RunPhase before;
  EXPECT_TRUE(word.AddUnlessEnded());
  EXPECT_TRUE(word.Begin(&before));
  EXPECT_TRUE(word.AddUnlessEnded());
  EXPECT_EQ(word.Remove(), RunLeft::kSome);
  EXPECT_EQ(word.Remove(), RunLeft::kNobody);
  EXPECT_TRUE(word.End());
  EXPECT_FALSE(word.AddUnlessEnded());
  EXPECT_EQ(word.count(), 0u);
}

// A Run that could not begin was none: what was possible before still is.
TEST(RunWordTest, WhatIsAbortedIsAsBefore) {
  RunWord<StdEnv> word;
  RunPhase before;
  word.Add();
  EXPECT_TRUE(word.Begin(&before));
  word.Abort(before);
  EXPECT_EQ(word.phase(), RunPhase::kFresh);
  EXPECT_EQ(word.count(), 1u);
  EXPECT_TRUE(word.AddUnlessEnded());
  word.Remove();
  word.Remove();
  EXPECT_TRUE(word.Begin(&before));
  EXPECT_TRUE(word.End());
  EXPECT_TRUE(word.Begin(&before));
  word.Abort(before);
  EXPECT_EQ(word.phase(), RunPhase::kEnded);
}

}  // namespace
}  // namespace netpoll::internal
