// SPDX-License-Identifier: Apache-2.0
//
// Polls and breaks of the kqueue backend when system calls fail, and when the
// kernel reports what it should not.
#include <sys/event.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/poller.h"
#include "netpoll/tests/conformance/fixture.h"
#include "netpoll/tests/conformance/kqueue/failure_fixture.h"

namespace netpoll::conformance {
namespace {

using std::chrono::nanoseconds;
using KqueueFailureDeathTest = KqueueFailure;

// Row E4: some systems say ETIMEDOUT.
TEST_F(KqueueFailure, APollWithALimitReturnsEarlyWhenItIsInterrupted) {
  UserBackend backend;
  ASSERT_EQ(backend.Init(), 0);
  for (const int error : {EINTR, ETIMEDOUT}) {
    script().count.clear();
    script().returns[Call::kWait] = {-error};
    EXPECT_TRUE(Poll(backend, Delta::AtMost(std::chrono::hours(1))).empty());
    EXPECT_EQ(Count(Call::kWait), 1);
  }
}

TEST_F(KqueueFailure, APollWithoutALimitGoesOn) {
  UserBackend backend;
  ASSERT_EQ(backend.Init(), 0);
  backend.Break();
  script().returns[Call::kWait] = {-EINTR, -ETIMEDOUT, -EINTR};
  EXPECT_TRUE(Poll(backend, Delta::Forever()).empty());
  EXPECT_EQ(Count(Call::kWait), 4);
  EXPECT_EQ(script().waited_forever, 4);
}

TEST_F(KqueueFailure, ANonBlockingPollGoesOnAfterASignalAndEndsInTime) {
  UserBackend backend;
  ASSERT_EQ(backend.Init(), 0);
  script().returns[Call::kWait] = {-EINTR};
  EXPECT_TRUE(Poll(backend, kNow).empty());
  EXPECT_EQ(Count(Call::kWait), 2);
  script().returns[Call::kWait] = {-ETIMEDOUT};
  EXPECT_TRUE(Poll(backend, kNow).empty());
  EXPECT_EQ(Count(Call::kWait), 3);
}

// Row K18: more than 10^8 seconds are EINVAL on Darwin, and with the shim.
TEST_F(KqueueFailure, LimitsReachTheKernelWholeUpToAMillionSeconds) {
  UserBackend backend;
  ASSERT_EQ(backend.Init(), 0);
  const struct {
    std::int64_t nanos;
    std::int64_t seconds;
    long rest;
  } kCases[] = {{1, 0, 1},
                {1'500'000'007, 1, 500'000'007},
                {999'999'999'999'999, 999'999, 999'999'999},
                {1'000'000'000'000'001, 1'000'000, 0},
                {std::numeric_limits<std::int64_t>::max() - 1, 1'000'000, 0}};
  for (const auto& c : kCases) {
    script().returns[Call::kWait] = {-EINTR};
    Poll(backend, Delta::AtMost(nanoseconds(c.nanos)));
    EXPECT_EQ(script().waited.back().tv_sec, c.seconds) << c.nanos;
    EXPECT_EQ(script().waited.back().tv_nsec, c.rest) << c.nanos;
  }
}

// Row E3.
TEST_F(KqueueFailure, EventsThatMakeNoSenseAreDropped) {
  UserBackend backend;
  ASSERT_EQ(backend.Init(), 0);
  script().reports.push_back({
      {},
      Event(0, EVFILT_READ, EV_EOF, 0),
      Event(3, EVFILT_TIMER, EV_EOF, kKey.bits()),
      Event(3, EVFILT_READ, 0, kKey.index()),
      Event(3, EVFILT_WRITE, EV_CLEAR, kKey.bits()),
  });
  const auto reports = Poll(backend, kNow);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].key, kKey);
  EXPECT_EQ(reports[0].mode, Mode::kWrite);
}

TEST_F(KqueueFailure, APureErrorIsReportedAsOne) {
  UserBackend backend;
  ASSERT_EQ(backend.Init(), 0);
  script().reports.push_back({Event(3, EVFILT_READ, EV_ERROR, kKey.bits())});
  const auto reports = Poll(backend, kNow);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_TRUE(reports[0].flags.error);
}

// Row S5: no socket's key is taken for the wake-up's, whatever its bits.
TEST_F(KqueueFailure, OnlyTheWakeUpsOwnEventIsAWakeUp) {
  PipeBackend backend;
  ASSERT_EQ(backend.Init(), 0);
  const EventKey wake = EventKey::Internal(0);
  const EventKey alike = EventKey::ForSlot(0, 1);
  script().reports.push_back({Event(3, EVFILT_READ, 0, wake.bits()),
                              Event(3, EVFILT_READ, 0, alike.bits())});
  const auto reports = Poll(backend, Delta::Forever());
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].key, alike);
  EXPECT_EQ(Count(Call::kRead), 0);
}

// Row S17: one descriptor's two filters in one batch, the first with the end
// of the stream, hand its writer out once.
TEST_F(KqueueFailure, AnEndAndAnEdgeInOneBatchWakeAWriterOnce) {
  Poller<UserBackend> poller;
  ASSERT_EQ(poller.Init(), 0);
  Ends ends = Ends::Sockets();
  ends.FillOwn();
  auto* const desc = poller.Open(ends.own()).desc;
  Waiter waiter;
  ASSERT_TRUE(poller.Park(desc, Mode::kWrite, &waiter).parked());
  const std::uint64_t udata =
      EventKey::ForSlot(desc->index(), desc->generation()).bits();
  script().reports.push_back({Event(3, EVFILT_READ, EV_EOF, udata),
                              Event(3, EVFILT_WRITE, EV_EOF, udata)});
  PollResult result = poller.Poll(kNow);
  EXPECT_EQ(result.waiters_delta, -1);
  EXPECT_EQ(result.ready.Pop(), &waiter);
  EXPECT_EQ(result.ready.Pop(), nullptr);
  poller.AdjustWaiters(result.waiters_delta);
  EXPECT_TRUE(poller.Resume(desc, Mode::kWrite, &waiter).ready());
  EXPECT_TRUE(poller.Unblock(desc).ready.empty());
  EXPECT_EQ(poller.Close(desc), 0);
}

// Row S8, where the kernel's field has 32 bits.
TEST_F(KqueueFailure, AFoldedKeyOfAnEarlierLifeIsDropped) {
  FoldedBackend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::Sockets();
  ends.FillOwn();
  const auto ident = static_cast<std::uint64_t>(ends.own());
  const EventKey old_keys[] = {EventKey::ForSlot(5, 9),
                               EventKey::ForSlot(6, 10), kKey};
  const EventKey now = EventKey::ForSlot(5, 10);
  // Nothing is open.
  script().reports.push_back({Event(ident, EVFILT_READ, 0, FoldKey(now))});
  EXPECT_TRUE(Poll(backend, kNow).empty());
  ASSERT_EQ(backend.Open(ends.own(), now), 0);
  for (const EventKey old : old_keys) {
    script().reports.push_back({Event(ident, EVFILT_READ, 0, FoldKey(old))});
    EXPECT_TRUE(Poll(backend, kNow).empty());
  }
  script().reports.push_back({Event(ident, EVFILT_READ, 0, FoldKey(now))});
  EXPECT_EQ(Poll(backend, kNow).size(), 1u);
}

template <class Backend>
class KqueueBreaks : public KqueueFailure {
 protected:
  // The call that makes a wake-up pending.
  static constexpr Call kPost =
      std::is_same_v<Backend, PipeBackend> ? Call::kWrite : Call::kChange;

  void SetUp() override {
    KqueueFailure::SetUp();
    ASSERT_EQ(backend_.Init(), 0);
    script() = Script{};
  }

  Backend backend_;
};
using Wakers = ::testing::Types<UserBackend, PipeBackend>;
TYPED_TEST_SUITE(KqueueBreaks, Wakers);

TYPED_TEST(KqueueBreaks, ManyBreaksCostOneSystemCall) {
  for (int round = 1; round <= 3; ++round) {
    for (int i = 0; i < 1000; ++i) this->backend_.Break();
    EXPECT_EQ(this->Count(this->kPost), round);
    this->Poll(this->backend_, Delta::Forever());
  }
}

TYPED_TEST(KqueueBreaks, ABreakGoesOnAfterASignal) {
  this->script().returns[this->kPost] = {-EINTR, -EINTR};
  this->backend_.Break();
  EXPECT_EQ(this->Count(this->kPost), 3);
  this->Poll(this->backend_, Delta::Forever());
}

// Row K5: after an interrupted poll a break still counts.
TYPED_TEST(KqueueBreaks, ABreakCountsAfterAnInterruptedPoll) {
  for (int i = 0; i < 3; ++i) {
    this->script().returns[Call::kWait] = {-EINTR};
    this->backend_.Break();
    this->Poll(this->backend_, kShort);
    this->Poll(this->backend_, Delta::Forever());
  }
  EXPECT_EQ(this->Count(this->kPost), 3);
}

// Row K4.
TEST_F(KqueueFailure, ANonBlockingPollTriggersTheUserEventAgain) {
  UserBackend backend;
  ASSERT_EQ(backend.Init(), 0);
  backend.Break();
  const int before = Count(Call::kChange);
  script().returns[Call::kChange] = {-EINTR};
  Poll(backend, kNow);
  ASSERT_EQ(Count(Call::kChange), before + 2);
  const struct kevent& trigger = script().changes.back();
  // An EV_ADD would replace the flags, and the event stay.
  EXPECT_EQ(trigger.flags, 0);
  EXPECT_EQ(trigger.fflags, static_cast<unsigned>(NOTE_TRIGGER));
  backend.Break();
  EXPECT_EQ(Count(Call::kChange), before + 2) << "it is pending already";
  Poll(backend, Delta::Forever());
  EXPECT_EQ(Count(Call::kChange), before + 2);
  EXPECT_TRUE(Poll(backend, kShort).empty());
}

// Into an empty pipe: a byte behind others may be no edge, and the pipe would
// be full in the end.
TEST_F(KqueueFailure, ANonBlockingPollEmptiesThePipeAndWritesAgain) {
  PipeBackend backend;
  ASSERT_EQ(backend.Init(), 0);
  EXPECT_EQ(script().changes.back().flags, EV_ADD | EV_CLEAR);
  backend.Break();
  for (int i = 1; i <= 3; ++i) {
    script().returns[Call::kRead] = {-EINTR};
    EXPECT_TRUE(Poll(backend, kNow).empty());
    EXPECT_EQ(Count(Call::kRead), 2 * i);
    EXPECT_EQ(Count(Call::kWrite), 1 + i);
  }
  Poll(backend, Delta::Forever());
  EXPECT_EQ(Count(Call::kRead), 7);
  EXPECT_EQ(Count(Call::kWrite), 4);
  // It was used up: the next polls find nothing, and call nothing.
  EXPECT_TRUE(Poll(backend, kShort).empty());
  EXPECT_TRUE(Poll(backend, kNow).empty());
  EXPECT_EQ(Count(Call::kRead), 7);
  EXPECT_EQ(Count(Call::kWrite), 4);
}

// More than one read fetches: something else wrote to it.
TEST_F(KqueueFailure, AllThatIsInThePipeIsTaken) {
  PipeBackend backend;
  const auto before = OpenDescriptors();
  ASSERT_EQ(backend.Init(), 0);
  int written = 0;
  for (const int fd : OpenDescriptors()) {
    if (before.count(fd) == 0 && ::write(fd, "0123456789abcdef0", 17) == 17) {
      ++written;
    }
  }
  ASSERT_EQ(written, 1);
  Poll(backend, Delta::Forever());
  EXPECT_EQ(Count(Call::kRead), 2);
  EXPECT_TRUE(Poll(backend, kNow).empty());
  EXPECT_EQ(Count(Call::kRead), 2);
}

// The event of what is in it may be used up.
TEST_F(KqueueFailure, AFullPipeIsEmptiedForABreak) {
  PipeBackend backend;
  ASSERT_EQ(backend.Init(), 0);
  script().returns[Call::kWrite] = {-EAGAIN};
  script().returns[Call::kRead] = {16};
  backend.Break();
  backend.Break();
  EXPECT_EQ(Count(Call::kWrite), 2);
  EXPECT_EQ(Count(Call::kRead), 2);
  Poll(backend, Delta::Forever());
}

// A death test runs its statement in a child of fork, so the backend is made
// there.

TEST_F(KqueueFailureDeathTest, APollerThatStopsWorkingStopsTheProcess) {
  const auto poll = [](int error, Delta delta) {
    UserBackend backend;
    if (backend.Init() != 0) return;
    script().returns[Call::kWait] = {-error};
    Poll(backend, delta);
  };
  for (const int error : {EBADF, EINVAL}) {
    EXPECT_DEATH(poll(error, kNow), "netpoll: kevent on the poller's own");
    EXPECT_DEATH(poll(error, kShort), "was it closed by somebody else?");
  }
  EXPECT_DEATH(poll(ENOMEM, kShort),
               "kevent on .*; the system has no memory for it");
  EXPECT_DEATH(poll(EFAULT, kShort), "kevent on .* failed: Bad address\n");
}

TEST_F(KqueueFailureDeathTest, AUserEventThatStopsWorkingStopsTheProcess) {
  const auto wake = [](int error) {
    UserBackend backend;
    if (backend.Init() != 0) return;
    script().returns[Call::kChange] = {-error};
    backend.Break();
  };
  const auto relay = [](int error) {
    UserBackend backend;
    if (backend.Init() != 0) return;
    backend.Break();
    script().returns[Call::kChange] = {-error};
    Poll(backend, kNow);
  };
  for (const int error : {EBADF, ENOENT}) {
    EXPECT_DEATH(wake(error), "netpoll: kevent for a wake-up on the poller's");
    EXPECT_DEATH(relay(error), "netpoll: kevent for a wake-up on the poller's");
  }
}

TEST_F(KqueueFailureDeathTest, APipeThatStopsWorkingStopsTheProcess) {
  const auto wake = [](Call call, int returned) {
    PipeBackend backend;
    if (backend.Init() != 0) return;
    script().returns[call] = {returned};
    backend.Break();
    Poll(backend, Delta::Forever());
  };
  const auto pass = [](Call call, std::deque<int> returns) {
    PipeBackend backend;
    if (backend.Init() != 0) return;
    backend.Break();
    script().returns[call] = std::move(returns);
    Poll(backend, kNow);
  };
  EXPECT_DEATH(pass(Call::kRead, {-EBADF}), "netpoll: read or write of the");
  EXPECT_DEATH(pass(Call::kWrite, {-EBADF}), "netpoll: read or write of the");
  // A pipe that stays full though it was emptied takes no wake-up.
  EXPECT_DEATH(pass(Call::kWrite, {-EAGAIN, -EAGAIN}),
               "netpoll: read or write of the");
  for (const int returned : {-EBADF, -EPIPE}) {
    EXPECT_DEATH(wake(Call::kWrite, returned), "netpoll: read or write of the");
    EXPECT_DEATH(wake(Call::kRead, returned), "netpoll: read or write of the");
  }
}

}  // namespace
}  // namespace netpoll::conformance
