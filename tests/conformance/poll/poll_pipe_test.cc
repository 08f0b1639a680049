// SPDX-License-Identifier: Apache-2.0
//
// The pipe of the poll backend: who writes to it and how often, that a break
// and a kick are told apart, and every way in which it fails.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/poll/poll_backend.h"
#include "netpoll/backends/poll/poll_sys.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/conformance/fixture.h"
#include "netpoll/tests/conformance/poll/scripted_poll.h"
#include "netpoll/tests/conformance/poll/scripted_sys.h"

namespace netpoll::conformance {
namespace {

class PollPipe : public ScriptedPoll {};
using PollPipeDeathTest = PollPipe;

TEST_F(PollPipe, NothingButAPollCostsASystemCall) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  script() = PollScript{};
  Ends ends = Ends::Sockets();
  EXPECT_EQ(backend.Open(ends.own(), kKey), 0);
  EXPECT_TRUE(Poll(backend, kNow).empty()) << "there is nothing to ask about";
  backend.Arm(ends.own(), kKey, Mode::kRead);
  backend.Arm(ends.own(), kKey, Mode::kWrite);
  EXPECT_EQ(Calls(), 0);
  EXPECT_EQ(Poll(backend, kNow).size(), 1u);
  EXPECT_EQ(Calls(), 1);
  EXPECT_EQ(backend.Close(ends.own(), kKey), 0);
  EXPECT_EQ(Calls(), 1);
}

// More than there was room for in the array that the kernel reads meanwhile.
TEST_F(PollPipe, ManyChangesDuringAPollCostOneSystemCall) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  constexpr std::uint32_t kMany = 100;
  std::vector<Ends> all;
  script().meanwhile = [&] {
    for (std::uint32_t i = 0; i < kMany; ++i) {
      all.push_back(Ends::PipeToRead());
      const EventKey key = EventKey::ForSlot(i, 1);
      EXPECT_EQ(backend.Open(all.back().own(), key), 0);
      backend.Arm(all.back().own(), key, Mode::kRead);
    }
    all.front().Send();
  };
  // The kick makes it go round once, and then it sees the event.
  const auto reports = Poll(backend, Delta::Forever());
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].key, EventKey::ForSlot(0, 1));
  EXPECT_EQ(Count(PollCall::kWrite), 1);
  EXPECT_EQ(Count(PollCall::kPoll), 2);
  ASSERT_EQ(script().asked.size(), 2u);
  EXPECT_EQ(script().asked[0].size(), 1u);
  EXPECT_EQ(script().asked[1].size(), kMany + 1);
}

TEST_F(PollPipe, ArmingWhatIsArmedAlreadyKicksNobody) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::PipeToRead();
  backend.Open(ends.own(), kKey);
  backend.Arm(ends.own(), kKey, Mode::kRead);
  script().meanwhile = [&] {
    backend.Arm(ends.own(), kKey, Mode::kRead);
    ends.Send();
  };
  EXPECT_EQ(Poll(backend, Delta::Forever()).size(), 1u);
  EXPECT_EQ(Count(PollCall::kWrite), 0);
  EXPECT_EQ(Count(PollCall::kPoll), 1);
}

// A poll that does not block returns anyway.
TEST_F(PollPipe, APollThatDoesNotBlockIsNotKicked) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::PipeToRead();
  Ends other = Ends::PipeToRead();
  backend.Open(ends.own(), kKey);
  backend.Arm(ends.own(), kKey, Mode::kRead);
  const EventKey key = EventKey::ForSlot(2, 1);
  backend.Open(other.own(), key);
  script().meanwhile = [&] { backend.Arm(other.own(), key, Mode::kRead); };
  EXPECT_TRUE(Poll(backend, kNow).empty());
  EXPECT_EQ(Count(PollCall::kPoll), 1);
  EXPECT_EQ(Count(PollCall::kWrite), 0);
}

TEST_F(PollPipe, AKickEndsAPollWithALimitButIsNoBreak) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::PipeToRead();
  backend.Open(ends.own(), kKey);
  script().meanwhile = [&] { backend.Arm(ends.own(), kKey, Mode::kRead); };
  EXPECT_TRUE(Poll(backend, kHour).empty());
  EXPECT_EQ(Count(PollCall::kPpoll), 1);
  // Nothing is left of it: this one blocks until the event.
  script().meanwhile = [&] { ends.Send(); };
  EXPECT_EQ(Poll(backend, Delta::Forever()).size(), 1u);
  EXPECT_EQ(Count(PollCall::kPoll), 1);
}

TEST_F(PollPipe, ABreakIsNotSwallowedByAKick) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::PipeToRead();
  backend.Open(ends.own(), kKey);
  for (const bool break_first : {false, true}) {
    script().meanwhile = [&] {
      if (break_first) backend.Break();
      backend.Arm(ends.own(), kKey, Mode::kRead);
      if (!break_first) backend.Break();
    };
    EXPECT_TRUE(Poll(backend, Delta::Forever()).empty());
    backend.Close(ends.own(), kKey);
    backend.Open(ends.own(), kKey);
  }
  // One call each, two bytes each, emptied at once.
  EXPECT_EQ(Count(PollCall::kPoll), 2);
  EXPECT_EQ(Count(PollCall::kWrite), 4);
  EXPECT_EQ(Count(PollCall::kRead), 2);
}

// Whoever breaks writes his byte after the poll has already returned for him.
TEST_F(PollPipe, ALateByteCostsAnEarlyReturnAndNoWakeUp) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  const int write_end = PipeOf(backend).back();
  ASSERT_EQ(::write(write_end, "", 1), 1);
  EXPECT_TRUE(Poll(backend, kHour).empty());
  backend.Break();
  EXPECT_TRUE(Poll(backend, Delta::Forever()).empty());
  EXPECT_EQ(Poll(backend, kShort).size(), 0u);
  EXPECT_EQ(Count(PollCall::kRead), 2);
}

TEST_F(PollPipe, ManyBreaksCostOneSystemCall) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  for (int round = 1; round <= 3; ++round) {
    for (int i = 0; i < 1000; ++i) backend.Break();
    EXPECT_EQ(Count(PollCall::kWrite), round);
    Poll(backend, kNow);  // Leaves the token where it is.
    EXPECT_EQ(Count(PollCall::kRead), round - 1);
    Poll(backend, Delta::Forever());
    EXPECT_EQ(Count(PollCall::kRead), round);
  }
}

// It has something to ask about, so it makes the system's call.
TEST_F(PollPipe, ANonBlockingPollThatAsksLeavesTheBreakAlone) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::PipeToRead();
  backend.Open(ends.own(), kKey);
  backend.Arm(ends.own(), kKey, Mode::kRead);
  backend.Break();
  EXPECT_TRUE(Poll(backend, kNow).empty());
  EXPECT_EQ(script().asked.back().size(), 1u);
  ASSERT_EQ(Count(PollCall::kRead), 0);
  EXPECT_TRUE(Poll(backend, Delta::Forever()).empty());
  EXPECT_EQ(Count(PollCall::kRead), 1);
}

TEST_F(PollPipe, ABreakGoesOnAfterASignal) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  script().returns[PollCall::kWrite] = {-EINTR, -EINTR};
  backend.Break();
  EXPECT_EQ(Count(PollCall::kWrite), 3);
  Poll(backend, Delta::Forever());
}

// Somebody else filled the pipe: what is in it ends the poll, and the break
// after that writes again.
TEST_F(PollPipe, AFullPipeIsABreakThatIsPending) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  const int write_end = PipeOf(backend).back();
  while (::write(write_end, "xxxxxxx", 7) > 0) {
  }
  while (::write(write_end, "x", 1) > 0) {
  }
  backend.Break();
  backend.Break();
  EXPECT_EQ(Count(PollCall::kWrite), 1);
  EXPECT_TRUE(Poll(backend, Delta::Forever()).empty());
  EXPECT_EQ(Count(PollCall::kPoll), 1);
  pollfd left{.fd = PipeOf(backend).front(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&left, 1, 0), 0) << "all of it was taken";
  backend.Break();
  EXPECT_EQ(Count(PollCall::kWrite), 2);
  EXPECT_TRUE(Poll(backend, Delta::Forever()).empty());
  EXPECT_EQ(Count(PollCall::kPoll), 2);
}

TEST_F(PollPipe, EmptyingThePipeGoesOnAfterASignal) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  script().returns[PollCall::kRead] = {-EINTR, 0};
  backend.Break();
  Poll(backend, Delta::Forever());
  EXPECT_EQ(Count(PollCall::kRead), 2);
  // It was emptied: the next poll runs to its limit.
  EXPECT_TRUE(Poll(backend, kShort).empty());
  EXPECT_EQ(Count(PollCall::kRead), 2);
}

// A break while the poll empties the pipe is covered by that poll's return, and
// the next one counts.
struct HookedPollSys : PollSys {
  static int Read(int fd, void* bytes, std::size_t size) {
    if (before_read) std::exchange(before_read, nullptr)();
    return PollSys::Read(fd, bytes, size);
  }
  static inline std::function<void()> before_read;
};

TEST_F(PollPipe, ABreakWhileThePipeIsEmptiedIsCovered) {
  PollBackend<StdEnv, HookedPollSys> backend;
  ASSERT_EQ(backend.Init(), 0);
  int reading_end = -1;
  for (const int fd : OpenDescriptors()) {
    const bool reads = (::fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY;
    if (backend.IsPollDescriptor(fd) && reads) reading_end = fd;
  }
  backend.Break();
  HookedPollSys::before_read = [&] { backend.Break(); };
  EXPECT_TRUE(Poll(backend, Delta::Forever()).empty());
  backend.Break();
  pollfd pipe{.fd = reading_end, .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&pipe, 1, 0), 1) << "the break was lost, and all after it";
  EXPECT_TRUE(Poll(backend, Delta::Forever()).empty());
}

// More are ready, and armed again at once, than one poll reports: all have
// their turn.
TEST_F(PollPipe, WhatDoesNotFitIsFirstInTheNextPoll) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  constexpr std::uint32_t kMany = 200;
  std::vector<Ends> all;
  std::vector<int> reports(kMany);
  const auto arm = [&](std::uint32_t i) {
    backend.Arm(all[i].own(), EventKey::ForSlot(i, 1), Mode::kWrite);
  };
  for (std::uint32_t i = 0; i < kMany; ++i) {
    all.push_back(Ends::Sockets());
    ASSERT_EQ(backend.Open(all[i].own(), EventKey::ForSlot(i, 1)), 0);
    // Never reported, so each keeps its place.
    backend.Arm(all[i].own(), EventKey::ForSlot(i, 1), Mode::kRead);
    arm(i);
  }
  for (int round = 0; round < 4; ++round) {
    for (const Report& report : Poll(backend, kNow)) {
      ++reports[report.key.index()];
      arm(report.key.index());
    }
  }
  for (std::uint32_t i = 0; i < kMany; ++i) EXPECT_GE(reports[i], 1) << i;
}

TEST_F(PollPipe, ACloseOfWhatNobodyAskedAboutWaitsForNobody) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends idle = Ends::Sockets();
  Ends ends = Ends::PipeToRead();
  ASSERT_EQ(backend.Open(idle.own(), EventKey::ForSlot(2, 1)), 0);
  ASSERT_EQ(backend.Open(ends.own(), kKey), 0);
  backend.Arm(ends.own(), kKey, Mode::kRead);
  script().meanwhile = [&] {
    // If it waited for the end of this call, it would wait for itself.
    EXPECT_EQ(backend.Close(idle.own(), EventKey::ForSlot(2, 1)), 0);
    ends.Send();
  };
  EXPECT_EQ(Poll(backend, Delta::Forever()).size(), 1u);
  EXPECT_EQ(Count(PollCall::kWrite), 0);
}

// A death test runs its statement in a child of fork, so the backend is made
// there.
TEST_F(PollPipeDeathTest, APipeThatStopsWorkingStopsTheProcess) {
  const auto act = [](PollCall call, int returned) {
    Backend backend;
    if (backend.Init() != 0) return;
    script().returns[call] = {returned};
    backend.Break();
    Poll(backend, Delta::Forever());
  };
  for (const int returned : {-EBADF, -EINVAL, -EPIPE}) {
    EXPECT_DEATH(act(PollCall::kWrite, returned), "netpoll: write to the pipe");
    EXPECT_DEATH(act(PollCall::kRead, returned), "netpoll: read from the pipe");
  }
}

TEST_F(PollPipeDeathTest, APipeThatSomebodyClosedStopsTheProcess) {
  const auto close_and_poll = [](bool reading_end) {
    Backend backend;
    if (backend.Init() != 0) return;
    const std::vector<int> ends = PipeOf(backend);
    ::close(reading_end ? ends.front() : ends.back());
    Poll(backend, Delta::Forever());
  };
  EXPECT_DEATH(close_and_poll(true), "netpoll: poll on the poller's own");
  EXPECT_DEATH(close_and_poll(false), "netpoll: read from the pipe on the");
}

TEST_F(PollPipeDeathTest, AKickThatFailsStopsTheProcess) {
  const auto kick = [] {
    Backend backend;
    if (backend.Init() != 0) return;
    Ends ends = Ends::PipeToRead();
    backend.Open(ends.own(), kKey);
    script().returns[PollCall::kWrite] = {-EBADF};
    script().meanwhile = [&] { backend.Arm(ends.own(), kKey, Mode::kRead); };
    Poll(backend, Delta::Forever());
  };
  EXPECT_DEATH(kick(), "netpoll: write to the pipe");
}

}  // namespace
}  // namespace netpoll::conformance
