// SPDX-License-Identifier: Apache-2.0
//
// Event ports: what is asked of the port, and when. Which directions stay
// armed, what a break costs and hides, what a stale report changes.
#include <poll.h>
#include <port.h>

#include <cerrno>
#include <chrono>
#include <vector>

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

class EventPortsReport : public ScriptedFixture {};

TEST_F(EventPortsReport, ArmAsksThePortOnlyForWhatIsNew) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::Sockets();
  ends.FillOwn();
  ASSERT_EQ(backend.Open(ends.own(), Key(1)), 0);
  for (int i = 0; i < 3; ++i) {
    backend.Arm(ends.own(), Key(1), Mode::kRead);
    backend.Arm(ends.own(), Key(1), Mode::kWrite);
    backend.Arm(ends.own(), Key(2), Mode::kRead);
  }
  EXPECT_EQ(script().associated,
            (std::vector<int>{0, POLLIN, POLLIN | POLLOUT}));
}

TEST_F(EventPortsReport, ArmUnderAKeyThatIsNotOpenChangesNothing) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::Sockets();
  backend.Arm(ends.own(), Key(1), Mode::kRead);
  ASSERT_EQ(backend.Open(ends.own(), Key(2)), 0);
  script().associated.clear();
  backend.Arm(ends.own(), Key(1), Mode::kRead);
  ASSERT_EQ(backend.Close(ends.own(), Key(2)), 0);
  backend.Arm(ends.own(), Key(2), Mode::kRead);
  EXPECT_TRUE(script().associated.empty());
}

TEST_F(EventPortsReport, WhoeverAReportWakesMayArmAtOnce) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::Sockets();
  OpenReadable(backend, ends);
  struct ArmsAgain {
    Backend& backend;
    const int fd;
    int reports = 0;
    void Ready(EventKey key, Mode, EventFlags) {
      ++reports;
      backend.Arm(fd, key, Mode::kRead);
    }
  } sink{backend, ends.own()};
  for (int i = 1; i <= 3; ++i) {
    backend.Poll(kNow, sink);
    EXPECT_EQ(sink.reports, i);
  }
}

// Row E8, invariant I24.
TEST_F(EventPortsReport, AReportKeepsTheRestArmedAndNothingElse) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::Sockets();
  ends.FillOwn();
  OpenReadable(backend, ends);
  backend.Arm(ends.own(), Key(1), Mode::kWrite);
  script().associated.clear();
  EXPECT_EQ(Poll(backend, kNow).size(), 1u);
  EXPECT_EQ(script().associated, std::vector<int>{POLLOUT});
  ends.DrainPeer();
  EXPECT_EQ(Poll(backend, kNow).size(), 1u);
  EXPECT_EQ(script().associated, std::vector<int>{POLLOUT});
  EXPECT_TRUE(Poll(backend, kNow).empty());
}

TEST_F(EventPortsReport, AnAlertThatIsOnAlreadyIsABreakThatIsPending) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  script().returns[Call::kAlert] = {-EBUSY};
  backend.Break();
  backend.Break();
  EXPECT_EQ(Count(Call::kAlert), 1);
}

TEST_F(EventPortsReport, ManyBreaksCostOneSystemCall) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  for (int round = 0; round < 3; ++round) {
    script().count.clear();
    for (int i = 0; i < 1000; ++i) backend.Break();
    EXPECT_EQ(Count(Call::kAlert), 1);
    Poll(backend, Delta::Forever());
    EXPECT_EQ(Count(Call::kAlert), 2);
    // It was taken: the next poll runs to its limit.
    Poll(backend, Delta::AtMost(nanoseconds(1000)));
    EXPECT_EQ(Count(Call::kAlert), 2);
  }
}

// Otherwise polls beside a break that nobody takes would see nothing, though
// all workers are busy for long.
TEST_F(EventPortsReport, ABreakHidesNoEventFromANonBlockingPoll) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::Sockets();
  backend.Break();
  OpenReadable(backend, ends);
  EXPECT_EQ(Poll(backend, kNow).size(), 1u);
  EXPECT_TRUE(Poll(backend, kNow).empty());
  // The break is there still: each has ended the alert and set it again.
  ASSERT_EQ(Count(Call::kAlert), 5);
  EXPECT_TRUE(Poll(backend, Delta::Forever()).empty());
}

TEST_F(EventPortsReport, ABlockingPollReportsWhatIsReadyBehindABreak) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::Sockets();
  OpenReadable(backend, ends);
  backend.Break();
  EXPECT_EQ(Poll(backend, Delta::Forever()).size(), 1u);
}

// Between the alert's end and the second look of a poll.
TEST_F(EventPortsReport, ABreakDuringTheSecondLookIsKept) {
  for (const Delta delta : {kNow, Delta::Forever()}) {
    Backend backend;
    ASSERT_EQ(backend.Init(), 0);
    backend.Break();
    script().before_getn = [&] {
      script().before_getn = [&] { backend.Break(); };
    };
    Poll(backend, delta);
    EXPECT_TRUE(Poll(backend, Delta::Forever()).empty());
  }
}

// A blocking poll takes the break after a non-blocking one has met its alert,
// which is not set again: the next poll runs to its limit.
TEST_F(EventPortsReport, ABreakThatWasTakenMeanwhileIsNotSetAgain) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  backend.Break();
  script().before_alert = [&] { Poll(backend, Delta::Forever()); };
  Poll(backend, kNow);
  // Set once, and ended by both.
  EXPECT_EQ(Count(Call::kAlert), 3);
  Poll(backend, Delta::AtMost(nanoseconds(1000)));
  EXPECT_EQ(Count(Call::kAlert), 3);
}

// Between the token and the alert of the poll that takes a break.
TEST_F(EventPortsReport, ABreakWhileTheAlertIsEndedIsCovered) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  backend.Break();
  script().before_alert = [&] { backend.Break(); };
  Poll(backend, Delta::Forever());
  // It was taken with the first: the next one is set anew.
  const int before = Count(Call::kAlert);
  backend.Break();
  EXPECT_EQ(Count(Call::kAlert), before + 1)
      << "all breaks from now on are lost";
}

// Row S3 and its like: what was fetched before the descriptor was closed and
// opened again.
TEST_F(EventPortsReport, AStaleReportDoesNotDisturbTheNextIncarnation) {
  Backend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::Sockets();
  Ends other = Ends::Sockets();
  OpenReadable(backend, ends);
  other.Send();
  ASSERT_EQ(backend.Open(other.own(), Key(2)), 0);
  backend.Arm(other.own(), Key(2), Mode::kRead);
  struct Reopener {
    Backend& backend;
    const int first, second;
    std::vector<Report> reports;
    void Ready(EventKey key, Mode mode, EventFlags flags) {
      reports.push_back({key, mode, flags});
      if (reports.size() > 1) return;
      // Of the two the one whose report comes next.
      const bool is_first = key == Key(2);
      const int fd = is_first ? first : second;
      EXPECT_EQ(backend.Close(fd, Key(is_first ? 1 : 2)), 0);
      EXPECT_EQ(backend.Open(fd, Key(3)), 0);
      backend.Arm(fd, Key(3), Mode::kRead);
      backend.Arm(fd, Key(3), Mode::kWrite);
      script().associated.clear();
    }
  } sink{backend, ends.own(), other.own(), {}};
  backend.Poll(kNow, sink);
  EXPECT_EQ(sink.reports.size(), 2u);
  EXPECT_TRUE(script().associated.empty());
  const auto reports = Poll(backend, kNow);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].key, Key(3));
  EXPECT_EQ(reports[0].mode, Mode::kReadWrite);
}

}  // namespace
}  // namespace netpoll::conformance
