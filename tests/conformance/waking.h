// SPDX-License-Identifier: Apache-2.0
//
// Conformance: what ends a poll. Breaks, time, signals; several threads.

#ifndef NETPOLL_TESTS_CONFORMANCE_WAKING_H_
#define NETPOLL_TESTS_CONFORMANCE_WAKING_H_

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/conformance/fixture.h"

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

  // Calls `act` until the poll with `delta` in another thread has returned.
  // Leaves the processor to that thread in between.
  template <class Act>
  void UntilPollEnds(Delta delta, Act act) {
    std::mutex mutex;
    std::condition_variable change;
    bool ended = false;
    std::thread poller([&] {
      Block(delta);
      const std::lock_guard<std::mutex> hold(mutex);
      ended = true;
      change.notify_one();
    });
    for (std::unique_lock<std::mutex> hold(mutex); !ended;) {
      hold.unlock();
      act(poller);
      hold.lock();
      change.wait_for(hold, std::chrono::milliseconds(1),
                      [&] { return ended; });
    }
    poller.join();
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
    this->UntilPollEnds(Delta::Forever(), [this](std::thread&) {
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
  Ends ends = Ends::Sockets();
  ends.FillOwn();
  ASSERT_EQ(this->Open(ends.own(), this->Key(1)), 0);
  std::thread sender([&] { ends.Send(); });
  Recorder recorder;
  this->backend_.Poll(Delta::Forever(), recorder);
  sender.join();
  ASSERT_EQ(recorder.reports.size(), 1u);
  EXPECT_EQ(recorder.reports[0].key, this->Key(1));
}

TYPED_TEST_P(Waking, ABreakSwallowsNoEvent) {
  Ends ends = Ends::Sockets();
  ends.Send();
  ASSERT_EQ(this->Open(ends.own(), this->Key(1)), 0);
  this->backend_.Break();
  Recorder recorder;
  this->backend_.Poll(Delta::Forever(), recorder);
  const bool seen = !recorder.reports.empty();
  EXPECT_TRUE(this->Take(this->Key(1)).read || seen);
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

// Signals, whose handler does not ask for calls to be restarted.
class SignalHandler {
 public:
  SignalHandler() {
    struct sigaction action {};
    action.sa_handler = [](int) { count().fetch_add(1); };
    ::sigaction(SIGUSR1, &action, &before_);
  }
  ~SignalHandler() { ::sigaction(SIGUSR1, &before_, nullptr); }

  static std::atomic<int>& count() {
    static std::atomic<int> value;
    return value;
  }

 private:
  struct sigaction before_ {};
};

TYPED_TEST_P(Waking, ASignalEndsAPollWithALimit) {
  SignalHandler handler;
  for (int i = 0; i < 20; ++i) {
    this->UntilPollEnds(Delta::AtMost(std::chrono::hours(24)),
                        [](std::thread& poller) {
                          ::pthread_kill(poller.native_handle(), SIGUSR1);
                        });
  }
}

TYPED_TEST_P(Waking, ASignalDoesNotEndAPollWithoutALimit) {
  constexpr int kSignals = 50;
  SignalHandler handler;
  Ends ends = Ends::Sockets();
  ends.FillOwn();
  ASSERT_EQ(this->Open(ends.own(), this->Key(1)), 0);
  Recorder recorder;
  std::thread poller([&] { this->backend_.Poll(Delta::Forever(), recorder); });
  for (int i = 0; i < kSignals; ++i) {
    // Again and again, for tsan: it keeps a signal that comes just before a
    // system call of the ring, which it does not know, until the next one.
    const int before = SignalHandler::count();
    while (SignalHandler::count() == before) {
      ::pthread_kill(poller.native_handle(), SIGUSR1);
      std::this_thread::yield();
    }
  }
  ends.Send();
  poller.join();
  // Had a signal ended it, there would be no report.
  EXPECT_EQ(recorder.reports.size(), 1u);
}

TYPED_TEST_P(Waking, OpenAndCloseGoOnWhileAnotherThreadPolls) {
  std::atomic<bool> stop = false;
  std::thread poller([&] {
    Recorder recorder;
    while (!stop) this->backend_.Poll(Delta::Forever(), recorder);
  });
  for (int i = 0; i < 500; ++i) {
    Ends ends = Ends::Sockets();
    EXPECT_EQ(this->Open(ends.own(), this->Key(1)), 0);
    ends.Send();
    EXPECT_EQ(this->backend_.Close(ends.own(), this->Key(1)), 0);
  }
  stop = true;
  this->backend_.Break();
  poller.join();
}

REGISTER_TYPED_TEST_SUITE_P(
    Waking, ABreakEndsABlockingPoll, ABreakBeforeThePollIsRemembered,
    ABreakEndsAPollWithALimitToo, ANonBlockingPollLeavesTheBreakToABlockingOne,
    ABreakAfterABreakThatWasTakenCounts,
    DoubleBreaksEndAPollThatOthersPollBeside, BreaksOfManyThreadsAreNotLost,
    AnEventEndsABlockingPoll, ABreakSwallowsNoEvent, ALimitedPollIsNeverEarly,
    ANonBlockingPollReturns, TheLongestLimitIsAccepted,
    ASignalEndsAPollWithALimit, ASignalDoesNotEndAPollWithoutALimit,
    OpenAndCloseGoOnWhileAnotherThreadPolls);

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_WAKING_H_
