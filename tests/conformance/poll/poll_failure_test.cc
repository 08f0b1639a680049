// SPDX-License-Identifier: Apache-2.0
//
// poll, ppoll and the making of the pipe fail in every way that the manual
// says: the failure is returned, absorbed, or stops the process with one
// sentence. And what becomes of odd descriptors.
#include <time.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <set>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/conformance/fixture.h"
#include "netpoll/tests/conformance/poll/scripted_poll.h"
#include "netpoll/tests/conformance/poll/scripted_sys.h"
#include "netpoll/tests/conformance/scripted/scripted_test.h"

namespace netpoll::conformance {
namespace {

using std::chrono::nanoseconds;

class PollFailure : public ScriptedPoll {};
using PollFailureDeathTest = PollFailure;

TEST_F(PollFailure, InitReturnsTheErrorAndLeavesNothing) {
  const auto before = OpenDescriptors();
  for (const int error : {EMFILE, ENFILE, ENOMEM}) {
    script().returns[PollCall::kPipe] = {-error};
    {
      Backend backend;
      EXPECT_EQ(backend.Init(), error);
      EXPECT_FALSE(backend.IsPollDescriptor(-1));
    }
    EXPECT_EQ(OpenDescriptors(), before);
  }
}

// A system that counts in 16 bits, of which the wake-up takes one.
struct SmallSys : ScriptedPollSys {
  static constexpr std::size_t kMostAsked = 4;
};

TEST_F(PollFailure, NoMoreAreOpenedThanTheSystemCanBeAskedAbout) {
  PollBackend<StdEnv, SmallSys> backend;
  ASSERT_EQ(backend.Init(), 0);
  std::vector<Ends> all;
  for (std::uint32_t i = 0; i < 3; ++i) {
    all.push_back(Ends::Sockets());
    ASSERT_EQ(backend.Open(all[i].own(), EventKey::ForSlot(i, 1)), 0);
    backend.Arm(all[i].own(), EventKey::ForSlot(i, 1), Mode::kWrite);
  }
  const Ends one_more = Ends::Sockets();
  EXPECT_EQ(backend.Open(one_more.own(), EventKey::ForSlot(3, 1)), ENOSPC);
  EXPECT_EQ(Poll(backend, Delta::Forever()).size(), 3u);
  EXPECT_EQ(script().asked.back().size(), SmallSys::kMostAsked);
  EXPECT_EQ(backend.Close(all[0].own(), EventKey::ForSlot(0, 1)), 0);
  EXPECT_EQ(backend.Open(one_more.own(), EventKey::ForSlot(3, 1)), 0);
}

// A terminal on macOS: open, and refused by poll each time.
struct RefusingSys : ScriptedPollSys {
  static int Poll(pollfd* fds, std::size_t size, int millis) {
    if (millis != 0 || size == 0)
      return ScriptedPollSys::Poll(fds, size, millis);
    script().asked.emplace_back(fds, fds + size);
    fds[0].revents = POLLNVAL;
    return 1;
  }
};

TEST_F(PollFailure, ADescriptorThatPollRefusesIsAnErrorOnce) {
  PollBackend<StdEnv, RefusingSys> backend;
  ASSERT_EQ(backend.Init(), 0);
  const Ends ends = Ends::Sockets();
  ASSERT_EQ(backend.Open(ends.own(), kKey), 0);
  backend.Arm(ends.own(), kKey, Mode::kRead);
  backend.Arm(ends.own(), kKey, Mode::kWrite);
  const auto reports = Poll(backend, kNow);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].mode, Mode::kReadWrite);
  EXPECT_TRUE(reports[0].flags.error);
  EXPECT_TRUE(reports[0].flags.no_more_edges);
  // Nothing of it is asked about until somebody arms it again.
  const std::size_t calls = script().asked.size();
  EXPECT_TRUE(Poll(backend, kNow).empty());
  EXPECT_EQ(script().asked.size(), calls);
}

TEST_F(PollFailure, AnInterruptedPollWithALimitReturns) {
  for (const int error : {EINTR, EAGAIN}) {
    script() = PollScript{};
    Backend backend;
    ASSERT_EQ(backend.Init(), 0);
    script().returns[PollCall::kPpoll] = {-error};
    EXPECT_TRUE(Poll(backend, kHour).empty());
    EXPECT_EQ(Count(PollCall::kPpoll), 1);
  }
}

TEST_F(PollFailure, AnInterruptedPollWithoutALimitGoesOn) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::Sockets();
  script().returns[PollCall::kPoll] = {-EINTR, -EAGAIN};
  backend.Break();
  EXPECT_TRUE(Poll(backend, Delta::Forever()).empty());
  EXPECT_EQ(Count(PollCall::kPoll), 3);
  backend.Open(ends.own(), kKey);
  backend.Arm(ends.own(), kKey, Mode::kWrite);
  script().returns[PollCall::kPoll] = {-EINTR};
  EXPECT_EQ(Poll(backend, kNow).size(), 1u);
  EXPECT_EQ(Count(PollCall::kPoll), 5);
}

TEST_F(PollFailure, WithoutNanosecondsTheLimitIsRoundedUpToMilliseconds) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  for (const LimitInMillis& c : kLimitsInMillis) {
    script() = PollScript{};
    script().returns[PollCall::kPpoll] = {-ENOSYS};
    script().returns[PollCall::kPoll] = {-EINTR};
    Poll(backend, Delta::AtMost(nanoseconds(c.nanos)));
    EXPECT_EQ(script().waited_millis, std::vector<int>{c.millis}) << c.nanos;
  }
}

// Some filters of system calls answer EPERM to those that they do not know.
TEST_F(PollFailure, WhereNanosecondsAreRefusedItAsksOnce) {
  for (const int refusal : {ENOSYS, EPERM}) {
    script() = PollScript{};
    Backend backend;
    ASSERT_EQ(backend.Init(), 0);
    script().returns[PollCall::kPpoll] = {-refusal, -refusal, -refusal};
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(Poll(backend, kShort).empty());
    EXPECT_EQ(Count(PollCall::kPpoll), 1);
    EXPECT_EQ(Count(PollCall::kPoll), 3);
  }
}

TEST_F(PollFailure, NanosecondsReachTheKernelWholeAndLongLimitsAreCut) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  const struct {
    std::int64_t limit;
    std::int64_t seconds;
    long nanos;
  } kCases[] = {{1, 0, 1},
                {1'500'000'007, 1, 500'000'007},
                {INT64_MAX - 1, 1'000'000, 0}};
  for (const auto& c : kCases) {
    script().returns[PollCall::kPpoll] = {-EINTR};
    Poll(backend, Delta::AtMost(nanoseconds(c.limit)));
    EXPECT_EQ(script().waited.back().tv_sec, c.seconds);
    EXPECT_EQ(script().waited.back().tv_nsec, c.nanos);
  }
}

// Somebody closes the descriptor under us: both tasks meet EBADF in their own
// calls, and the poller does not spin.
TEST_F(PollFailure, ADescriptorThatWasClosedUnderUsIsReportedOnce) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::PipeToRead();
  const int number = ends.own();
  backend.Open(number, kKey);
  backend.Arm(number, kKey, Mode::kRead);
  ends.CloseOwn();
  const auto reports = Poll(backend, Delta::Forever());
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].key, kKey);
  EXPECT_EQ(reports[0].mode, Mode::kReadWrite);
  EXPECT_TRUE(Poll(backend, kNow).empty());
  EXPECT_EQ(Count(PollCall::kPoll), 1) << "it is not asked about again";
  EXPECT_EQ(backend.Close(number, kKey), 0);
}

TEST_F(PollFailure, CloseOfWhatIsNotRegisteredIsRefused) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::Sockets();
  EXPECT_EQ(backend.Close(ends.own(), kKey), ENOENT);
  EXPECT_EQ(backend.Open(ends.own(), kKey), 0);
  EXPECT_EQ(backend.Close(ends.own(), EventKey::ForSlot(1, 2)), ENOENT);
  EXPECT_EQ(backend.Close(ends.own(), kKey), 0);
  EXPECT_EQ(backend.Open(-1, kKey), EBADF);
}

// More are ready than fit into one batch, and all stay ready: those at the end
// of the array get their turn too.
TEST_F(PollFailure, NobodyIsStarvedByThoseWhoAreAlwaysReady) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  constexpr std::uint32_t kMany = 300;
  std::vector<Ends> all;
  for (std::uint32_t i = 0; i < kMany; ++i) {
    all.push_back(Ends::Sockets());
    backend.Open(all.back().own(), EventKey::ForSlot(i, 1));
    backend.Arm(all.back().own(), EventKey::ForSlot(i, 1), Mode::kWrite);
  }
  std::set<std::uint32_t> seen;
  for (int polls = 0; polls < 10; ++polls) {
    for (const Report& report : Poll(backend, kNow)) {
      seen.insert(report.key.index());
      backend.Arm(all[report.key.index()].own(), report.key, Mode::kWrite);
    }
  }
  EXPECT_EQ(seen.size(), kMany);
}

// A death test runs its statement in a child of fork, so the backend is made
// there.
TEST_F(PollFailureDeathTest, APollThatFailsStopsTheProcess) {
  const auto poll = [](PollCall call, int error, Delta delta) {
    Backend backend;
    if (backend.Init() != 0) return;
    script().returns[call] = {-error};
    Poll(backend, delta);
  };
  EXPECT_DEATH(poll(PollCall::kPoll, EINVAL, Delta::Forever()),
               "netpoll: poll failed: .*; was the limit of open desc");
  EXPECT_DEATH(poll(PollCall::kPpoll, EINVAL, kShort),
               "netpoll: poll failed: .*; was the limit of open desc");
  EXPECT_DEATH(poll(PollCall::kPoll, ENOMEM, Delta::Forever()),
               "netpoll: poll failed: .*; the system has no memory for it");
  EXPECT_DEATH(poll(PollCall::kPpoll, EFAULT, kShort),
               "netpoll: poll failed: Bad address\n");
}

}  // namespace
}  // namespace netpoll::conformance
