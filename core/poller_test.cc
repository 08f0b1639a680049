// SPDX-License-Identifier: Apache-2.0
//
// What Poller adds to its descriptors: opening and closing with all that can
// fail, the turn of the blocking poll, breaks, and the rules that stop the
// process. Over the fake backend.

#include "netpoll/core/poller.h"

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <optional>
#include <thread>

#include "gtest/gtest.h"
#include "netpoll/backends/fake/fake_backend.h"
#include "netpoll/backends/fake/fake_kernel.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/timer_heap.h"
#include "netpoll/core/types.h"
#include "netpoll/core/waiter_count.h"

namespace netpoll {
namespace {

using FakePoller = Poller<FakeBackend<>>;
using Desc = FakePoller::Desc;

struct Rig {
  FakeKernel<> kernel;
  std::optional<FakePoller> poller;

  Rig() { poller.emplace(kernel); }
  Desc* Open(Fd fd) { return poller->Open(fd).desc; }
  void Close(Desc* desc) {
    const PollResult result = poller->Unblock(desc);
    poller->AdjustWaiters(result.waiters_delta);
    EXPECT_EQ(poller->Close(desc), 0);
  }
  void Park(Desc* desc, Mode direction, Waiter* waiter) {
    ASSERT_TRUE(poller->Park(desc, direction, waiter).parked());
  }
};

// Timers that find no memory when told so.
template <class Env, class Owner>
struct ScarceTimers : TimerHeap<Env, Owner> {
  [[nodiscard]] bool Reserve(std::size_t timers) {
    return !scarce && TimerHeap<Env, Owner>::Reserve(timers);
  }
  static inline bool scarce = false;
};

TEST(PollerTest, WhoCountsWhenAskedFindsAllThatWaitAndAdjustsNothing) {
  FakeKernel<> kernel;
  Poller<FakeBackend<>, StdEnv, TimerHeap, WaiterCounting::kWhenAsked> poller(
      kernel);
  Waiter reader, writer;
  const auto one = poller.Open(kernel.MakeFd());
  const auto other = poller.Open(kernel.MakeFd());
  EXPECT_EQ(poller.waiters(), 0);
  ASSERT_TRUE(poller.Park(one.desc, Mode::kRead, &reader).parked());
  ASSERT_TRUE(poller.Park(other.desc, Mode::kWrite, &writer).parked());
  EXPECT_EQ(poller.waiters(), 2);
  PollResult result = poller.Unblock(other.desc);
  EXPECT_EQ(result.waiters_delta, -1);
  EXPECT_EQ(poller.waiters(), 1);
  poller.AdjustWaiters(result.waiters_delta);
  EXPECT_EQ(poller.waiters(), 1);
  static_cast<void>(poller.Unblock(one.desc));
  EXPECT_EQ(poller.waiters(), 0);
  EXPECT_EQ(poller.Close(one.desc), 0);
  EXPECT_EQ(poller.Close(other.desc), 0);
}

TEST(PollerTest, OpenWithoutMemoryForTimersSaysSoAndLeavesNothingBehind) {
  FakeKernel<> kernel;
  Poller<FakeBackend<>, StdEnv, ScarceTimers> poller(kernel);
  bool& scarce = decltype(poller)::Timers::scarce;
  const Fd fd = kernel.MakeFd();
  scarce = true;
  for (int i = 0; i < 3; ++i) {
    const auto refused = poller.Open(fd);
    EXPECT_EQ(refused.error, ENOMEM);
    EXPECT_EQ(refused.desc, nullptr);
  }
  scarce = false;
  // The kernel has nothing of it, and its slot is free.
  const auto opened = poller.Open(fd);
  ASSERT_EQ(opened.error, 0);
  EXPECT_EQ(opened.desc->index(), 0u);
  EXPECT_TRUE(poller
                  .SetDeadline(opened.desc, Mode::kReadWrite,
                               Deadline::At(kernel.now() + 5))
                  .earliest_moved);
  EXPECT_TRUE(poller.Unblock(opened.desc).ready.empty());
  EXPECT_EQ(poller.Close(opened.desc), 0);
}

// A deadline that was moved is no reason to run: who was woken by it parks
// again, and readiness that comes before a commit ends the wait.
TEST(PollerTest, AWaitIsParkedReadyOrHasAnError) {
  Rig rig;
  const Fd fd = rig.kernel.MakeFd();
  Desc* const desc = rig.Open(fd);
  Waiter waiter;
  ASSERT_TRUE(rig.poller->Park(desc, Mode::kRead, &waiter).parked());
  DeadlineResult past =
      rig.poller->SetDeadline(desc, Mode::kRead, Deadline::Past());
  EXPECT_EQ(past.wake.ready.Pop(), &waiter);
  rig.poller->AdjustWaiters(past.wake.waiters_delta);
  (void)rig.poller->SetDeadline(desc, Mode::kRead, Deadline::None());
  EXPECT_EQ(rig.poller->Resume(desc, Mode::kRead, &waiter),
            WaitResult::Parked());
  EXPECT_EQ(rig.poller->waiters(), 1);
  rig.kernel.SetReady(fd, Mode::kRead);
  PollResult ready = rig.poller->Poll(Delta::NonBlocking());
  EXPECT_EQ(ready.ready.Pop(), &waiter);
  rig.poller->AdjustWaiters(ready.waiters_delta);
  EXPECT_TRUE(rig.poller->Resume(desc, Mode::kRead, &waiter).ready());
  // Readiness that was recorded ends a wait before it parks.
  PollResult nobody = rig.poller->Nudge(desc, Mode::kRead);
  EXPECT_TRUE(nobody.ready.empty());
  EXPECT_TRUE(rig.poller->Park(desc, Mode::kRead, &waiter).ready());
  (void)rig.poller->SetDeadline(desc, Mode::kRead, Deadline::Past());
  const WaitResult late = rig.poller->Park(desc, Mode::kRead, &waiter);
  EXPECT_FALSE(late.parked() || late.ready());
  EXPECT_EQ(late.error(), PollError::kTimeout);
  EXPECT_EQ(rig.poller->waiters(), 0);
  rig.Close(desc);
}

TEST(PollerTest, OpenRefusesWhatItMustAndLeavesNothingBehind) {
  Rig rig;
  EXPECT_EQ(rig.poller->Open(-1).error, EBADF);
  EXPECT_EQ(rig.poller->Open(FakeKernel<>::kWakeFd).error, EINVAL);
  EXPECT_TRUE(rig.poller->IsPollDescriptor(FakeKernel<>::kWakeFd));
  const Fd fd = rig.kernel.MakeFd();
  rig.kernel.FailNextOpen(ENOSPC);
  const auto refused = rig.poller->Open(fd);
  EXPECT_EQ(refused.error, ENOSPC);
  EXPECT_EQ(refused.desc, nullptr);
  // The poller may be destroyed, and the slot is used again.
  Desc* const desc = rig.Open(fd);
  EXPECT_EQ(desc->index(), 0u);
  EXPECT_EQ(rig.poller->Open(fd).error, EEXIST);
  rig.Close(desc);
}

TEST(PollerTest, AFailedOpenUsesUpItsGeneration) {
  Rig rig;
  const Fd fd = rig.kernel.MakeFd();
  Desc* desc = rig.Open(fd);
  const std::uint32_t first = desc->generation();
  rig.Close(desc);
  rig.kernel.FailNextOpen(ENOSPC);
  EXPECT_EQ(rig.poller->Open(fd).error, ENOSPC);
  desc = rig.Open(fd);
  EXPECT_EQ(desc->generation(), first + 2);
  rig.Close(desc);
}

TEST(PollerTest, ACloseThatTheSystemRefusesGivesTheSlotBack) {
  Rig rig;
  const Fd fd = rig.kernel.MakeFd();
  Desc* const desc = rig.Open(fd);
  (void)rig.poller->Unblock(desc);
  rig.kernel.FailNextClose(EIO);
  EXPECT_EQ(rig.poller->Close(desc), EIO);
  Desc* const again = rig.Open(fd);
  EXPECT_EQ(again, desc);
  rig.Close(again);
}

TEST(PollerTest, TwoEventsInOneBatchWakeATaskOnce) {
  Rig rig;
  const Fd fd = rig.kernel.MakeFd();
  Desc* const desc = rig.Open(fd);
  Waiter reader, writer;
  rig.Park(desc, Mode::kRead, &reader);
  rig.Park(desc, Mode::kWrite, &writer);
  EXPECT_EQ(rig.poller->waiters(), 2);
  const EventKey key = *rig.kernel.KeyOf(fd);
  rig.kernel.Inject({key, Mode::kReadWrite, {}});
  rig.kernel.Inject({key, Mode::kReadWrite, {}});
  PollResult result = rig.poller->Poll(Delta::NonBlocking());
  EXPECT_EQ(result.waiters_delta, -2);
  EXPECT_EQ(rig.poller->waiters(), 2) << "until it is adjusted";
  EXPECT_EQ(result.ready.Pop(), &reader);
  EXPECT_EQ(result.ready.Pop(), &writer);
  EXPECT_TRUE(result.ready.empty());
  rig.poller->AdjustWaiters(result.waiters_delta);
  EXPECT_EQ(rig.poller->waiters(), 0);
  rig.Close(desc);
}

TEST(PollerTest, AnyKeyIsSafe) {
  Rig rig;
  const Fd fd = rig.kernel.MakeFd();
  Desc* const desc = rig.Open(fd);
  std::uint64_t stale = 0;
  for (const EventKey key :
       {EventKey::FromBits(0), EventKey::FromBits(~std::uint64_t{0}),
        EventKey::Internal(0), EventKey::Internal(5), EventKey::ForSlot(0, 0),
        EventKey::ForSlot(0, 2), EventKey::ForSlot(1, 1),
        EventKey::ForSlot(EventKey::kMaxIndex, 1)}) {
    rig.kernel.Inject({key, Mode::kReadWrite, {true, true}});
    const PollResult result = rig.poller->Poll(Delta::NonBlocking());
    EXPECT_TRUE(result.ready.empty());
    EXPECT_EQ(rig.poller->stale_events(), ++stale);
  }
  EXPECT_EQ(desc->Ended(Mode::kRead), PollError::kNone);
  EXPECT_FALSE(desc->ErrorReported());
  rig.Close(desc);
}

TEST(PollerTest, BreakEndsTheCurrentOrTheNextBlockingPoll) {
  Rig rig;
  rig.poller->Break();
  rig.poller->Break();
  EXPECT_TRUE(rig.poller->Poll(Delta::NonBlocking()).ready.empty());
  EXPECT_TRUE(rig.poller->Poll(Delta::Forever()).ready.empty());
  std::thread poller(
      [&] { EXPECT_TRUE(rig.poller->Poll(Delta::Forever()).ready.empty()); });
  while (!rig.kernel.blocked()) std::this_thread::yield();
  // Non-blocking polls beside it take nothing from it.
  EXPECT_TRUE(rig.poller->Poll(Delta::NonBlocking()).ready.empty());
  rig.poller->Break();
  EXPECT_TRUE(rig.poller->Poll(Delta::NonBlocking()).ready.empty());
  poller.join();
}

TEST(PollerTest, PollingUntilTheNextDeadlineServesEveryDeadline) {
  Rig rig;
  rig.kernel.set_auto_advance(true);
  const Fd fd = rig.kernel.MakeFd();
  Desc* const desc = rig.Open(fd);
  const std::int64_t start = rig.kernel.now();
  EXPECT_EQ(rig.poller->NextDeadline(), kNever);
  // Moved later: the first wait ends at its old time, with nothing.
  EXPECT_TRUE(
      rig.poller->SetDeadline(desc, Mode::kReadWrite, Deadline::At(start + 100))
          .earliest_moved);
  EXPECT_FALSE(
      rig.poller->SetDeadline(desc, Mode::kReadWrite, Deadline::At(start + 300))
          .earliest_moved);
  Waiter waiter;
  rig.Park(desc, Mode::kRead, &waiter);
  PollResult result;
  for (int rounds = 0; result.ready.empty() && rounds < 5; ++rounds) {
    result = rig.poller->Poll(
        Delta::Until(rig.kernel.now(), rig.poller->NextDeadline()));
    PollResult expired = rig.poller->ExpireTimers(rig.kernel.now()).wake;
    result.Append(expired);
  }
  EXPECT_EQ(rig.kernel.now(), start + 300);
  EXPECT_EQ(result.ready.Pop(), &waiter);
  rig.poller->AdjustWaiters(result.waiters_delta);
  EXPECT_EQ(rig.poller->Finish(desc, Mode::kRead).error, PollError::kTimeout);
  EXPECT_EQ(rig.poller->Reset(desc, Mode::kWrite), PollError::kTimeout);
  rig.Close(desc);
}

// --- Misuse -----------------------------------------------------------------

class PollerDeathTest : public testing::Test {
 protected:
  PollerDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(PollerDeathTest, TwoBlockingPolls) {
  EXPECT_DEATH(
      {
        Rig rig;
        std::thread first([&] { (void)rig.poller->Poll(Delta::Forever()); });
        while (!rig.kernel.blocked()) std::this_thread::yield();
        (void)rig.poller->Poll(Delta::AtMost(std::chrono::nanoseconds(1)));
        first.join();
      },
      "two threads were in a blocking Poll at once");
}

TEST_F(PollerDeathTest, DestroyedWithOpenDescriptors) {
  EXPECT_DEATH(
      {
        Rig rig;
        rig.Open(rig.kernel.MakeFd());
        rig.poller.reset();
      },
      "a Poller was destroyed while descriptors were open in it");
}

TEST_F(PollerDeathTest, DestroyedWithParkedTasks) {
  EXPECT_DEATH(
      {
        Rig rig;
        Waiter waiter;
        rig.Park(rig.Open(rig.kernel.MakeFd()), Mode::kRead, &waiter);
        rig.poller.reset();
      },
      "a Poller was destroyed while tasks were parked in it");
}

TEST_F(PollerDeathTest, ClosedWithoutUnblock) {
  EXPECT_DEATH(
      {
        Rig rig;
        rig.poller->Close(rig.Open(rig.kernel.MakeFd()));
      },
      "Close was called on a descriptor without Unblock before");
}

// Else two descriptors that are opened later would share a slot.
TEST_F(PollerDeathTest, ClosedTwice) {
  EXPECT_DEATH(
      {
        Rig rig;
        Desc* const desc = rig.Open(rig.kernel.MakeFd());
        rig.Close(desc);
        rig.poller->Close(desc);
      },
      "Close was called twice on a descriptor");
}

// So that the system hears nothing of the second: the number, and the slot, may
// be another's.
TEST_F(PollerDeathTest, WhatIsClosedHasNoKey) {
  EXPECT_DEATH(
      {
        Rig rig;
        Desc* const desc = rig.Open(rig.kernel.MakeFd());
        rig.Close(desc);
        desc->KeyToClose();
      },
      "Close was called twice on a descriptor");
}

// Of two closes at once, both of which found it open, the slot is given back
// once.
TEST_F(PollerDeathTest, RetiredTwice) {
  EXPECT_DEATH(
      {
        Rig rig;
        Desc* const desc = rig.Open(rig.kernel.MakeFd());
        rig.Close(desc);
        desc->Retire();
      },
      "Close was called twice on a descriptor");
}

TEST_F(PollerDeathTest, ClosedTwiceAfterAnErrorOfTheSystem) {
  EXPECT_DEATH(
      {
        Rig rig;
        Desc* const desc = rig.Open(rig.kernel.MakeFd());
        (void)rig.poller->Unblock(desc);
        rig.kernel.FailNextClose(EIO);
        rig.poller->Close(desc);
        rig.poller->Close(desc);
      },
      "Close was called twice on a descriptor");
}

TEST_F(PollerDeathTest, UnblockedAfterItsClose) {
  EXPECT_DEATH(
      {
        Rig rig;
        Desc* const desc = rig.Open(rig.kernel.MakeFd());
        rig.Close(desc);
        (void)rig.poller->Unblock(desc);
      },
      "Unblock was called twice on a descriptor");
}

}  // namespace
}  // namespace netpoll
