// SPDX-License-Identifier: Apache-2.0
//
// Conformance: one report for each Arm, and changes from other threads while
// one polls. Where nothing has to be armed, an edge takes the place of Arm.

#ifndef NETPOLL_TESTS_CONFORMANCE_ARMING_H_
#define NETPOLL_TESTS_CONFORMANCE_ARMING_H_

#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <numeric>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/conformance/fixture.h"
#include "netpoll/tests/conformance/urgent.h"

namespace netpoll::conformance {

template <class Backend>
class Arming : public Fixture<Backend> {
 protected:
  static constexpr std::uint32_t kMost = 4;

  // Counts what was reported of the keys 0 to kMost - 1. Who waits for more
  // leaves the processor to whom it waits for.
  class Counter {
   public:
    void Ready(EventKey key, Mode mode, EventFlags) {
      const std::uint32_t number = EventKey::kMaxIndex - key.index();
      if (number >= kMost || !Has(mode, Mode::kRead)) return;
      const std::lock_guard<std::mutex> hold(mutex_);
      ++reads_[number];
      changed_.notify_all();
    }
    int reads(std::uint32_t number) {
      const std::lock_guard<std::mutex> hold(mutex_);
      return reads_[number];
    }
    void WaitForReads(std::uint32_t number, int count) {
      std::unique_lock<std::mutex> hold(mutex_);
      changed_.wait(hold, [&] { return reads_[number] >= count; });
    }
    // Of what is done beside.
    void Done() {
      const std::lock_guard<std::mutex> hold(mutex_);
      ++done_;
      changed_.notify_all();
    }
    // Waits until more was reported, or done, than when this was called last;
    // true when `all` are done.
    bool WaitForMore(std::uint32_t all) {
      std::unique_lock<std::mutex> hold(mutex_);
      changed_.wait(hold, [this] { return Sum() != seen_; });
      seen_ = Sum();
      return done_ == all;
    }

   private:
    int Sum() const {
      return std::accumulate(reads_.begin(), reads_.end(),
                             static_cast<int>(done_));
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::array<int, kMost> reads_ = {};
    std::uint32_t done_ = 0;
    int seen_ = 0;
  };

  // Polls for ever in a thread of its own, until it goes.
  class PollingThread {
   public:
    explicit PollingThread(Backend& backend)
        : backend_(backend), thread_([this] {
            while (!stop_) backend_.Poll(Delta::Forever(), seen);
          }) {}
    ~PollingThread() {
      stop_ = true;
      backend_.Break();
      thread_.join();
    }

    Counter seen;

   private:
    Backend& backend_;
    std::atomic<bool> stop_ = false;
    std::thread thread_;
  };
};
TYPED_TEST_SUITE_P(Arming);

// Row I24, for the direction that is ready from the start.
TYPED_TEST_P(Arming, ReportingTheWriterKeepsTheReader) {
  Ends ends = Ends::Sockets();
  ASSERT_EQ(this->Open(ends.own(), this->Key(1)), 0);
  EXPECT_EQ(this->Take(this->Key(1)), (Seen{.write = true}));
  ends.Send();
  EXPECT_TRUE(this->Take(this->Key(1)).read);
}

// Row E8: so does arming again what was reported.
TYPED_TEST_P(Arming, ArmingOneDirectionAgainKeepsTheOther) {
  Ends ends = Ends::Sockets();
  ends.FillOwn();
  ASSERT_EQ(this->Open(ends.own(), this->Key(1)), 0);
  for (int i = 0; i < 3; ++i) {
    char byte;
    ends.Send();
    EXPECT_EQ(this->Take(this->Key(1)), (Seen{.read = true}));
    EXPECT_EQ(::read(ends.own(), &byte, 1), 1);
    this->Arm(ends.own(), this->Key(1), Mode::kRead);
  }
  ends.DrainPeer();
  EXPECT_EQ(this->Take(this->Key(1)), (Seen{.write = true}));
}

TYPED_TEST_P(Arming, NothingIsReportedUnlessItIsArmed) {
  if constexpr (TypeParam::kTraits.needs_arm) {
    Ends ends = Ends::Sockets();
    ends.Send();
    ASSERT_EQ(this->backend_.Open(ends.own(), this->Key(1)), 0);
    EXPECT_TRUE(this->TakeAll().empty());
    this->Arm(ends.own(), this->Key(1), Mode::kRead);
    EXPECT_EQ(this->Take(this->Key(1)), (Seen{.read = true}));
    EXPECT_TRUE(this->TakeAll().empty());
    this->Arm(ends.own(), this->Key(1), Mode::kRead);
    EXPECT_EQ(this->Take(this->Key(1)), (Seen{.read = true}))
        << "what is still unread counts";
    this->Arm(ends.own(), this->Key(1), Mode::kWrite);
    EXPECT_EQ(this->Take(this->Key(1)), (Seen{.write = true}));
  } else {
    GTEST_SKIP() << "nothing has to be armed";
  }
}

// A hang-up is a level that never ends.
TYPED_TEST_P(Arming, AHangUpThatWasReportedKeepsNoPollAwake) {
  Ends ends = Ends::Sockets();
  ASSERT_EQ(this->Open(ends.own(), this->Key(1)), 0);
  ends.ClosePeer();
  EXPECT_TRUE(this->Take(this->Key(1)).no_more_edges);
  for (int i = 0; i < 3; ++i) {
    Recorder recorder;
    this->backend_.Poll(Delta::AtMost(std::chrono::milliseconds(1)), recorder);
    EXPECT_TRUE(recorder.reports.empty());
  }
}

// So is an urgent byte that nobody takes, and it is not what readers wait for.
TYPED_TEST_P(Arming, AnUrgentByteKeepsNoPollAwake) {
  const Ends ends = Ends::Tcp();
  ASSERT_EQ(this->Open(ends.own(), this->Key(1)), 0);
  this->TakeAll();
  SendOnlyAnUrgentByte(ends.peer(), ends.own());
  Recorder last;
  for (int i = 0; i < 5; ++i) {
    last = Recorder{};
    this->backend_.Poll(Delta::NonBlocking(), last);
    this->Arm(ends.own(), this->Key(1), Mode::kRead);
  }
  EXPECT_TRUE(last.reports.empty());
}

TYPED_TEST_P(Arming, ArmingAfterCloseDoesNothing) {
  if constexpr (TypeParam::kTraits.needs_arm) {
    Ends ends = Ends::Sockets();
    ends.Send();
    ASSERT_EQ(this->Open(ends.own(), this->Key(1)), 0);
    EXPECT_EQ(this->backend_.Close(ends.own(), this->Key(1)), 0);
    this->Arm(ends.own(), this->Key(1), Mode::kReadWrite);
    EXPECT_TRUE(this->TakeAll().empty());
    // Nor to the next one with that number.
    ASSERT_EQ(this->backend_.Open(ends.own(), this->Key(2)), 0);
    this->Arm(ends.own(), this->Key(1), Mode::kReadWrite);
    EXPECT_TRUE(this->TakeAll().empty());
    this->Arm(ends.own(), this->Key(2), Mode::kRead);
    EXPECT_TRUE(this->Take(this->Key(2)).read);
    this->backend_.Close(ends.own(), this->Key(2));
    ends.CloseOwn();
    this->Arm(ends.own(), this->Key(2), Mode::kRead);
  } else {
    GTEST_SKIP() << "nothing has to be armed";
  }
}

TYPED_TEST_P(Arming, WhatIsOpenedDuringAPollIsReported) {
  typename TestFixture::PollingThread poller(this->backend_);
  for (int i = 1; i <= 200; ++i) {
    Ends ends = Ends::PipeToRead();
    if (i % 2 == 0) ends.Send();
    ASSERT_EQ(this->Open(ends.own(), this->Key(0)), 0);
    if (i % 2 == 1) ends.Send();
    poller.seen.WaitForReads(0, i);
    EXPECT_EQ(this->backend_.Close(ends.own(), this->Key(0)), 0);
  }
}

// Each thread has a pipe of its own, and goes on only when its byte was
// reported: one report lost, and it hangs.
TYPED_TEST_P(Arming, NoReportIsLostWhileManyArm) {
  typename TestFixture::PollingThread poller(this->backend_);
  std::vector<std::thread> threads;
  for (std::uint32_t number = 0; number < TestFixture::kMost; ++number) {
    threads.emplace_back([&, number] {
      Ends ends = Ends::PipeToRead();
      const EventKey key = this->Key(number);
      EXPECT_EQ(this->backend_.Open(ends.own(), key), 0);
      for (int i = 1; i <= 300; ++i) {
        char byte;
        if (i % 2 == 0) this->Arm(ends.own(), key, Mode::kRead);
        ends.Send();
        if (i % 2 == 1) this->Arm(ends.own(), key, Mode::kRead);
        poller.seen.WaitForReads(number, i);
        EXPECT_EQ(::read(ends.own(), &byte, 1), 1);
      }
      EXPECT_EQ(this->backend_.Close(ends.own(), key), 0);
      poller.seen.Done();
    });
  }
  // Beside them all, somebody looks without blocking, whenever they go on.
  do {
    for (int i = 0; i < 4; ++i) {
      this->backend_.Poll(Delta::NonBlocking(), poller.seen);
    }
  } while (!poller.seen.WaitForMore(TestFixture::kMost));
  for (std::thread& thread : threads) thread.join();
}

// The flag first, then a break; changes get the poller out of its call at the
// same moment.
TYPED_TEST_P(Arming, AChangeSwallowsNoBreak) {
  std::atomic<bool> stop = false;
  std::thread changer([&] {
    Ends ends = Ends::PipeToRead();
    while (!stop) {
      EXPECT_EQ(this->Open(ends.own(), this->Key(1)), 0);
      EXPECT_EQ(this->backend_.Close(ends.own(), this->Key(1)), 0);
    }
  });
  for (int i = 0; i < 300; ++i) {
    std::atomic<bool> said = false;
    std::thread breaker([&] {
      said = true;
      this->backend_.Break();
    });
    Recorder recorder;
    while (!said) this->backend_.Poll(Delta::Forever(), recorder);
    breaker.join();
  }
  stop = true;
  changer.join();
}

// The thread in the system's call may be what keeps the descriptor alive.
TYPED_TEST_P(Arming, ThePeerSeesTheEndThoughAThreadPolls) {
  typename TestFixture::PollingThread poller(this->backend_);
  for (int i = 0; i < 300; ++i) {
    char byte;
    Ends ends = Ends::Sockets();
    ASSERT_EQ(this->Open(ends.own(), this->Key(0)), 0);
    // So that it is likely to be at it.
    if (i % 2 == 0) {
      const int before = poller.seen.reads(0);
      ends.Send();
      poller.seen.WaitForReads(0, before + 1);
      this->Arm(ends.own(), this->Key(0), Mode::kRead);
      EXPECT_EQ(::read(ends.own(), &byte, 1), 1);
    }
    EXPECT_EQ(this->backend_.Close(ends.own(), this->Key(0)), 0);
    ends.CloseOwn();
    ASSERT_EQ(::read(ends.peer(), &byte, 1), 0) << "round " << i;
  }
}

// Those beside it have something to ask about, so they are in the system's call
// when it comes.
TYPED_TEST_P(Arming, ABlockingPollHasItsTurnBesideNonBlockingOnes) {
  Ends ends = Ends::PipeToRead();
  ASSERT_EQ(this->Open(ends.own(), this->Key(1)), 0);
  std::atomic<bool> stop = false;
  std::thread beside([&] {
    Recorder recorder;
    while (!stop) this->backend_.Poll(Delta::NonBlocking(), recorder);
    EXPECT_TRUE(recorder.reports.empty());
  });
  for (int i = 0; i < 3000; ++i) {
    Recorder recorder;
    this->backend_.Break();
    this->backend_.Poll(Delta::Forever(), recorder);
  }
  stop = true;
  beside.join();
}

TYPED_TEST_P(Arming, ManyCloseWhileSomePoll) {
  typename TestFixture::PollingThread poller(this->backend_);
  std::atomic<std::uint32_t> done = 0;
  std::vector<std::thread> threads;
  for (std::uint32_t number = 0; number < TestFixture::kMost; ++number) {
    threads.emplace_back([&, number] {
      for (int i = 0; i < 150; ++i) {
        Ends ends = Ends::Sockets();
        EXPECT_EQ(this->Open(ends.own(), this->Key(number)), 0);
        EXPECT_EQ(this->backend_.Close(ends.own(), this->Key(number)), 0);
        ends.CloseOwn();
        EXPECT_TRUE(ends.PeerSeesTheEndSoon());
      }
      ++done;
    });
  }
  // So often that it is beside most of it.
  for (int i = 0; i < 20'000 && done < TestFixture::kMost; ++i) {
    this->backend_.Poll(Delta::NonBlocking(), poller.seen);
  }
  for (std::thread& thread : threads) thread.join();
}

REGISTER_TYPED_TEST_SUITE_P(
    Arming, ReportingTheWriterKeepsTheReader,
    ArmingOneDirectionAgainKeepsTheOther, NothingIsReportedUnlessItIsArmed,
    AHangUpThatWasReportedKeepsNoPollAwake, ArmingAfterCloseDoesNothing,
    WhatIsOpenedDuringAPollIsReported, NoReportIsLostWhileManyArm,
    AChangeSwallowsNoBreak, ThePeerSeesTheEndThoughAThreadPolls,
    ABlockingPollHasItsTurnBesideNonBlockingOnes, ManyCloseWhileSomePoll,
    AnUrgentByteKeepsNoPollAwake);

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_ARMING_H_
