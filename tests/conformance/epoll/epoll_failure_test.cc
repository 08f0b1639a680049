// SPDX-License-Identifier: Apache-2.0
//
// Every system call of the epoll backend fails in every way that the manual
// says: the failure is returned, absorbed, or stops the process with one
// sentence.
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/epoll/epoll_backend.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/poller.h"
#include "netpoll/tests/conformance/epoll/scripted_sys.h"
#include "netpoll/tests/conformance/fixture.h"
#include "netpoll/tests/conformance/scripted/scripted_test.h"

namespace netpoll::conformance {
namespace {

using Backend = EpollBackend<StdEnv, ScriptedSys>;
using std::chrono::nanoseconds;

// Does something else in the middle of a poll.
struct PollsTwice : Backend {
  std::function<void()> poll_again;

  template <class Sink>
  void Poll(Delta, Sink&) {
    poll_again();
  }
};

class EpollFailure : public ScriptedTest<ScriptedSys> {};
using EpollFailureDeathTest = EpollFailure;

constexpr Delta kNow = Delta::NonBlocking();
const Delta kShort = Delta::AtMost(nanoseconds(1000));

TEST_F(EpollFailure, InitReturnsTheErrorOfEachStepAndLeavesNothing) {
  const auto before = OpenDescriptors();
  for (const Call call : {Call::kCreate, Call::kEventFd, Call::kCtl}) {
    for (const int error : {EMFILE, ENFILE, ENOMEM, ENOSPC}) {
      script().returns[call] = {-error};
      {
        Backend backend;
        EXPECT_EQ(backend.Init(), error);
      }
      EXPECT_EQ(OpenDescriptors(), before);
    }
  }
}

TEST_F(EpollFailure, OpenReturnsTheErrorAndTheSlotIsUsedAgain) {
  OpenFails<Backend>({ENOSPC, ENOMEM, EPERM, EEXIST}, [](int error) {
    script().returns[Call::kCtl] = {-error};
  });
}

TEST_F(EpollFailure, CloseReturnsTheErrorAndTheSlotIsGivenBack) {
  Poller<Backend> poller;
  ASSERT_EQ(poller.Init(), 0);
  Ends ends = Ends::Sockets();
  const auto opened = poller.Open(ends.own());
  EXPECT_TRUE(poller.Unblock(opened.desc).ready.empty());
  script().returns[Call::kCtl] = {-ENOENT};
  EXPECT_EQ(poller.Close(opened.desc), ENOENT);
}

TEST_F(EpollFailure, AnInterruptedPollWithALimitReturns) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  script().returns[Call::kPwait2] = {-EINTR};
  EXPECT_EQ(Poll(backend, Delta::AtMost(std::chrono::hours(1))).size(), 0u);
  EXPECT_EQ(Count(Call::kPwait2), 1);
}

TEST_F(EpollFailure, AnInterruptedPollWithoutALimitGoesOn) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  script().returns[Call::kWait] = {-EINTR, -EINTR};
  backend.Break();
  EXPECT_EQ(Poll(backend, Delta::Forever()).size(), 0u);
  EXPECT_EQ(Count(Call::kWait), 3);
  script().returns[Call::kWait] = {-EINTR};
  EXPECT_EQ(Poll(backend, kNow).size(), 0u);
  EXPECT_EQ(Count(Call::kWait), 5);
}

TEST_F(EpollFailure, WithoutNanosecondsTheLimitIsRoundedUpToMilliseconds) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  for (const LimitInMillis& c : kLimitsInMillis) {
    script() = Script{};
    script().returns[Call::kPwait2] = {-ENOSYS};
    script().returns[Call::kWait] = {-EINTR};
    Poll(backend, Delta::AtMost(nanoseconds(c.nanos)));
    EXPECT_EQ(script().waited_millis, std::vector<int>{c.millis}) << c.nanos;
  }
}

// Some filters of system calls answer EPERM to those that they do not know.
// Row E14: a call that the system lacks.
TEST_F(EpollFailure, WhereNanosecondsAreRefusedItAsksOnce) {
  for (const int refusal : {ENOSYS, EPERM}) {
    script() = Script{};
    Backend backend;
    ASSERT_EQ(backend.Init(), 0);
    script().returns[Call::kPwait2] = {-refusal, -refusal, -refusal};
    for (int i = 0; i < 3; ++i) EXPECT_EQ(Poll(backend, kShort).size(), 0u);
    EXPECT_EQ(Count(Call::kPwait2), 1);
    EXPECT_EQ(Count(Call::kWait), 3);
  }
}

TEST_F(EpollFailure, NanosecondsReachTheKernelWhole) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  script().returns[Call::kPwait2] = {-EINTR, -EINTR, -EINTR};
  const struct {
    std::int64_t limit;
    time_t seconds;
    long nanos;
  } kCases[] = {{1, 0, 1},
                {1'500'000'007, 1, 500'000'007},
                {std::numeric_limits<std::int64_t>::max() - 1, 1'000'000, 0}};
  for (const auto& c : kCases) {
    Poll(backend, Delta::AtMost(nanoseconds(c.limit)));
    EXPECT_EQ(script().waited.back().tv_sec, c.seconds);
    EXPECT_EQ(script().waited.back().tv_nsec, c.nanos);
  }
}

TEST_F(EpollFailure, PollsThatNeedNoLimitDoNotAskForNanoseconds) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  backend.Break();
  Poll(backend, kNow);
  Poll(backend, Delta::Forever());
  EXPECT_EQ(Count(Call::kPwait2), 0);
  EXPECT_EQ(script().waited_millis, (std::vector<int>{0, -1}));
}

TEST_F(EpollFailure, ManyBreaksCostOneSystemCall) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  for (int round = 1; round <= 3; ++round) {
    for (int i = 0; i < 1000; ++i) backend.Break();
    EXPECT_EQ(Count(Call::kWrite), round);
    Poll(backend, kNow);  // Leaves the token where it is.
    EXPECT_EQ(Count(Call::kRead), round - 1);
    Poll(backend, Delta::Forever());
    EXPECT_EQ(Count(Call::kRead), round);
  }
}

TEST_F(EpollFailure, ABreakGoesOnAfterASignal) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  script().returns[Call::kWrite] = {-EINTR, -EINTR};
  backend.Break();
  EXPECT_EQ(Count(Call::kWrite), 3);
  Poll(backend, Delta::Forever());
}

TEST_F(EpollFailure, AFullEventFdIsABreakThatIsPending) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  script().returns[Call::kWrite] = {-EAGAIN};
  backend.Break();
  backend.Break();
  EXPECT_EQ(Count(Call::kWrite), 1);
}

TEST_F(EpollFailure, TakingAWakeUpGoesOnAfterASignal) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  script().returns[Call::kRead] = {-EINTR, 0};
  backend.Break();
  Poll(backend, Delta::Forever());
  EXPECT_EQ(Count(Call::kRead), 2);
  // It was drained: the next poll runs to its limit.
  EXPECT_EQ(Poll(backend, kShort).size(), 0u);
  EXPECT_EQ(Count(Call::kRead), 2);
}

// A death test runs its statement in a child of fork, so the backend is made
// there.

TEST_F(EpollFailureDeathTest, APollerThatStopsWorkingStopsTheProcess) {
  const auto poll = [](Call call, int error, Delta delta) {
    Backend backend;
    if (backend.Init() != 0) return;
    script().returns[call] = {-error};
    Poll(backend, delta);
  };
  for (const int error : {EBADF, EINVAL}) {
    EXPECT_DEATH(poll(Call::kWait, error, kNow),
                 "netpoll: epoll_wait on the poller's own");
    EXPECT_DEATH(poll(Call::kPwait2, error, kShort),
                 "was it closed by somebody else?");
  }
  // What nobody closed is not said to be closed.
  EXPECT_DEATH(poll(Call::kPwait2, ENOMEM, kShort),
               "epoll_wait on .*; the system has no memory for it");
  EXPECT_DEATH(poll(Call::kPwait2, EACCES, kShort),
               "epoll_wait on .*; does a filter of system calls forbid it");
  EXPECT_DEATH(poll(Call::kPwait2, EFAULT, kShort),
               "epoll_wait on .* failed: Bad address\n");
}

TEST_F(EpollFailureDeathTest, AWakeUpThatStopsWorkingStopsTheProcess) {
  const auto wake = [](int returned) {
    Backend backend;
    if (backend.Init() != 0) return;
    script().returns[Call::kWrite] = {returned};
    backend.Break();
  };
  for (const int returned : {-EBADF, -EINVAL, 4}) {
    EXPECT_DEATH(wake(returned), "netpoll: write to the eventfd");
  }
}

// Threads in a child of fork are not for every sanitizer: the second poll
// begins while the first reports.
TEST_F(EpollFailureDeathTest, TwoBlockingPollsAtOnceStopTheProcess) {
  const auto poll_twice = [] {
    Poller<PollsTwice> poller;
    if (poller.Init() != 0) return;
    poller.backend().poll_again = [&] {
      static_cast<void>(poller.Poll(Delta::Forever()));
    };
    static_cast<void>(poller.Poll(Delta::Forever()));
  };
  EXPECT_DEATH(poll_twice(), "two threads were in a blocking Poll at once");
}

}  // namespace
}  // namespace netpoll::conformance
