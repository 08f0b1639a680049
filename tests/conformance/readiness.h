// SPDX-License-Identifier: Apache-2.0
//
// Conformance: which events are reported, and as what.

#ifndef NETPOLL_TESTS_CONFORMANCE_READINESS_H_
#define NETPOLL_TESTS_CONFORMANCE_READINESS_H_

#include <sys/poll.h>

#include <cstdint>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/conformance/fixture.h"
#include "netpoll/tests/conformance/traits.h"

namespace netpoll::conformance {

template <class Backend>
class Readiness : public Fixture<Backend> {};
TYPED_TEST_SUITE_P(Readiness);

TYPED_TEST_P(Readiness, OpenReportsWhatIsReadyAlready) {
  Ends ends = Ends::Sockets();
  ends.Send();
  ASSERT_EQ(this->Open(ends.own(), this->Key(1)), 0);
  EXPECT_EQ(this->Take(this->Key(1)), (Seen{.read = true, .write = true}));
}

TYPED_TEST_P(Readiness, OpenReportsNothingThatIsNotReady) {
  Ends ends = Ends::Sockets();
  ends.FillOwn();
  ASSERT_EQ(this->Open(ends.own(), this->Key(1)), 0);
  EXPECT_TRUE(this->TakeAll().empty());
}

TYPED_TEST_P(Readiness, SpaceIsReportedToAWriter) {
  Ends ends = Ends::Sockets();
  ends.FillOwn();
  ASSERT_EQ(this->Open(ends.own(), this->Key(1)), 0);
  EXPECT_TRUE(this->TakeAll().empty());
  ends.DrainPeer();
  EXPECT_EQ(this->Take(this->Key(1)), (Seen{.write = true}));
}

TYPED_TEST_P(Readiness, ReportingOneDirectionKeepsTheOther) {
  Ends ends = Ends::Sockets();
  ends.FillOwn();
  ASSERT_EQ(this->Open(ends.own(), this->Key(1)), 0);
  this->TakeAll();
  ends.Send();
  EXPECT_EQ(this->Take(this->Key(1)), (Seen{.read = true}));
  ends.DrainPeer();
  EXPECT_TRUE(this->Take(this->Key(1)).write);
}

// Row E2: the peer still reads, so nobody who writes is to be woken.
TYPED_TEST_P(Readiness, AHalfCloseWakesTheReaderOnly) {
  Ends ends = Ends::Sockets();
  ends.FillOwn();
  ASSERT_EQ(this->Open(ends.own(), this->Key(1)), 0);
  this->TakeAll();
  ends.ShutDownPeer();
  EXPECT_EQ(this->Take(this->Key(1)),
            (Seen{.read = true,
                  .write = Traits<TypeParam>::kHalfCloseWakesWriter,
                  .no_more_edges = Traits<TypeParam>::kHalfCloseIsMarked}));
}

// Row E1.
TYPED_TEST_P(Readiness, AHangUpWakesBothDirections) {
  Ends ends = Ends::Sockets();
  ends.FillOwn();
  ASSERT_EQ(this->Open(ends.own(), this->Key(1)), 0);
  this->TakeAll();
  ends.ClosePeer();
  const Seen seen = this->Take(this->Key(1));
  EXPECT_TRUE(seen.read && seen.write && seen.no_more_edges);
  EXPECT_FALSE(seen.error);
}

// Row E1: nothing but "error" or "end of file" is said of such a pipe.
TYPED_TEST_P(Readiness, TheWriterOfAPipeIsWokenWhenItsReaderCloses) {
  Ends ends = Ends::PipeToWrite();
  ends.FillOwn();
  ASSERT_EQ(this->Open(ends.own(), this->Key(1)), 0);
  EXPECT_TRUE(this->TakeAll().empty());
  ends.ClosePeer();
  const Seen seen = this->Take(this->Key(1));
  EXPECT_TRUE(seen.write && seen.no_more_edges);
}

TYPED_TEST_P(Readiness, TheReaderOfAPipeIsWokenWhenItsWriterCloses) {
  Ends ends = Ends::PipeToRead();
  ASSERT_EQ(this->Open(ends.own(), this->Key(1)), 0);
  EXPECT_FALSE(this->Take(this->Key(1)).read);
  ends.ClosePeer();
  const Seen seen = this->Take(this->Key(1));
  EXPECT_TRUE(seen.read && seen.no_more_edges);
}

TYPED_TEST_P(Readiness, DataWithTheEndBehindItIsReadable) {
  Ends ends = Ends::Sockets();
  ends.Send();
  ends.ClosePeer();
  ASSERT_EQ(this->Open(ends.own(), this->Key(1)), 0);
  const Seen seen = this->Take(this->Key(1));
  EXPECT_TRUE(seen.read && seen.no_more_edges);
}

// More than any backend fetches in one call.
TYPED_TEST_P(Readiness, AllOfManyReadyDescriptorsAreReported) {
  constexpr std::uint32_t kMany = 300;
  std::vector<Ends> all;
  for (std::uint32_t i = 0; i < kMany; ++i) {
    all.push_back(Ends::Sockets());
    all.back().Send();
    ASSERT_EQ(this->Open(all.back().own(), this->Key(i)), 0);
  }
  const auto seen = this->TakeAll();
  EXPECT_EQ(seen.size(), kMany);
  for (std::uint32_t i = 0; i < kMany; ++i) {
    const auto found = seen.find(this->Key(i).bits());
    EXPECT_TRUE(found != seen.end() && found->second.read) << i;
  }
}

TYPED_TEST_P(Readiness, TheDescriptorForForeignLoopsTellsOfEvents) {
  if constexpr (TypeParam::kTraits.has_poll_fd) {
    if (this->backend_.PollFd() < 0) GTEST_SKIP() << "the chosen one has none";
    Ends ends = Ends::Sockets();
    ASSERT_EQ(this->Open(ends.own(), this->Key(1)), 0);
    this->TakeAll();
    pollfd watched{.fd = this->backend_.PollFd(), .events = POLLIN};
    EXPECT_EQ(::poll(&watched, 1, 0), 0);
    ends.Send();
    EXPECT_EQ(::poll(&watched, 1, -1), 1);
    this->TakeAll();
    EXPECT_EQ(::poll(&watched, 1, 0), 0);
  } else {
    GTEST_SKIP() << "it has none";
  }
}

// Else a loop of somebody else's that sleeps on it would go round for ever.
TYPED_TEST_P(Readiness,
             TheDescriptorForForeignLoopsTellsOfABreakUntilItIsTaken) {
  if constexpr (TypeParam::kTraits.has_poll_fd) {
    if (this->backend_.PollFd() < 0) GTEST_SKIP() << "the chosen one has none";
    pollfd watched{.fd = this->backend_.PollFd(), .events = POLLIN};
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(::poll(&watched, 1, 0), 0);
      this->backend_.Break();
      this->backend_.Break();
      EXPECT_EQ(::poll(&watched, 1, -1), 1);
      Recorder recorder;
      this->backend_.Poll(Delta::NonBlocking(), recorder);
      EXPECT_EQ(::poll(&watched, 1, 0), 1);
      this->backend_.Poll(Delta::Waited(), recorder);
    }
    EXPECT_EQ(::poll(&watched, 1, 0), 0);
  } else {
    GTEST_SKIP() << "it has none";
  }
}

REGISTER_TYPED_TEST_SUITE_P(
    Readiness, OpenReportsWhatIsReadyAlready, OpenReportsNothingThatIsNotReady,
    SpaceIsReportedToAWriter, ReportingOneDirectionKeepsTheOther,
    AHalfCloseWakesTheReaderOnly, AHangUpWakesBothDirections,
    TheWriterOfAPipeIsWokenWhenItsReaderCloses,
    TheReaderOfAPipeIsWokenWhenItsWriterCloses,
    DataWithTheEndBehindItIsReadable, AllOfManyReadyDescriptorsAreReported,
    TheDescriptorForForeignLoopsTellsOfEvents,
    TheDescriptorForForeignLoopsTellsOfABreakUntilItIsTaken);

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_READINESS_H_
