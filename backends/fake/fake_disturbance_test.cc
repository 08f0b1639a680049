// SPDX-License-Identifier: Apache-2.0
//
// What each disturbance of the adversary does, one by one.

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/fake/fake_adversary.h"
#include "netpoll/backends/fake/fake_files.h"
#include "netpoll/backends/fake/fake_rig.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"

namespace netpoll {
namespace {

using What = FakeDisturbance;
using std::chrono::nanoseconds;

constexpr EventKey kKey = EventKey::ForSlot(0, 1);

template <FakeTrigger kTrigger>
using Rig = FakeRig<kTrigger>;

TEST(FakeDisturbanceTest, ALateEventKeepsTheKeyOfItsMoment) {
  Rig<FakeTrigger::kEdgeMask> rig(FakeAdversary{}.With(What::kLate, 100));
  const Fd fd = rig.Open();
  rig.kernel.SetReady(fd, Mode::kRead);
  EXPECT_TRUE(rig.Poll().empty());
  ASSERT_EQ(rig.backend.Close(fd, kKey), 0);
  ASSERT_EQ(rig.backend.Open(fd, EventKey::ForSlot(0, 2)), 0);
  rig.kernel.ClearReady(fd, Mode::kRead);
  std::vector<FakeEvent> events;
  for (int i = 0; i < 10 && events.empty(); ++i) events = rig.Poll();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].key, kKey);
}

TEST(FakeDisturbanceTest, AnOperationIsWaitedForBeforeTheClose) {
  Rig<FakeTrigger::kCompletion> rig(FakeAdversary{}.With(What::kLate, 100));
  const Fd fd = rig.Open();
  rig.kernel.SetReady(fd, Mode::kRead);
  EXPECT_TRUE(rig.Poll().empty());
  ASSERT_EQ(rig.backend.Close(fd, kKey), 0);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(rig.Poll().empty());
}

TEST(FakeDisturbanceTest, ADuplicateIsTheSameEventAgain) {
  Rig<FakeTrigger::kEdgeMask> rig(FakeAdversary{}.With(What::kDuplicate, 100));
  rig.kernel.SetReady(rig.Open(), Mode::kRead);
  std::vector<FakeEvent> events;
  for (int i = 0; i < 10; ++i) {
    for (const FakeEvent& event : rig.Poll()) events.push_back(event);
  }
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].key, events[1].key);
  EXPECT_EQ(events[0].mode, events[1].mode);
}

TEST(FakeDisturbanceTest, MergedEventsSayWhatBothSaid) {
  const auto merged = [](auto& rig) {
    std::size_t most = 0;
    std::vector<FakeEvent> all;
    const Fd fd = rig.Open();
    rig.kernel.SetReady(fd, Mode::kRead);
    while (rig.kernel.happened(What::kMerge) == 0 && most++ < 1000) {
      rig.kernel.ClearReady(fd, Mode::kReadWrite);
      rig.kernel.SetReady(fd, most % 2 == 0 ? Mode::kRead : Mode::kWrite);
      rig.Poll();
    }
    EXPECT_GT(rig.kernel.happened(What::kMerge), 0);
    while (!rig.kernel.quiet()) {
      for (const FakeEvent& event : rig.Poll()) all.push_back(event);
    }
    return all;
  };
  const auto always =
      FakeAdversary{}.With(What::kLate, 100).With(What::kMerge, 100);
  bool union_seen = false;
  for (std::uint64_t seed = 1; seed < 20; ++seed) {
    Rig<FakeTrigger::kEdgeMask> mask(always, seed);
    for (const FakeEvent& event : merged(mask)) {
      union_seen |= event.mode == Mode::kReadWrite;
    }
    Rig<FakeTrigger::kEdgeFilter> filter(always, seed);
    for (const FakeEvent& event : merged(filter)) {
      EXPECT_NE(event.mode, Mode::kReadWrite) << "a filter is one direction";
    }
  }
  EXPECT_TRUE(union_seen);
}

TEST(FakeDisturbanceTest, ASpuriousEventSaysWhatIsNotReady) {
  Rig<FakeTrigger::kEdgeFilter> rig(FakeAdversary{}.With(What::kSpurious, 100));
  const Fd fd = rig.Open();
  rig.kernel.SetReady(fd, Mode::kRead);
  rig.Poll();
  for (int i = 0; i < 50; ++i) {
    for (const FakeEvent& event : rig.Poll()) {
      EXPECT_EQ(event.mode, Mode::kWrite);
    }
  }
  EXPECT_GT(rig.kernel.happened(What::kSpurious), 0);
}

TEST(FakeDisturbanceTest, WhereDirectionsAreArmedOnlyThoseAreSpurious) {
  Rig<FakeTrigger::kLevel> rig(FakeAdversary{}.With(What::kSpurious, 100));
  const Fd fd = rig.kernel.MakeFd();
  ASSERT_EQ(rig.backend.Open(fd, kKey), 0);
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(rig.Poll().empty());
  rig.backend.Arm(fd, kKey, Mode::kWrite);
  std::size_t reports = 0;
  for (int i = 0; i < 50; ++i) {
    for (const FakeEvent& event : rig.Poll()) {
      ++reports;
      EXPECT_EQ(event.mode, Mode::kWrite);
    }
  }
  EXPECT_EQ(reports, 1u) << "reporting it disarms it";
}

TEST(FakeDisturbanceTest, AStaleEventHasAKeyThatWasClosed) {
  Rig<FakeTrigger::kLevel> rig(FakeAdversary{}.With(What::kStale, 100));
  const Fd fd = rig.Open();
  EXPECT_TRUE(rig.Poll().empty()) << "nothing was closed yet";
  ASSERT_EQ(rig.backend.Close(fd, kKey), 0);
  EXPECT_EQ(rig.Poll().at(0).key, kKey);
}

TEST(FakeDisturbanceTest, AForeignEventHasAKeyThatNobodyHas) {
  Rig<FakeTrigger::kCompletion> rig(FakeAdversary{}.With(What::kForeign, 100));
  rig.Open();
  std::set<std::uint64_t> keys;
  for (int i = 0; i < 200; ++i) keys.insert(rig.Poll().at(0).key.bits());
  EXPECT_EQ(keys.count(kKey.bits()), 0u);
  EXPECT_EQ(keys.count(0), 1u);
  EXPECT_TRUE(std::any_of(keys.begin(), keys.end(), [](std::uint64_t bits) {
    return EventKey::FromBits(bits).internal();
  }));
  EXPECT_TRUE(std::any_of(keys.begin(), keys.end(), [](std::uint64_t bits) {
    const EventKey key = EventKey::FromBits(bits);
    return key.valid_slot() && key.index() == kKey.index();
  })) << "its own slot in another life";
}

TEST(FakeDisturbanceTest, APartialBatchLeavesTheRestForTheNextPoll) {
  Rig<FakeTrigger::kEdgeMask> rig(FakeAdversary{}.With(What::kPartial, 100));
  for (std::uint32_t i = 0; i < 6; ++i) {
    rig.kernel.SetReady(rig.Open(EventKey::ForSlot(i, 1)), Mode::kRead);
  }
  std::set<std::uint64_t> keys;
  std::size_t polls = 0;
  while (!rig.kernel.quiet()) {
    const auto events = rig.Poll();
    EXPECT_LE(events.size(), 2u);
    for (const FakeEvent& event : events) keys.insert(event.key.bits());
    ++polls;
  }
  EXPECT_EQ(keys.size(), 6u);
  EXPECT_GE(polls, 3u);
}

TEST(FakeDisturbanceTest, ABatchComesInAnotherOrder) {
  Rig<FakeTrigger::kEdgeMask> rig(FakeAdversary{}.With(What::kReorder, 100));
  for (std::uint32_t i = 0; i < 3; ++i) {
    rig.kernel.SetReady(rig.Open(EventKey::ForSlot(i, 1)), Mode::kRead);
  }
  const auto events = rig.Poll();
  ASSERT_EQ(events.size(), 3u);
  EXPECT_NE(events[0].key, kKey);
}

TEST(FakeDisturbanceTest, ASignalEndsALimitedWaitEarlyAndNoOther) {
  Rig<FakeTrigger::kEdgeMask> rig(FakeAdversary{}.With(What::kInterrupt, 100));
  const std::int64_t start = rig.kernel.now();
  EXPECT_TRUE(rig.Poll(Delta::AtMost(nanoseconds(100))).empty());
  EXPECT_EQ(rig.kernel.now(), start);
  rig.kernel.SetReady(rig.Open(), Mode::kRead);
  EXPECT_EQ(rig.Poll().size(), 1u) << "one that does not block is not asked";
  rig.kernel.Inject({kKey, Mode::kRead, {}});
  EXPECT_EQ(rig.Poll(Delta::Forever()).size(), 1u);
}

// While the token is out, a blocking poll that begins sleeps. It is told when
// the token is back.
TEST(FakeDisturbanceTest, ATokenInTransitComesBackWithAWord) {
  Rig<FakeTrigger::kEdgeMask> rig(FakeAdversary{}.With(What::kTransit, 100));
  rig.kernel.Inject({kKey, Mode::kRead, {}});
  rig.backend.Break();
  std::thread sleeper;
  struct {
    std::function<void()> in_the_middle;
    void Ready(EventKey, Mode, EventFlags) { in_the_middle(); }
  } sink;
  sink.in_the_middle = [&] {
    sleeper =
        std::thread([&] { EXPECT_TRUE(rig.Poll(Delta::Forever()).empty()); });
    while (!rig.kernel.blocked()) std::this_thread::yield();
    EXPECT_EQ(rig.kernel.tokens(), 1);
  };
  rig.backend.Poll(Delta::NonBlocking(), sink);
  sleeper.join();
  EXPECT_EQ(rig.kernel.tokens(), 0);
  EXPECT_EQ(rig.kernel.happened(What::kTransit), 1);
}

TEST(FakeDisturbanceTest, AStormEndsBlockingPollsThatNobodyBroke) {
  Rig<FakeTrigger::kEdgeMask> rig(FakeAdversary{}.With(What::kStorm, 100));
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(rig.Poll(Delta::Forever()).empty());
  }
  EXPECT_EQ(rig.kernel.posts(), 0);
}

TEST(FakeDisturbanceTest, AfterAFailedOpenNothingIsRegistered) {
  Rig<FakeTrigger::kEdgeMask> rig(FakeAdversary{}.With(What::kOpenFails, 100));
  std::set<int> errors;
  const Fd fd = rig.kernel.MakeFd();
  for (int i = 0; i < 50; ++i) errors.insert(rig.backend.Open(fd, kKey));
  EXPECT_EQ(errors, (std::set<int>{ENOMEM, ENOSPC}));
  EXPECT_EQ(rig.kernel.registered(), 0);
}

TEST(FakeDisturbanceTest, AfterAFailedCloseNothingIsRegistered) {
  Rig<FakeTrigger::kEdgeMask> rig(FakeAdversary{}.With(What::kCloseFails, 100));
  const Fd fd = rig.Open();
  EXPECT_EQ(rig.backend.Close(fd, kKey), EIO);
  EXPECT_EQ(rig.kernel.registered(), 0);
  rig.kernel.SetReady(fd, Mode::kRead);
  EXPECT_TRUE(rig.Poll().empty());
}

TEST(FakeDisturbanceTest, AnInterruptedPostIsPostedAgain) {
  Rig<FakeTrigger::kEdgeMask> rig(FakeAdversary{}.With(What::kPostFails, 100));
  for (int i = 1; i <= 3; ++i) {
    rig.backend.Break();
    EXPECT_EQ(rig.kernel.posts(), i);
    EXPECT_EQ(rig.kernel.happened(What::kPostFails), i);
    EXPECT_TRUE(rig.Poll(Delta::Forever()).empty());
  }
}

TEST(FakeDisturbanceTest, TheClockOnlyJumpsForward) {
  Rig<FakeTrigger::kEdgeMask> rig(FakeAdversary{}.With(What::kClockJump, 100));
  for (int i = 0; i < 50; ++i) {
    const std::int64_t start = rig.kernel.now();
    rig.Poll(Delta::AtMost(nanoseconds(10)));
    EXPECT_GE(rig.kernel.now(), start + 10) << "never early";
  }
  EXPECT_GT(rig.kernel.now(), 1'000'000'000 + 50 * 10);
}

}  // namespace
}  // namespace netpoll
