// SPDX-License-Identifier: Apache-2.0
//
// The fake does what its script says, and keeps the contract otherwise.

#include "netpoll/backends/fake/fake_backend.h"

#include <cerrno>
#include <chrono>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/backend.h"
#include "netpoll/backends/fake/fake_kernel.h"
#include "netpoll/core/backend_traits.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"

namespace netpoll {
namespace {

// The contract's concept refuses a backend that lacks what it claims, and one
// that does not say what it has.
template <BackendTraits kClaimed>
struct Claiming : FakeBackend<> {
  static constexpr BackendTraits kTraits = kClaimed;
  void PollFd() const {}  // Not one.
};
template <BackendTraits kClaimed>
struct WithArm : Claiming<kClaimed> {
  void Arm(Fd, EventKey, Mode) {}
};
static_assert(PollerBackend<Claiming<BackendTraits{}>>);
static_assert(
    PollerBackend<Claiming<BackendTraits{.marks_short_reads = true}>>);
static_assert(!PollerBackend<Claiming<BackendTraits{.needs_arm = true}>>);
static_assert(!PollerBackend<Claiming<BackendTraits{.has_poll_fd = true}>>);
static_assert(
    !PollerBackend<Claiming<BackendTraits{.asks_before_timeout = true}>>);
static_assert(!PollerBackend<Claiming<BackendTraits{.explains_init = true}>>);
static_assert(!PollerBackend<Claiming<BackendTraits{.knows_children = true}>>);
static_assert(PollerBackend<WithArm<BackendTraits{.needs_arm = true}>>);
static_assert(!PollerBackend<WithArm<BackendTraits{}>>);

using std::chrono::nanoseconds;

struct RecordingSink {
  std::vector<FakeEvent> events;
  void Ready(EventKey key, Mode mode, EventFlags flags) {
    events.push_back({key, mode, flags});
  }
};

template <FakeTrigger kTrigger = FakeTrigger::kEdgeMask>
struct Rig {
  FakeKernel<> kernel;
  FakeBackend<StdEnv, kTrigger> backend{kernel};

  std::vector<FakeEvent> Poll(Delta delta = Delta::NonBlocking()) {
    RecordingSink sink;
    backend.Poll(delta, sink);
    return sink.events;
  }
  // Waits until the blocking poll of another thread sleeps.
  void AwaitBlocked() {
    while (!kernel.blocked()) std::this_thread::yield();
  }
};

constexpr EventKey kKey = EventKey::ForSlot(0, 1);
constexpr EventKey kOtherKey = EventKey::ForSlot(1, 1);

TEST(FakeBackendTest, EdgeOverTheMaskIsReportedOnceWithAllThatIsReady) {
  Rig<> rig;
  const Fd fd = rig.kernel.MakeFd();
  rig.kernel.SetReady(fd, Mode::kWrite);
  ASSERT_EQ(rig.backend.Open(fd, kKey), 0);
  rig.kernel.SetReady(fd, Mode::kRead, {.no_more_edges = true});
  const auto events = rig.Poll();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].key, kKey);
  EXPECT_EQ(events[0].mode, Mode::kReadWrite);
  EXPECT_TRUE(events[0].flags.no_more_edges);
  EXPECT_TRUE(rig.Poll().empty());
  // One direction's edge reports the other too, as epoll does.
  rig.kernel.SetReady(fd, Mode::kRead);
  EXPECT_EQ(rig.Poll().at(0).mode, Mode::kReadWrite);
  // What was consumed before the poll is no event.
  rig.kernel.SetReady(fd, Mode::kRead);
  rig.kernel.ClearReady(fd, Mode::kReadWrite);
  EXPECT_TRUE(rig.Poll().empty());
}

TEST(FakeBackendTest, EdgePerFilterReportsEachDirectionByItself) {
  Rig<FakeTrigger::kEdgeFilter> rig;
  const Fd fd = rig.kernel.MakeFd();
  ASSERT_EQ(rig.backend.Open(fd, kKey), 0);
  rig.kernel.SetReady(fd, Mode::kReadWrite);
  const auto events = rig.Poll();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].mode, Mode::kRead);
  EXPECT_EQ(events[1].mode, Mode::kWrite);
  rig.kernel.SetReady(fd, Mode::kRead);
  EXPECT_EQ(rig.Poll().at(0).mode, Mode::kRead);
}

TEST(FakeBackendTest, LevelReportsOnlyWhatIsArmedAndKeepsTheOtherArmed) {
  Rig<FakeTrigger::kLevel> rig;
  const Fd fd = rig.kernel.MakeFd();
  ASSERT_EQ(rig.backend.Open(fd, kKey), 0);
  rig.kernel.SetReady(fd, Mode::kRead);
  EXPECT_TRUE(rig.Poll().empty());
  rig.backend.Arm(fd, kKey, Mode::kRead);
  rig.backend.Arm(fd, kKey, Mode::kWrite);
  EXPECT_EQ(rig.Poll().at(0).mode, Mode::kRead);
  EXPECT_TRUE(rig.Poll().empty());
  rig.kernel.SetReady(fd, Mode::kWrite);
  EXPECT_EQ(rig.Poll().at(0).mode, Mode::kWrite);
  rig.backend.Arm(fd, kOtherKey, Mode::kRead);
  EXPECT_TRUE(rig.Poll().empty()) << "armed under a key that is not registered";
}

TEST(FakeBackendTest, CompletionReportsTheEndOfEachOperationOnce) {
  Rig<FakeTrigger::kCompletion> rig;
  const Fd fd = rig.kernel.MakeFd();
  ASSERT_EQ(rig.backend.Open(fd, kKey), 0);
  rig.kernel.SetReady(fd, Mode::kRead);
  EXPECT_TRUE(rig.Poll().empty());
  rig.kernel.Submit(fd, Mode::kReadWrite);
  EXPECT_EQ(rig.Poll().at(0).mode, Mode::kRead);
  EXPECT_TRUE(rig.Poll().empty());
  rig.kernel.SetReady(fd, Mode::kWrite);
  EXPECT_EQ(rig.Poll().at(0).mode, Mode::kWrite);
  rig.kernel.Inject({kKey, Mode::kRead, {}});
  EXPECT_EQ(rig.Poll().size(), 1u);
  // Close ends what is under way.
  rig.kernel.ClearReady(fd, Mode::kReadWrite);
  rig.kernel.Submit(fd, Mode::kRead);
  EXPECT_EQ(rig.backend.Close(fd, kKey), 0);
  EXPECT_EQ(rig.backend.Open(fd, kOtherKey), 0);
  rig.kernel.SetReady(fd, Mode::kRead);
  EXPECT_TRUE(rig.Poll().empty());
}

TEST(FakeBackendTest, AHeldEventComesLateUnderTheKeyOfItsMoment) {
  Rig<> rig;
  const Fd fd = rig.kernel.MakeFd();
  ASSERT_EQ(rig.backend.Open(fd, kKey), 0);
  rig.kernel.SetReady(fd, Mode::kRead);
  rig.kernel.Hold();
  EXPECT_TRUE(rig.Poll().empty());
  ASSERT_EQ(rig.backend.Close(fd, kKey), 0);
  ASSERT_EQ(rig.backend.Open(fd, kOtherKey), 0);
  rig.kernel.ClearReady(fd, Mode::kRead);
  rig.kernel.Release();
  const auto events = rig.Poll();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].key, kKey);
}

TEST(FakeBackendTest, ABatchIsCutAndTheRestComesNext) {
  Rig<> rig;
  for (int i = 0; i < 5; ++i) {
    const Fd fd = rig.kernel.MakeFd();
    ASSERT_EQ(rig.backend.Open(fd, EventKey::ForSlot(i, 1)), 0);
    rig.kernel.SetReady(fd, Mode::kRead);
  }
  rig.kernel.set_max_events(2);
  EXPECT_EQ(rig.Poll().size(), 2u);
  EXPECT_EQ(rig.Poll().size(), 2u);
  EXPECT_EQ(rig.Poll().size(), 1u);
  EXPECT_EQ(rig.Poll().size(), 0u);
}

TEST(FakeBackendTest, OpenAndCloseFailAsTold) {
  Rig<> rig;
  const Fd fd = rig.kernel.MakeFd();
  rig.kernel.FailNextOpen(ENOSPC);
  EXPECT_EQ(rig.backend.Open(fd, kKey), ENOSPC);
  EXPECT_EQ(rig.kernel.registered(), 0);
  EXPECT_EQ(rig.backend.Open(fd, kKey), 0);
  EXPECT_EQ(rig.backend.Open(fd, kOtherKey), EEXIST);
  rig.kernel.FailNextClose(EIO);
  EXPECT_EQ(rig.backend.Close(fd, kKey), EIO);
  EXPECT_EQ(rig.kernel.registered(), 0);
  EXPECT_EQ(rig.backend.Open(fd + 1, kKey), EBADF);
  rig.kernel.CloseFd(fd);
  EXPECT_EQ(rig.backend.Open(fd, kKey), EBADF);
  EXPECT_EQ(rig.kernel.MakeFd(), fd) << "the lowest free number";
}

TEST(FakeBackendTest, AnInterruptEndsALimitedWaitOnly) {
  Rig<> rig;
  const std::int64_t start = rig.kernel.now();
  rig.kernel.set_auto_advance(true);
  rig.kernel.Interrupt();
  EXPECT_TRUE(rig.Poll(Delta::AtMost(nanoseconds(100))).empty());
  EXPECT_EQ(rig.kernel.now(), start) << "returned early";
  EXPECT_TRUE(rig.Poll(Delta::AtMost(nanoseconds(100))).empty());
  EXPECT_EQ(rig.kernel.now(), start + 100);
  rig.kernel.Interrupt();
  rig.kernel.Inject({kKey, Mode::kRead, {}});
  EXPECT_EQ(rig.Poll(Delta::Forever()).size(), 1u);
}

TEST(FakeBackendTest, ABlockingPollEndsByEventBreakOrClock) {
  Rig<> rig;
  std::thread event([&] { EXPECT_EQ(rig.Poll(Delta::Forever()).size(), 1u); });
  rig.AwaitBlocked();
  rig.kernel.Inject({kKey, Mode::kRead, {}});
  event.join();

  std::thread broken([&] { EXPECT_TRUE(rig.Poll(Delta::Forever()).empty()); });
  rig.AwaitBlocked();
  rig.backend.Break();
  broken.join();

  std::thread timed(
      [&] { EXPECT_TRUE(rig.Poll(Delta::AtMost(nanoseconds(1000))).empty()); });
  rig.AwaitBlocked();
  rig.kernel.Advance(999);
  rig.kernel.Advance(1);
  timed.join();
}

TEST(FakeBackendTest, BreaksAreMergedAndANonBlockingPollLeavesTheToken) {
  Rig<> rig;
  for (int i = 0; i < 1000; ++i) rig.backend.Break();
  EXPECT_EQ(rig.kernel.posts(), 1);
  EXPECT_TRUE(rig.Poll().empty());
  EXPECT_EQ(rig.kernel.tokens(), 1);
  EXPECT_TRUE(rig.Poll(Delta::Forever()).empty());
  EXPECT_EQ(rig.kernel.tokens(), 0);
  rig.kernel.PostTokens(3);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(rig.Poll(Delta::Forever()).empty());
  rig.backend.Break();
  EXPECT_EQ(rig.kernel.posts(), 2);
}

TEST(FakeBackendTest, AFailedPostIsNotRememberedAsPending) {
  Rig<> rig;
  rig.kernel.FailNextPost(EIO);
  rig.backend.Break();
  EXPECT_EQ(rig.kernel.tokens(), 0);
  rig.backend.Break();
  EXPECT_EQ(rig.kernel.tokens(), 1);
}

TEST(FakeBackendTest, ATokenInTransitIsInvisibleToABlockingPoll) {
  Rig<> rig;
  rig.backend.Break();
  rig.kernel.TakeTokenOut();
  std::thread poller([&] { EXPECT_TRUE(rig.Poll(Delta::Forever()).empty()); });
  rig.AwaitBlocked();
  // Back without a word: the poll goes on sleeping although a token is there.
  rig.kernel.PutTokenBack(/*notify=*/false);
  EXPECT_TRUE(rig.kernel.blocked());
  EXPECT_EQ(rig.kernel.tokens(), 1);
  // Any later change makes it look again.
  rig.kernel.Advance(1);
  poller.join();
}

}  // namespace
}  // namespace netpoll
