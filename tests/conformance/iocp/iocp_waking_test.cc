// SPDX-License-Identifier: Apache-2.0
//
// What ends a poll of the IOCP backend: the clauses of the suite that every
// backend passes, by the same names, where they are not about signals.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/conformance/iocp/fixture.h"

namespace netpoll::conformance {
namespace {

class IocpWaking : public IocpFixture {
 protected:
  void Block(Delta delta = Delta::Forever()) {
    EXPECT_TRUE(Poll(delta).empty());
  }

  // Calls `act` until the poll with `delta` in another thread has returned.
  template <class Act>
  void UntilPollEnds(Delta delta, Act act) {
    std::atomic<bool> ended = false;
    std::thread poller([&] {
      Block(delta);
      ended = true;
    });
    while (!ended) {
      act();
      std::this_thread::yield();
    }
    poller.join();
  }
};

TEST_F(IocpWaking, ABreakEndsABlockingPoll) {
  for (int i = 0; i < 100; ++i) {
    std::thread poller([this] { Block(); });
    backend_.Break();
    poller.join();
  }
}

TEST_F(IocpWaking, ABreakBeforeThePollIsRemembered) {
  backend_.Break();
  Block();
}

TEST_F(IocpWaking, ABreakEndsAPollWithALimitToo) {
  backend_.Break();
  Block(Delta::AtMost(std::chrono::hours(24 * 365)));
}

// Row K6: the packet is out of the port, so it has to be put back.
TEST_F(IocpWaking, ANonBlockingPollLeavesTheBreakToABlockingOne) {
  backend_.Break();
  for (int i = 0; i < 3; ++i) Block(Delta::NonBlocking());
  Block();
}

TEST_F(IocpWaking, ABreakAfterABreakThatWasTakenCounts) {
  for (int i = 0; i < 100; ++i) {
    backend_.Break();
    backend_.Break();
    Block();
  }
}

TEST_F(IocpWaking, DoubleBreaksEndAPollThatOthersPollBeside) {
  std::atomic<bool> stop = false;
  std::thread beside([&] {
    while (!stop) Block(Delta::NonBlocking());
  });
  for (int i = 0; i < 100; ++i) {
    UntilPollEnds(Delta::Forever(), [this] {
      backend_.Break();
      backend_.Break();
    });
  }
  stop = true;
  beside.join();
}

// The flag first, then a break. However many others break at the same time,
// the flag is seen.
TEST_F(IocpWaking, BreaksOfManyThreadsAreNotLost) {
  constexpr int kThreads = 4;
  constexpr int kBreaks = 1000;
  std::atomic<int> said = 0;
  std::vector<std::thread> breakers;
  for (int i = 0; i < kThreads; ++i) {
    breakers.emplace_back([&] {
      for (int j = 0; j < kBreaks; ++j) {
        ++said;
        backend_.Break();
      }
    });
  }
  while (said < kThreads * kBreaks) Block();
  for (std::thread& breaker : breakers) breaker.join();
}

// One packet, however many breaks.
TEST_F(IocpWaking, ManyBreaksPostOnePacket) {
  for (int i = 0; i < 1000; ++i) backend_.Break();
  Block();
  OVERLAPPED_ENTRY entry;
  EXPECT_EQ(SpySys::Dequeue(SpySys::port(), &entry, 1, 0), -WAIT_TIMEOUT);
}

TEST_F(IocpWaking, AnEventEndsABlockingPoll) {
  Ends ends;
  ASSERT_EQ(backend_.Open(ends.own(), Key(1)), 0);
  Call call(backend_, ends.own(), Key(1), Mode::kRead);
  ASSERT_TRUE(call.Receive().pending);
  std::thread sender([&] { ends.Send(); });
  EXPECT_EQ(Poll(Delta::Forever()),
            (std::vector<Report>{{Key(1), Mode::kRead}}));
  sender.join();
  EXPECT_EQ(call.Finish().bytes, 1u);
}

TEST_F(IocpWaking, ABreakSwallowsNoEvent) {
  Ends ends;
  ASSERT_EQ(backend_.Open(ends.own(), Key(1)), 0);
  Call call(backend_, ends.own(), Key(1), Mode::kRead);
  ASSERT_TRUE(call.Receive().pending);
  backend_.Break();
  ends.Send();
  std::vector<Report> seen = Poll(Delta::Forever());
  while (seen.empty()) seen = Poll(Delta::Forever());
  EXPECT_EQ(seen, (std::vector<Report>{{Key(1), Mode::kRead}}));
  EXPECT_EQ(call.Finish().bytes, 1u);
}

// Row K16.
TEST_F(IocpWaking, ALimitedPollIsNeverEarly) {
  using std::chrono::nanoseconds;
  using Clock = std::chrono::steady_clock;
  for (const int limit : {1, 999, 50'000, 999'999, 1'000'000, 1'000'001,
                          1'500'000, 2'999'999, 20'000'000}) {
    for (int i = 0; i < 5; ++i) {
      const auto start = Clock::now();
      Block(Delta::AtMost(nanoseconds(limit)));
      EXPECT_GE((Clock::now() - start) / nanoseconds(1), limit);
    }
  }
}

TEST_F(IocpWaking, ANonBlockingPollReturns) {
  Block(Delta::NonBlocking());
  Block(Delta::AtMost(std::chrono::nanoseconds(-1)));
}

TEST_F(IocpWaking, TheLongestLimitIsAccepted) {
  backend_.Break();
  Block(Delta::AtMost(std::chrono::nanoseconds::max() -
                      std::chrono::nanoseconds(1)));
}

TEST_F(IocpWaking, OpenAndCloseGoOnWhileAnotherThreadPolls) {
  std::atomic<int> reported = 0;
  std::atomic<bool> stop = false;
  std::thread poller([&] {
    while (!stop) reported += static_cast<int>(Poll(Delta::Forever()).size());
  });
  constexpr int kRounds = 100;
  for (int i = 0; i < kRounds; ++i) {
    Ends ends;
    ASSERT_EQ(backend_.Open(ends.own(), Key(1)), 0);
    {
      Call call(backend_, ends.own(), Key(1), Mode::kRead);
      ASSERT_TRUE(call.Receive().pending);
      ends.Send();
      while (!call.done()) std::this_thread::yield();
      EXPECT_EQ(call.Finish().bytes, 1u);
    }
    EXPECT_EQ(backend_.Close(ends.own(), Key(1)), 0);
  }
  stop = true;
  backend_.Break();
  poller.join();
  EXPECT_EQ(reported, kRounds);
}

}  // namespace
}  // namespace netpoll::conformance
