// SPDX-License-Identifier: Apache-2.0
//
// Every system call of the event ports backend fails in every way that the
// manual says: the failure is returned, absorbed, or stops the process with
// one sentence. And what port_getn fetched in spite of an error is reported.
#include <poll.h>
#include <port.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <limits>

#include "gtest/gtest.h"
#include "netpoll/backends/event_ports/event_ports_backend.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/conformance/event_ports/scripted_fixture.h"
#include "netpoll/tests/conformance/event_ports/scripted_port_sys.h"
#include "netpoll/tests/conformance/fixture.h"

namespace netpoll::conformance {
namespace {

using std::chrono::nanoseconds;

constexpr Delta kNow = Delta::NonBlocking();
const Delta kLong = Delta::AtMost(std::chrono::hours(1));

class EventPortsFailure : public ScriptedFixture {};
using EventPortsFailureDeathTest = EventPortsFailure;

TEST_F(EventPortsFailure, InitReturnsTheErrorOfEachStepAndLeavesNothing) {
  const auto before = OpenDescriptors();
  for (const Call call : {Call::kCreate, Call::kCloseOnExec}) {
    for (const int error : {EAGAIN, EMFILE, EINVAL}) {
      script().returns[call] = {-error};
      {
        Backend backend;
        EXPECT_EQ(backend.Init(), error);
        EXPECT_FALSE(backend.IsPollDescriptor(-1));
      }
      EXPECT_EQ(OpenDescriptors(), before);
    }
  }
}

// Row E15: positive, whatever the system's convention.
TEST_F(EventPortsFailure, OpenReturnsTheErrorAndLeavesNothing) {
  OpenFails<Backend>({EAGAIN, ENOMEM, EBADFD}, [](int error) {
    script().returns[Call::kAssociate] = {-error};
  });
}

TEST_F(EventPortsFailure, OpenOfWhatIsNoDescriptorIsAnError) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  EXPECT_EQ(backend.Open(-1, Key(1)), EBADF);
  EXPECT_EQ(backend.Close(-1, Key(1)), ENOENT);
  backend.Arm(-1, Key(1), Mode::kRead);
  EXPECT_EQ(Count(Call::kAssociate), 0);
}

// The port has forgotten it by itself when its report was fetched.
TEST_F(EventPortsFailure, CloseToleratesThatNothingIsAssociated) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::Sockets();
  OpenReadable(backend, ends);
  EXPECT_EQ(Poll(backend, kNow).size(), 1u);
  EXPECT_EQ(backend.Close(ends.own(), Key(1)), 0);
  EXPECT_EQ(Count(Call::kDissociate), 1);
}

TEST_F(EventPortsFailure, CloseReturnsAnotherErrorAndForgetsAnyway) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::Sockets();
  for (const int error : {EACCES, EBADFD}) {
    ASSERT_EQ(backend.Open(ends.own(), Key(1)), 0);
    script().returns[Call::kDissociate] = {-error};
    EXPECT_EQ(backend.Close(ends.own(), Key(1)), error);
    EXPECT_EQ(backend.Close(ends.own(), Key(1)), ENOENT);
  }
}

TEST_F(EventPortsFailure, CloseUnderAnotherKeyChangesNothing) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::Sockets();
  OpenReadable(backend, ends);
  EXPECT_EQ(backend.Close(ends.own(), Key(2)), ENOENT);
  EXPECT_EQ(Poll(backend, kNow).size(), 1u);
}

// Row E7.
TEST_F(EventPortsFailure, EventsThatComeWithAnErrorAreReported) {
  for (const int error : {ETIME, EINTR}) {
    for (const Delta delta : {kNow, kLong, Delta::Forever()}) {
      Backend backend;
      ASSERT_EQ(backend.Init(), 0);
      Ends ends = Ends::Sockets();
      OpenReadable(backend, ends);
      script().returns[Call::kGetNThenFail] = {-error};
      const auto reports = Poll(backend, delta);
      ASSERT_EQ(reports.size(), 1u);
      EXPECT_EQ(reports[0].key, Key(1));
    }
  }
}

TEST_F(EventPortsFailure, AnAlertThatComesWithAnErrorIsABreak) {
  for (const int error : {ETIME, EINTR}) {
    Backend backend;
    ASSERT_EQ(backend.Init(), 0);
    backend.Break();
    script().returns[Call::kGetNThenFail] = {-error};
    EXPECT_TRUE(Poll(backend, Delta::Forever()).empty());
  }
}

// The count stays what was asked for, and nothing was written.
TEST_F(EventPortsFailure, AnErrorWithoutEventsEndsAPollWithALimit) {
  for (const int error : {ETIME, EINTR}) {
    for (const Delta delta : {kNow, kLong}) {
      script() = PortScript{};
      Backend backend;
      ASSERT_EQ(backend.Init(), 0);
      script().returns[Call::kGetN] = {-error};
      EXPECT_TRUE(Poll(backend, delta).empty());
      EXPECT_EQ(Count(Call::kGetN), 1);
    }
  }
}

TEST_F(EventPortsFailure, AnErrorWithoutEventsDoesNotEndAPollWithoutALimit) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::Sockets();
  OpenReadable(backend, ends);
  script().returns[Call::kGetN] = {-EINTR, -ETIME, -EINTR};
  EXPECT_EQ(Poll(backend, Delta::Forever()).size(), 1u);
  EXPECT_EQ(Count(Call::kGetN), 4);
}

TEST_F(EventPortsFailure, TheLimitReachesTheSystemWholeUpToItsCap) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max() - 1;
  const struct {
    std::int64_t limit;
    time_t seconds;
    long nanos;
  } kCases[] = {{1, 0, 1},
                {999'999'999, 0, 999'999'999},
                {1'500'000'007, 1, 500'000'007},
                {1'000'000'000'000'000, 1'000'000, 0},
                {kMax, 1'000'000, 0}};
  for (const auto& c : kCases) {
    script().returns[Call::kGetN] = {-EINTR};
    Poll(backend, Delta::AtMost(nanoseconds(c.limit)));
    ASSERT_TRUE(script().limits.back().has_value());
    EXPECT_EQ(script().limits.back()->tv_sec, c.seconds);
    EXPECT_EQ(script().limits.back()->tv_nsec, c.nanos);
  }
  Poll(backend, kNow);
  EXPECT_EQ(script().limits.back()->tv_sec, 0);
  EXPECT_EQ(script().limits.back()->tv_nsec, 0);
  backend.Break();
  script().limits.clear();
  Poll(backend, Delta::Forever());
  EXPECT_FALSE(script().limits.front().has_value());
}

// Row E6: "failed, but no error".
TEST_F(EventPortsFailure, AFailureWithoutAnErrorIsAnEarlyReturn) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  for (const Delta delta : {kNow, kLong, Delta::Forever()}) {
    script().returns[Call::kGetN] = {PortScript::kNothing};
    EXPECT_TRUE(Poll(backend, delta).empty());
  }
}

// A death test runs its statement in a child of fork, so the backend is made
// there.

TEST_F(EventPortsFailureDeathTest, APortThatStopsWorkingStopsTheProcess) {
  const auto poll = [](int error) {
    Backend backend;
    if (backend.Init() != 0) return;
    script().returns[Call::kGetN] = {-error};
    Poll(backend, kNow);
  };
  for (const int error : {EBADF, EBADFD, EINVAL, EFAULT}) {
    EXPECT_DEATH(poll(error), "netpoll: port_getn on the poller's own");
  }
}

TEST_F(EventPortsFailureDeathTest, AnAlertThatFailsStopsTheProcess) {
  const auto set = [](int error) {
    Backend backend;
    if (backend.Init() != 0) return;
    script().returns[Call::kAlert] = {-error};
    backend.Break();
  };
  const auto clear = [](int error) {
    Backend backend;
    if (backend.Init() != 0) return;
    backend.Break();
    script().returns[Call::kAlert] = {-error};
    Poll(backend, Delta::Forever());
  };
  for (const int error : {EBADF, EBADFD}) {
    EXPECT_DEATH(set(error), "netpoll: port_alert on the poller's own");
    EXPECT_DEATH(clear(error), "netpoll: port_alert on the poller's own");
  }
}

TEST_F(EventPortsFailureDeathTest, AnAlertOfSomebodyElseStopsTheProcess) {
  const auto poll = [](int events, std::uintptr_t user) {
    const auto before = OpenDescriptors();
    Backend backend;
    if (backend.Init() != 0) return;
    for (const int fd : OpenDescriptors()) {
      if (before.count(fd) == 0) {
        ::port_alert(fd, PORT_ALERT_SET, events, reinterpret_cast<void*>(user));
      }
    }
    Poll(backend, kNow);
  };
  const auto cookie = static_cast<std::uintptr_t>(EventKey::Internal(0).bits());
  EXPECT_DEATH(poll(POLLHUP, cookie + 1), "alert that is not the poller's");
  EXPECT_DEATH(poll(POLLIN, cookie), "alert that is not the poller's");
  poll(POLLHUP, cookie);
}

TEST_F(EventPortsFailureDeathTest, AnAssociationThatFailsLaterStopsTheProcess) {
  const auto arm = [](int error) {
    Backend backend;
    Ends ends = Ends::Sockets();
    if (backend.Init() != 0 || backend.Open(ends.own(), Key(1)) != 0) return;
    script().returns[Call::kAssociate] = {-error};
    backend.Arm(ends.own(), Key(1), Mode::kRead);
  };
  EXPECT_DEATH(arm(EBADFD), "closed while it was open in a Poller");
  EXPECT_DEATH(arm(ENOMEM), "netpoll: port_associate on the poller's own");
}

TEST_F(EventPortsFailureDeathTest, ArmInAChildOfForkIsRefused) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  EXPECT_DEATH(backend.Arm(0, Key(1), Mode::kRead),
               "netpoll: a child of fork used");
}

}  // namespace
}  // namespace netpoll::conformance
