// SPDX-License-Identifier: Apache-2.0
//
// Every system call of the io_uring backend fails in every way that the manual
// says: the failure is returned, absorbed, or stops the process with one
// sentence.
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <thread>

#include "gtest/gtest.h"
#include "netpoll/backends/io_uring/io_uring_backend.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/conformance/fixture.h"
#include "netpoll/tests/conformance/io_uring/available.h"
#include "netpoll/tests/conformance/io_uring/scripted_ring.h"
#include "netpoll/tests/conformance/scripted/scripted_test.h"

namespace netpoll::conformance {
namespace {

using Backend = IoUringBackend<StdEnv, ScriptedRing>;
using std::chrono::nanoseconds;

// More than the backend asks again.
constexpr std::size_t kForGood = 20'000;

class IoUringFailure : public ScriptedTest<ScriptedRing> {
 protected:
  void SetUp() override {
    if (const char* const why = WhyNoIoUring()) GTEST_SKIP() << why;
    ScriptedTest::SetUp();
  }
};
using IoUringFailureDeathTest = IoUringFailure;

constexpr EventKey kKey = EventKey::ForSlot(1, 1);
constexpr Delta kNow = Delta::NonBlocking();
const Delta kShort = Delta::AtMost(nanoseconds(1000));

TEST_F(IoUringFailure, InitReturnsTheErrorOfEachStepAndLeavesNothing) {
  const auto before = OpenDescriptors();
  const struct {
    Call call;
    std::deque<int> returns;
    int error;
  } kCases[] = {
      {Call::kSetup, {-EPERM}, EPERM},    {Call::kSetup, {-ENOSYS}, ENOSYS},
      {Call::kSetup, {-EMFILE}, EMFILE},  {Call::kSetup, {-ENFILE}, ENFILE},
      {Call::kSetup, {-ENOMEM}, ENOMEM},  {Call::kMap, {-ENOMEM}, ENOMEM},
      {Call::kMap, {0, -ENOMEM}, ENOMEM}, {Call::kFlush, {-EPERM}, EPERM},
      {Call::kFlush, {-EACCES}, EACCES},  {Call::kFlush, {-ENOSYS}, ENOSYS},
  };
  for (const auto& c : kCases) {
    script().returns[c.call] = c.returns;
    {
      Backend backend;
      EXPECT_EQ(backend.Init(), c.error);
    }
    EXPECT_EQ(OpenDescriptors(), before);
  }
}

TEST_F(IoUringFailure, AKernelThatLacksSomethingIsRefused) {
  for (const std::uint32_t feature :
       {IORING_FEAT_SINGLE_MMAP, IORING_FEAT_NODROP, IORING_FEAT_EXT_ARG,
        IORING_FEAT_RSRC_TAGS}) {
    script().without = feature;
    Backend backend;
    EXPECT_EQ(backend.Init(), ENOSYS) << feature;
  }
}

TEST_F(IoUringFailure, OpenReturnsTheErrorAndTheSlotIsUsedAgain) {
  Poller<Backend> poller;
  ASSERT_EQ(poller.Init(), 0);
  Ends ends = Ends::Sockets();
  for (const int error : {EAGAIN, EBUSY, ENOMEM, EINTR}) {
    script().returns[Call::kSubmit].assign(kForGood, -error);
    const auto opened = poller.Open(ends.own());
    EXPECT_EQ(opened.error, error == EINTR ? EAGAIN : error);
    EXPECT_EQ(opened.desc, nullptr);
    EXPECT_GT(script().returns[Call::kSubmit].size(), kForGood / 2);
    script().returns.clear();
  }
  const auto opened = poller.Open(ends.own());
  ASSERT_EQ(opened.error, 0);
  EXPECT_EQ(opened.desc->index(), 0u);
  // The refused requests were taken back: there is one report.
  EXPECT_EQ(Poll(poller.backend(), kNow).size(), 1u);
  EXPECT_TRUE(poller.Unblock(opened.desc).ready.empty());
  EXPECT_EQ(poller.Close(opened.desc), 0);
}

TEST_F(IoUringFailure, ARequestThatIsRefusedForAMomentIsHandedOverAgain) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  for (const int error : {EINTR, EAGAIN, EBUSY}) {
    Ends ends = Ends::Sockets();
    script().returns[Call::kSubmit] = {-error, -error};
    EXPECT_EQ(backend.Open(ends.own(), kKey), 0);
    EXPECT_EQ(Poll(backend, kNow).size(), 1u);
    script().returns[Call::kSubmit] = {-error, -error};
    EXPECT_EQ(backend.Close(ends.own(), kKey), 0);
    script().returns[Call::kSubmit] = {-error, -error};
    backend.Break();
    EXPECT_EQ(Poll(backend, Delta::Forever()).size(), 0u);
  }
}

// The cancellation's own completion ends the first wait, and the last one of
// the poll comes from the thread that opened.
TEST_F(IoUringFailure, AnInterruptedCloseGoesOnWaiting) {
  script().without = IORING_FEAT_CQE_SKIP;
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  for (int i = 0; i < 50; ++i) {
    Ends ends = Ends::Sockets();
    std::atomic<int> state = 0;
    std::thread opener([&] {
      EXPECT_EQ(backend.Open(ends.own(), kKey), 0);
      state = 1;
      while (state == 1) {
      }
    });
    while (state == 0) std::this_thread::yield();
    script().returns[Call::kWait] = {-EINTR, -EINTR};
    EXPECT_EQ(backend.Close(ends.own(), kKey), 0);
    ends.CloseOwn();
    char byte;
    EXPECT_EQ(::read(ends.peer(), &byte, 1), 0);
    state = 2;
    opener.join();
  }
}

// The last completion is seen a moment before the file is let go, which one
// more request waits for. Without it, one close in some ten thousand leaves
// the peer waiting.
TEST_F(IoUringFailure, ACloseMakesSureThatAnotherThreadHasLetGo) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::Sockets();
  ASSERT_EQ(backend.Open(ends.own(), kKey), 0);
  script() = Script{};
  EXPECT_EQ(backend.Close(ends.own(), kKey), 0);
  EXPECT_EQ(Count(Call::kSubmit), 1);
  EXPECT_EQ(Count(Call::kWait), 0) << "its own poll has ended by then";
  std::thread([&] { EXPECT_EQ(backend.Open(ends.own(), kKey), 0); }).join();
  script() = Script{};
  EXPECT_EQ(backend.Close(ends.own(), kKey), 0);
  EXPECT_EQ(Count(Call::kSubmit), 2);
}

TEST_F(IoUringFailure, AnInterruptedPollWithALimitReturns) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  script().returns[Call::kWait] = {-EINTR};
  EXPECT_EQ(Poll(backend, Delta::AtMost(std::chrono::hours(1))).size(), 0u);
  EXPECT_EQ(Count(Call::kWait), 1);
}

TEST_F(IoUringFailure, AnInterruptedPollWithoutALimitGoesOn) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::Sockets();
  ends.FillOwn();
  ASSERT_EQ(backend.Open(ends.own(), kKey), 0);
  script().returns[Call::kWait] = {-EINTR, -EINTR, -ETIME, -EAGAIN};
  EXPECT_EQ(Poll(backend, Delta::Forever()).size(), 0u);
  EXPECT_EQ(Count(Call::kWait), 4);
}

TEST_F(IoUringFailure, AWaitThatTheKernelRefusesForAMomentEndsThePoll) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  for (const int error : {EAGAIN, EBUSY}) {
    script() = Script{};
    script().returns[Call::kWait].assign(kForGood, -error);
    EXPECT_EQ(Poll(backend, Delta::Forever()).size(), 0u);
    EXPECT_EQ(Count(Call::kWait), 1);
  }
}

TEST_F(IoUringFailure, NanosecondsReachTheKernelWhole) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  script().returns[Call::kWait] = {-EINTR, -ETIME, -EINTR};
  for (const std::int64_t limit :
       {std::int64_t{1}, std::int64_t{1'500'000'007}}) {
    EXPECT_EQ(Poll(backend, Delta::AtMost(nanoseconds(limit))).size(), 0u);
    EXPECT_EQ(script().waited.back().tv_sec, limit / 1'000'000'000);
    EXPECT_EQ(script().waited.back().tv_nsec, limit % 1'000'000'000);
  }
  // The kernel adds the time of day to it, which must not overflow.
  Poll(backend, Delta::AtMost(nanoseconds::max() - nanoseconds(1)));
  EXPECT_EQ(script().waited.back().tv_sec, 1'000'000);
  EXPECT_EQ(script().waited.back().tv_nsec, 0);
}

TEST_F(IoUringFailure, ANonBlockingPollCostsNoSystemCall) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::PipeToRead();
  ASSERT_EQ(backend.Open(ends.own(), kKey), 0);
  ends.Send();
  script() = Script{};
  EXPECT_EQ(Poll(backend, kNow).size(), 1u);
  EXPECT_EQ(Poll(backend, kNow).size(), 0u);
  EXPECT_EQ(script().count, (std::map<Call, int>{}));
}

// Of a socket the ring says "urgent" with every arrival.
TEST_F(IoUringFailure, UnsureReportsAreAskedAboutInOneCall) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  std::deque<Ends> all;
  for (std::uint32_t i = 0; i < 10; ++i) {
    all.push_back(Ends::Sockets());
    ASSERT_EQ(backend.Open(all[i].own(), EventKey::ForSlot(i, 1)), 0);
  }
  EXPECT_EQ(Poll(backend, kNow).size(), 10u);
  script() = Script{};
  for (Ends& ends : all) ends.Send();
  EXPECT_EQ(Poll(backend, kNow).size(), 10u);
  EXPECT_EQ(Count(Call::kPoll), 1);
}

TEST_F(IoUringFailure, WithoutAnAnswerTheWorstIsReported) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::Sockets();
  ASSERT_EQ(backend.Open(ends.own(), kKey), 0);
  EXPECT_EQ(Poll(backend, kNow).size(), 1u);
  for (const int error : {ENOMEM, EINVAL, EINTR}) {
    script().returns[Call::kPoll] = {-error};
    ends.Send();
    Recorder recorder;
    backend.Poll(kNow, recorder);
    ASSERT_EQ(recorder.reports.size(), 1u);
    const Report& report = recorder.reports[0];
    EXPECT_EQ(report.mode, Mode::kReadWrite);
    EXPECT_FALSE(report.flags.error);
    // Interrupted, it asks once more.
    EXPECT_EQ(report.flags.no_more_edges, error != EINTR);
  }
}

TEST_F(IoUringFailure, ManyBreaksCostOneSystemCall) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  for (int round = 0; round < 3; ++round) {
    script() = Script{};
    for (int i = 0; i < 1000; ++i) backend.Break();
    EXPECT_EQ(Count(Call::kSubmit), 1);
    Poll(backend, kNow);  // Fetches the wake-up, so it posts it again.
    ASSERT_EQ(Count(Call::kSubmit), 2);
    Poll(backend, Delta::Forever());
    EXPECT_EQ(Count(Call::kSubmit), 2);
    // It was taken: the next poll runs to its limit.
    EXPECT_EQ(Poll(backend, kShort).size(), 0u);
    EXPECT_EQ(Count(Call::kWait), 1);
  }
}

// A death test runs its statement in a child of fork, so the backend is made
// there.

TEST_F(IoUringFailureDeathTest, APollerThatStopsWorkingStopsTheProcess) {
  const auto poll = [](int error, Delta delta) {
    Backend backend;
    if (backend.Init() != 0) return;
    script().returns[Call::kWait] = {-error};
    Poll(backend, delta);
  };
  for (const int error : {EBADF, EINVAL}) {
    EXPECT_DEATH(poll(error, Delta::Forever()),
                 "netpoll: io_uring_enter on the poller's own");
    EXPECT_DEATH(poll(error, kShort), "was it closed by somebody else?");
  }
  EXPECT_DEATH(poll(EFAULT, kShort),
               "io_uring_enter on the poller's own descriptor failed: Bad "
               "address\n");
  EXPECT_DEATH(poll(EBADR, kShort), "no memory to keep a completion");
  for (const int error : {EPERM, EACCES, ENOSYS}) {
    EXPECT_DEATH(poll(error, kShort),
                 "netpoll: io_uring_enter failed: .*; a filter of system calls "
                 "forbids it since the poller was made\n");
  }
}

TEST_F(IoUringFailureDeathTest, ABreakThatCannotBePostedStopsTheProcess) {
  const auto wake = [](int error) {
    Backend backend;
    if (backend.Init() != 0) return;
    script().returns[Call::kSubmit].assign(kForGood, -error);
    backend.Break();
  };
  for (const int error : {EBADF, EINVAL}) {
    EXPECT_DEATH(wake(error), "netpoll: io_uring_enter on the poller's own");
  }
  for (const int error : {EAGAIN, EBUSY, ENOMEM}) {
    EXPECT_DEATH(wake(error),
                 "netpoll: io_uring_enter failed: .*; for seconds the system "
                 "could not take a request\n");
  }
}

}  // namespace
}  // namespace netpoll::conformance
