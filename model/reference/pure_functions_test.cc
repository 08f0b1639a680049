// SPDX-License-Identifier: Apache-2.0
//
// Core's other pure functions against the reference: the descriptor lock with
// every event at the edges of its counts, keys and generations, and deadlines.
// Prints how many pairs.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/deadline_plan.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/descriptor_lock_word.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/generation.h"
#include "netpoll/core/types.h"
#include "netpoll/model/reference/reference_lock.h"

namespace netpoll::model::reference {
namespace {

using std::chrono::nanoseconds;

// --- The descriptor lock ----------------------------------------------------

LockWord Pack(const ReferenceLock& lock) {
  return (lock.closed ? 1u : 0) | (lock.read.held ? 2u : 0) |
         (lock.write.held ? 4u : 0) | (LockWord{lock.references} << 3) |
         (LockWord{lock.read.waiting} << 23) |
         (LockWord{lock.write.waiting} << 43);
}

// All combinations at the edges of the three counts.
std::vector<ReferenceLock> LockStates() {
  constexpr std::uint32_t kCounts[] = {
      0, 1, 2, 3, ReferenceLock::kLimit - 1, ReferenceLock::kLimit};
  std::vector<ReferenceLock> states;
  for (unsigned bits = 0; bits < 8; ++bits) {
    for (const std::uint32_t references : kCounts) {
      for (const std::uint32_t readers : kCounts) {
        for (const std::uint32_t writers : kCounts) {
          states.push_back({(bits & 1) != 0,
                            references,
                            {(bits & 2) != 0, readers},
                            {(bits & 4) != 0, writers}});
        }
      }
    }
  }
  return states;
}

void ExpectSame(const LockStep& step, const LockResult& expected,
                const ReferenceLock& lock) {
  EXPECT_EQ(static_cast<int>(step.outcome), static_cast<int>(expected.answer));
  EXPECT_EQ(step.wake_readers, expected.wake_readers);
  EXPECT_EQ(step.wake_writers, expected.wake_writers);
  EXPECT_EQ(step.write ? step.next : Pack(lock), Pack(expected.next));
}

TEST(LockWordTest, EveryStateAtTheEdgesWithEveryEventIsAsTheReference) {
  static_assert(static_cast<int>(LockOutcome::kMisuse) ==
                static_cast<int>(LockAnswer::kMisuse));
  int pairs = 0;
  for (const ReferenceLock& lock : LockStates()) {
    const LockWord word = Pack(lock);
    ExpectSame(lock_word::AddReference(word), lock::AddReference(lock), lock);
    ExpectSame(lock_word::DropReference(word), lock::DropReference(lock), lock);
    ExpectSame(lock_word::Close(word), lock::Close(lock), lock);
    pairs += 3;
    for (const Mode mode : {Mode::kRead, Mode::kWrite}) {
      const bool read = mode == Mode::kRead;
      ExpectSame(lock_word::Acquire(word, mode), lock::Acquire(lock, read),
                 lock);
      ExpectSame(lock_word::Release(word, mode), lock::Release(lock, read),
                 lock);
      ExpectSame(lock_word::Withdraw(word, mode), lock::Withdraw(lock, read),
                 lock);
      pairs += 3;
    }
  }
  std::printf("descriptor lock: %d (state, event) pairs\n", pairs);
}

// --- Generations and keys ---------------------------------------------------

constexpr std::uint32_t kGenerations[] = {1, 7, 0x10000, 0xfffff, 0xffffffff};

template <int kBits>
int CheckGenerations() {
  using Generations = GenerationOf<kBits>;
  std::vector<bool> seen(Generations::kMax + 1, false);
  std::uint32_t generation = Generations::Next(0);
  for (std::uint32_t i = 0; i < Generations::kMax; ++i) {
    EXPECT_NE(generation, 0u);
    EXPECT_LE(generation, Generations::kMax);
    EXPECT_FALSE(seen[generation]) << "came again too soon";
    seen[generation] = true;
    generation = Generations::Next(generation);
  }
  EXPECT_EQ(generation, Generations::Next(0)) << "comes again in time";
  return static_cast<int>(Generations::kMax);
}

TEST(GenerationTest, AGenerationComesAgainOnlyAfterAllOthers) {
  const int count = CheckGenerations<1>() + CheckGenerations<2>() +
                    CheckGenerations<3>() + CheckGenerations<8>() +
                    CheckGenerations<16>();
  std::printf("generations: %d successors\n", count);
}

TEST(EventKeyTest, AKeyGivesBackItsPartsAndIsOfOneKindOnly) {
  int keys = 0;
  for (const std::uint32_t index :
       {0u, 1u, 63u, 64u, 0x7ffffffeu, 0x7fffffffu}) {
    for (const std::uint32_t generation : kGenerations) {
      const EventKey key = EventKey::ForSlot(index, generation);
      EXPECT_EQ(key.index(), index);
      EXPECT_EQ(key.generation(), generation);
      EXPECT_TRUE(key.valid_slot());
      EXPECT_FALSE(key.internal());
      EXPECT_EQ(EventKey::FromBits(key.bits()), key);
      EXPECT_NE(key, EventKey::Internal(index));
      EXPECT_FALSE(EventKey::Internal(index).valid_slot());
      ++keys;
    }
    EXPECT_FALSE(EventKey::ForSlot(index, 0).valid_slot());
  }
  std::printf("keys: %d\n", keys);
}

// --- Time -------------------------------------------------------------------

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();

TEST(DeadlineTest, AfterIsNeverEarlyNeverNegativeAndNeverOverflows) {
  int pairs = 0;
  for (const std::int64_t now :
       {std::int64_t{0}, std::int64_t{1}, kMax / 2, kMax - 1, kMax}) {
    for (const std::int64_t delay :
         {kMin, std::int64_t{-1}, std::int64_t{0}, std::int64_t{1},
          std::int64_t{1'000'000}, kMax / 2, kMax - 1, kMax}) {
      const Deadline deadline = Deadline::After(now, nanoseconds(delay));
      const __int128 exact = static_cast<__int128>(now) + delay;
      if (delay <= 0) {
        EXPECT_TRUE(deadline.past()) << now << " " << delay;
      } else if (exact >= kMax) {
        EXPECT_TRUE(deadline.none());
      } else {
        EXPECT_EQ(deadline.value(), static_cast<std::int64_t>(exact));
      }
      EXPECT_EQ(deadline.none(), delay > 0 && exact >= kMax);
      ++pairs;
    }
  }
  std::printf("deadlines: %d (now, delay) pairs\n", pairs);
  EXPECT_TRUE(Deadline::At(0).past());
  EXPECT_TRUE(Deadline::At(kMin).past());
  EXPECT_TRUE(Deadline().none());
}

TEST(DeltaTest, SignsMeanWhatTheyShouldAndNothingOverflows) {
  EXPECT_TRUE(Delta::FromMilliseconds(-1).forever());
  EXPECT_TRUE(Delta::FromMilliseconds(kMin).forever());
  EXPECT_FALSE(Delta::FromMilliseconds(0).blocking());
  EXPECT_EQ(Delta::FromMilliseconds(3).nanos(), 3'000'000);
  EXPECT_TRUE(Delta::FromMilliseconds(kMax).forever());
  EXPECT_EQ(Delta::FromMilliseconds(kMax / 1'000'000 - 1).nanos(),
            (kMax / 1'000'000 - 1) * 1'000'000);
  EXPECT_FALSE(Delta::AtMost(nanoseconds(-5)).blocking());
  EXPECT_FALSE(Delta::AtMost(nanoseconds(kMin)).blocking());
  EXPECT_EQ(Delta::AtMost(nanoseconds(5)).nanos(), 5);
  EXPECT_FALSE(Delta::Until(7, 7).blocking());
  EXPECT_FALSE(Delta::Until(8, 7).blocking());
  EXPECT_EQ(Delta::Until(7, 9).nanos(), 2);
  EXPECT_TRUE(Delta::Forever().blocking());
}

TEST(DeltaTest, MillisecondsAreRoundedUpAndCut) {
  EXPECT_EQ(Delta::Forever().ToMillisecondsCeil(), -1);
  EXPECT_EQ(Delta::NonBlocking().ToMillisecondsCeil(), 0);
  for (const std::int64_t nanos :
       {std::int64_t{1}, std::int64_t{999'999}, std::int64_t{1'000'000},
        std::int64_t{1'000'001}, std::int64_t{1'999'999'999'999}}) {
    const int millis = Delta::AtMost(nanoseconds(nanos)).ToMillisecondsCeil();
    EXPECT_GE(std::int64_t{millis} * 1'000'000, nanos);
    EXPECT_LT((std::int64_t{millis} - 1) * 1'000'000, nanos);
  }
  EXPECT_EQ(Delta::AtMost(nanoseconds(kMax - 1)).ToMillisecondsCeil(),
            std::numeric_limits<int>::max());
}

// --- The deadline plan ------------------------------------------------------

// Every combination of the fields, also such as no descriptor reaches, with
// every call: what is set is what was asked for, what must be cancelled is,
// and afterwards the timer is due no later than any deadline to come.
std::vector<DescState> PlanStates() {
  std::vector<DescState> states;
  for (const std::int64_t read : {-1, 0, 5, 9}) {
    for (const std::int64_t write : {-1, 0, 5, 9}) {
      for (const std::int64_t due :
           {std::int64_t{5}, std::int64_t{9}, kNever}) {
        const bool covered =
            (read <= 0 || due <= read) && (write <= 0 || due <= write);
        for (const bool closing : {false, true}) {
          if (!covered && !closing) continue;
          states.push_back({read, write, due, due != kNever, closing});
        }
      }
    }
  }
  return states;
}

using Planner = DeadlinePlanner;

// The timer is due when it was armed for, and in time.
void CheckTimer(const DescState& before, const DeadlinePlan& plan) {
  const DescState& next = plan.next;
  if (plan.arm != kNever) {
    EXPECT_EQ(next.due, plan.arm);
    EXPECT_TRUE(next.armed);
    EXPECT_TRUE(next.due == next.read || next.due == next.write);
  } else {
    EXPECT_EQ(next.armed, before.armed);
  }
  for (const std::int64_t deadline : {next.read, next.write}) {
    if (deadline <= 0) continue;
    EXPECT_LE(next.due, deadline) << "nobody comes in time";
  }
}

TEST(DeadlinePlanTest, SetDoesWhatWasAskedInEveryState) {
  int pairs = 0;
  for (const DescState& state : PlanStates()) {
    for (const Mode mode : {Mode::kRead, Mode::kWrite, Mode::kReadWrite}) {
      for (const std::int64_t when : {-1, 0, 3, 5, 9}) {
        const Deadline deadline =
            when == 0 ? Deadline::None() : Deadline::At(when);
        const DeadlinePlan plan = Planner::Set(state, mode, deadline);
        ++pairs;
        EXPECT_EQ(plan.applies, !state.closing);
        EXPECT_FALSE(plan.stop);
        if (!plan.applies) {
          EXPECT_EQ(plan.next, state);
          continue;
        }
        const DescState& next = plan.next;
        EXPECT_EQ(next.read, mode != Mode::kWrite ? when : state.read);
        EXPECT_EQ(next.write, mode != Mode::kRead ? when : state.write);
        EXPECT_EQ(plan.cancel_read, next.read < 0);
        EXPECT_EQ(plan.cancel_write, next.write < 0);
        EXPECT_EQ(plan.publish, (next.read < 0) != (state.read < 0) ||
                                    (next.write < 0) != (state.write < 0));
        EXPECT_EQ(plan.arm == kNever, when <= 0 || when >= state.due)
            << "a later deadline touches no timer";
        CheckTimer(state, plan);
      }
    }
  }
  std::printf("deadline plan: %d (state, set) pairs\n", pairs);
}

TEST(DeadlinePlanTest, FireAndUnblockInEveryState) {
  int pairs = 0;
  for (const DescState& state : PlanStates()) {
    for (const Mode mode :
         {kNoMode, Mode::kRead, Mode::kWrite, Mode::kReadWrite}) {
      for (const std::int64_t when : {3, 5, 9}) {
        for (const std::int64_t now : {when, std::int64_t{9}}) {
          if (state.closing && state.due != kNever) continue;
          const DeadlinePlan plan = Planner::Fire(state, when, now, mode);
          ++pairs;
          EXPECT_EQ(plan.applies, when == state.due);
          const auto late = [&](std::int64_t deadline, Mode direction) {
            return plan.applies && Has(mode, direction) && deadline > 0 &&
                   deadline <= now;
          };
          EXPECT_EQ(plan.cancel_read, late(state.read, Mode::kRead));
          EXPECT_EQ(plan.cancel_write, late(state.write, Mode::kWrite));
          EXPECT_EQ(plan.next.read, plan.cancel_read ? -1 : state.read);
          EXPECT_EQ(plan.next.write, plan.cancel_write ? -1 : state.write);
          EXPECT_EQ(plan.publish, plan.cancel_read || plan.cancel_write);
          EXPECT_FALSE(plan.stop);
          if (!plan.applies) {
            EXPECT_EQ(plan.next, state);
            continue;
          }
          EXPECT_EQ(plan.arm, plan.next.due) << "it has come";
          CheckTimer(state, plan);
          const Mode asked = Planner::WouldExpire(state, when, now);
          EXPECT_EQ(Has(asked, Mode::kRead),
                    state.read > 0 && state.read <= now);
          EXPECT_EQ(Has(asked, Mode::kWrite),
                    state.write > 0 && state.write <= now);
        }
      }
    }
    const DeadlinePlan closed = Planner::Unblock(state);
    EXPECT_TRUE(closed.next.closing && closed.publish);
    EXPECT_TRUE(closed.cancel_read && closed.cancel_write);
    EXPECT_EQ(closed.next.due, kNever);
    EXPECT_EQ(closed.stop, state.armed);
    EXPECT_EQ(closed.arm, kNever);
    ++pairs;
  }
  std::printf("deadline plan: %d (state, fire or unblock) pairs\n", pairs);
}

}  // namespace
}  // namespace netpoll::model::reference
