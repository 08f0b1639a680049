// SPDX-License-Identifier: Apache-2.0
//
// Conformance: what ends a poll. Breaks, time; several threads.

#ifndef NETPOLL_TESTS_CONFORMANCE_WAKING_H_
#define NETPOLL_TESTS_CONFORMANCE_WAKING_H_

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/conformance/clause.h"

namespace netpoll::conformance {

template <class Backend>
class Waking : public Fixture<Backend> {
 protected:
  // A blocking poll whose reports nobody looks at.
  void Block(Delta delta = Delta::Forever()) {
    Recorder recorder;
    this->backend_.Poll(delta, recorder);
    EXPECT_TRUE(recorder.reports.empty());
  }
};
TYPED_TEST_SUITE_P(Waking);

TYPED_TEST_P(Waking, ABreakEndsABlockingPoll) {
  for (int i = 0; i < 100; ++i) {
    std::thread poller([this] { this->Block(); });
    this->backend_.Break();
    poller.join();
  }
}

TYPED_TEST_P(Waking, ABreakBeforeThePollIsRemembered) {
  this->backend_.Break();
  this->Block();
}

TYPED_TEST_P(Waking, ABreakEndsAPollWithALimitToo) {
  this->backend_.Break();
  this->Block(Delta::AtMost(std::chrono::hours(24 * 365)));
}

TYPED_TEST_P(Waking, ANonBlockingPollLeavesTheBreakToABlockingOne) {
  this->backend_.Break();
  for (int i = 0; i < 3; ++i) this->Block(Delta::NonBlocking());
  this->Block();
}

TYPED_TEST_P(Waking, APollAfterAWaitElsewhereDoesNotWait) {
  this->Block(Delta::Waited());
  this->backend_.Break();
  this->Block(Delta::Waited());
  this->Block(Delta::Waited());
}

TYPED_TEST_P(Waking, ABreakAfterABreakThatWasTakenCounts) {
  for (int i = 0; i < 100; ++i) {
    this->backend_.Break();
    this->backend_.Break();
    this->Block();
  }
}

// What Go's TestNetpollBreak does, without its clock.
TYPED_TEST_P(Waking, DoubleBreaksEndAPollThatOthersPollBeside) {
  std::atomic<bool> stop = false;
  std::thread beside([&] {
    while (!stop) this->Block(Delta::NonBlocking());
  });
  for (int i = 0; i < 100; ++i) {
    UntilPollEnds(this->backend_, Delta::Forever(), [this](std::thread&) {
      this->backend_.Break();
      this->backend_.Break();
    });
  }
  stop = true;
  beside.join();
}

// Shutting down: the flag first, then a break. However many others break at
// the same time, the flag is seen.
TYPED_TEST_P(Waking, BreaksOfManyThreadsAreNotLost) {
  constexpr int kThreads = 4;
  constexpr int kBreaks = 2000;
  std::atomic<int> said = 0;
  std::vector<std::thread> breakers;
  for (int i = 0; i < kThreads; ++i) {
    breakers.emplace_back([&] {
      for (int j = 0; j < kBreaks; ++j) {
        ++said;
        this->backend_.Break();
      }
    });
  }
  while (said < kThreads * kBreaks) this->Block();
  for (std::thread& breaker : breakers) breaker.join();
}

TYPED_TEST_P(Waking, AnEventEndsABlockingPoll) {
  auto ends = this->Pair();
  ASSERT_EQ(this->Open(ends, this->Key(1)), 0);
  this->TakeAll();
  std::thread sender([&] { ends.Send(); });
  Recorder recorder;
  this->backend_.Poll(Delta::Forever(), recorder);
  sender.join();
  ASSERT_EQ(recorder.reports.size(), 1u);
  EXPECT_EQ(recorder.reports[0].key, this->Key(1));
}

TYPED_TEST_P(Waking, ABreakSwallowsNoEvent) {
  auto ends = this->Pair();
  ASSERT_EQ(this->Open(ends, this->Key(1)), 0);
  this->TakeAll();
  this->backend_.Break();
  ends.Send();
  Recorder recorder;
  this->backend_.Poll(Delta::Forever(), recorder);
  // The break may have ended a poll of its own.
  if (recorder.reports.empty()) {
    this->backend_.Poll(Delta::Forever(), recorder);
  }
  ASSERT_EQ(recorder.reports.size(), 1u);
  EXPECT_EQ(recorder.reports[0].key, this->Key(1));
}

TYPED_TEST_P(Waking, ALimitedPollIsNeverEarly) {
  using std::chrono::nanoseconds;
  using Clock = std::chrono::steady_clock;
  for (const int limit : {1, 999, 50'000, 999'999, 1'000'000, 1'000'001,
                          1'500'000, 2'999'999, 20'000'000}) {
    for (int i = 0; i < 5; ++i) {
      const auto start = Clock::now();
      this->Block(Delta::AtMost(nanoseconds(limit)));
      EXPECT_GE((Clock::now() - start) / nanoseconds(1), limit);
    }
  }
}

TYPED_TEST_P(Waking, ANonBlockingPollReturns) {
  this->Block(Delta::NonBlocking());
  this->Block(Delta::AtMost(std::chrono::nanoseconds(-1)));
}

TYPED_TEST_P(Waking, TheLongestLimitIsAccepted) {
  this->backend_.Break();
  this->Block(Delta::AtMost(std::chrono::nanoseconds::max() -
                            std::chrono::nanoseconds(1)));
}

TYPED_TEST_P(Waking, OpenAndCloseGoOnWhileAnotherThreadPolls) {
  std::atomic<bool> stop = false;
  std::thread poller([&] {
    Recorder recorder;
    while (!stop) this->backend_.Poll(Delta::Forever(), recorder);
  });
  for (int i = 0; i < 500; ++i) {
    auto ends = this->Pair();
    EXPECT_EQ(this->Open(ends, this->Key(1)), 0);
    ends.Send();
    EXPECT_EQ(this->Close(ends, this->Key(1)), 0);
  }
  stop = true;
  this->backend_.Break();
  poller.join();
}

REGISTER_TYPED_TEST_SUITE_P(
    Waking, ABreakEndsABlockingPoll, ABreakBeforeThePollIsRemembered,
    ABreakEndsAPollWithALimitToo, ANonBlockingPollLeavesTheBreakToABlockingOne,
    APollAfterAWaitElsewhereDoesNotWait, ABreakAfterABreakThatWasTakenCounts,
    DoubleBreaksEndAPollThatOthersPollBeside, BreaksOfManyThreadsAreNotLost,
    AnEventEndsABlockingPoll, ABreakSwallowsNoEvent, ALimitedPollIsNeverEarly,
    ANonBlockingPollReturns, TheLongestLimitIsAccepted,
    OpenAndCloseGoOnWhileAnotherThreadPolls);

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_WAKING_H_
