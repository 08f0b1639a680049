// SPDX-License-Identifier: Apache-2.0
//
// The layout of a descriptor, and every rule of PollDesc that stops the
// process when it is broken. What it does when used well is compared with the
// reference model in model/reference.

#include "netpoll/core/poll_desc.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <set>

#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/timer_heap.h"
#include "netpoll/core/types.h"

namespace netpoll {
namespace {

using Desc = PollDesc<StdEnv>;
using Timers = TimerHeap<StdEnv, Desc>;

struct Rig {
  Desc desc{0};
  Timers timers;
  Desc::WaiterCount waiters{0};
  Waiter waiter;
  EventKey key = desc.Open(3);

  bool Park(Mode direction) {
    return !desc.Prepare(direction, WaitKind::kOrError).ended &&
           desc.Commit(direction, &waiter, waiters);
  }
  PollResult Ready(Mode mode) {
    PollResult wake;
    desc.Ready(key.generation(), mode, {}, wake);
    return wake;
  }
};

// --- Layout -----------------------------------------------------------------

// The offsets of the bytes of `desc` that `change` changes.
template <class F>
std::set<std::size_t> Changed(Desc& desc, F change) {
  unsigned char before[sizeof(Desc)];
  std::memcpy(before, static_cast<void*>(&desc), sizeof(Desc));
  change();
  unsigned char after[sizeof(Desc)];
  std::memcpy(after, static_cast<void*>(&desc), sizeof(Desc));
  std::set<std::size_t> offsets;
  for (std::size_t i = 0; i < sizeof(Desc); ++i) {
    if (before[i] != after[i]) offsets.insert(i);
  }
  return offsets;
}

// Of half a cache line that begins where one may begin, all is in one. Where
// descriptors are longer numbers three halves do not hold it all.
TEST(PollDescLayoutTest, ThreeHalvesOfACacheLineOrTwoLines) {
  EXPECT_EQ(sizeof(Desc), sizeof(Fd) == 4 ? 96u : 128u);
  EXPECT_EQ(alignof(Desc), sizeof(Fd) == 4 ? 32u : 64u);
}

TEST(PollDescLayoutTest, AWakeTouchesTheFirstHalfLineOnly) {
  Rig rig;
  ASSERT_TRUE(rig.Park(Mode::kRead));
  for (const auto& changed : {
           Changed(rig.desc, [&] { (void)rig.Ready(Mode::kReadWrite); }),
           Changed(rig.desc, [&] { (void)rig.desc.Reset(Mode::kWrite); }),
           Changed(
               rig.desc,
               [&] { (void)rig.desc.Finish(Mode::kRead, WaitKind::kOrError); }),
           Changed(rig.desc,
                   [&] {
                     (void)rig.desc.Prepare(Mode::kRead, WaitKind::kOrError);
                   }),
       }) {
    ASSERT_FALSE(changed.empty());
    EXPECT_LT(*changed.rbegin(), 32u);
  }
}

TEST(PollDescLayoutTest, WhatTheLockGuardsIsBehindIt) {
  Rig rig;
  // A future deadline leaves the status word as it is.
  const auto changed = Changed(rig.desc, [&] {
    (void)rig.desc.SetDeadline(Mode::kRead, Deadline::At(77), rig.timers);
  });
  ASSERT_FALSE(changed.empty());
  EXPECT_GE(*changed.begin(), 32u);
}

// --- Misuse -----------------------------------------------------------------

class PollDescDeathTest : public testing::Test {
 protected:
  PollDescDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
  Rig rig_;
};

TEST_F(PollDescDeathTest, TwoTasksInOneDirection) {
  const char* const rule = "two tasks wait in one direction of a descriptor";
  // The first has prepared.
  (void)rig_.desc.Prepare(Mode::kRead, WaitKind::kOrError);
  EXPECT_DEATH((void)rig_.desc.Prepare(Mode::kRead, WaitKind::kOrError), rule);
  // The other direction is nobody's business.
  EXPECT_FALSE(rig_.desc.Prepare(Mode::kWrite, WaitKind::kOrError).ended);
  // The first is parked.
  (void)rig_.desc.Commit(Mode::kRead, &rig_.waiter, rig_.waiters);
  EXPECT_DEATH((void)rig_.desc.Prepare(Mode::kRead, WaitKind::kOrError), rule);
  EXPECT_DEATH((void)rig_.desc.Prepare(Mode::kRead, WaitKind::kUntilReady),
               rule);
  Waiter second;
  EXPECT_DEATH((void)rig_.desc.Commit(Mode::kRead, &second, rig_.waiters),
               rule);
}

TEST_F(PollDescDeathTest, ResetWhileATaskWaits) {
  const char* const rule =
      "Reset was called in a direction in which a task waits";
  (void)rig_.desc.Prepare(Mode::kWrite, WaitKind::kOrError);
  EXPECT_DEATH((void)rig_.desc.Reset(Mode::kWrite), rule);
  (void)rig_.desc.Commit(Mode::kWrite, &rig_.waiter, rig_.waiters);
  EXPECT_DEATH((void)rig_.desc.Reset(Mode::kWrite), rule);
}

TEST_F(PollDescDeathTest, AParkedTaskRunsUnasked) {
  ASSERT_TRUE(rig_.Park(Mode::kRead));
  EXPECT_DEATH((void)rig_.desc.Finish(Mode::kRead, WaitKind::kOrError),
               "a parked task ran although nobody took its waiter");
}

TEST_F(PollDescDeathTest, SecondUnblock) {
  (void)rig_.desc.Unblock(rig_.timers);
  EXPECT_DEATH((void)rig_.desc.Unblock(rig_.timers),
               "Unblock was called twice on a descriptor");
}

TEST_F(PollDescDeathTest, CloseWithoutUnblock) {
  EXPECT_DEATH(rig_.desc.CheckClosable(),
               "Close was called on a descriptor without Unblock before");
}

TEST_F(PollDescDeathTest, CloseWhileATaskWaits) {
  const char* const rule =
      "Close was called while a task still waits on the descriptor";
  (void)rig_.desc.Unblock(rig_.timers);
  rig_.desc.CheckClosable();
  // Only a wait that ignores errors can still begin.
  (void)rig_.desc.Prepare(Mode::kWrite, WaitKind::kUntilReady);
  EXPECT_DEATH(rig_.desc.CheckClosable(), rule);
  (void)rig_.desc.Commit(Mode::kWrite, &rig_.waiter, rig_.waiters);
  EXPECT_DEATH(rig_.desc.CheckClosable(), rule);
}

TEST_F(PollDescDeathTest, OpenWhileATaskWaits) {
  (void)rig_.desc.Prepare(Mode::kRead, WaitKind::kOrError);
  EXPECT_DEATH(rig_.desc.Open(4),
               "a task waits on a descriptor that is not open");
}

}  // namespace
}  // namespace netpoll
