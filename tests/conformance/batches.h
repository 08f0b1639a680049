// SPDX-License-Identifier: Apache-2.0
//
// Conformance: many events in one poll, at the sizes where batches end, and
// together with a break.

#ifndef NETPOLL_TESTS_CONFORMANCE_BATCHES_H_
#define NETPOLL_TESTS_CONFORMANCE_BATCHES_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/conformance/clause.h"
#include "netpoll/tests/conformance/traits.h"

namespace netpoll::conformance {

template <class Backend>
class Batches : public Fixture<Backend> {
 protected:
  // Around what a backend may fetch in one call, or keep in one array.
  static constexpr std::uint32_t kSizes[] = {1, 63, 64, 65, 127, 128, 129, 256};

  // Opens so many pipes. They go with the fixture.
  void OpenPipes(std::uint32_t count) {
    while (pipes_.size() < count) {
      pipes_.push_back(this->ToRead());
      const auto number = static_cast<std::uint32_t>(pipes_.size() - 1);
      ASSERT_EQ(this->Open(pipes_.back(), this->Key(number)), 0);
    }
    ExpectNothingIsLeft();
  }

  void ExpectNothingIsLeft() {
    const bool empty = this->TakeAll().empty();
    EXPECT_TRUE(empty || Traits<Backend>::kReportsRepeat);
  }

  void SendAll() {
    for (auto& ends : pipes_) ends.Send();
  }

  // How often each was reported. Blocks until all of them were, and in no poll
  // for nothing, but for `breaks` of them.
  void ExpectEachOnce(int breaks) {
    std::map<std::uint64_t, int> seen;
    int empty = 0;
    while (seen.size() < pipes_.size()) {
      Recorder recorder;
      this->backend_.Poll(Delta::Forever(), recorder);
      empty += recorder.reports.empty() ? 1 : 0;
      ASSERT_LE(empty, breaks) << "a poll for nothing";
      for (const Report& report : recorder.reports) ++seen[report.key.bits()];
    }
    for (std::uint32_t i = 0; i < pipes_.size(); ++i) {
      const int count = seen[this->Key(i).bits()];
      EXPECT_TRUE(count == 1 || (count > 1 && Traits<Backend>::kReportsRepeat))
          << i << " of " << pipes_.size() << ": " << count;
    }
    ExpectNothingIsLeft();
  }

  void ReadAllAndArm() {
    for (std::uint32_t i = 0; i < pipes_.size(); ++i) {
      this->ReadAndArm(pipes_[i], this->Key(i));
    }
  }

 private:
  std::deque<typename Fixture<Backend>::Ends> pipes_;
};
TYPED_TEST_SUITE_P(Batches);

TYPED_TEST_P(Batches, EachOfSoManyReadyOnesIsReportedOnce) {
  for (const std::uint32_t size : TestFixture::kSizes) {
    this->OpenPipes(size);
    for (int round = 0; round < 2; ++round) {
      this->SendAll();
      this->ExpectEachOnce(0);
      this->ReadAllAndArm();
    }
  }
}

// The break has a place in the batch too. It is taken, whatever else is in it:
// the next one ends a poll again.
TYPED_TEST_P(Batches, SoItIsTogetherWithABreakThatIsNotLost) {
  for (const std::uint32_t size : TestFixture::kSizes) {
    this->OpenPipes(size);
    for (const bool break_first : {false, true}) {
      if (break_first) this->backend_.Break();
      this->SendAll();
      if (!break_first) this->backend_.Break();
      this->ExpectEachOnce(1);
      for (int i = 0; i < 2; ++i) {
        Recorder recorder;
        this->backend_.Break();
        this->backend_.Poll(Delta::Forever(), recorder);
      }
      this->ReadAllAndArm();
    }
  }
}

TYPED_TEST_P(Batches, ANonBlockingPollOfABatchLeavesTheBreak) {
  this->OpenPipes(129);
  this->SendAll();
  this->backend_.Break();
  EXPECT_EQ(this->TakeAll().size(), 129u);
  Recorder recorder;
  this->backend_.Poll(Delta::Forever(), recorder);
  EXPECT_TRUE(recorder.reports.empty());
}

// Breaks, events and polls that do not block, all at once. Each byte is
// reported to somebody, or the sender waits for ever; and the last break is not
// lost.
TYPED_TEST_P(Batches, AStormOfBreaksSwallowsNoEvent) {
  constexpr int kBytes = 300;
  std::atomic<bool> stop = false;
  struct Counter {
    void Ready(EventKey, Mode mode, EventFlags) {
      if (!Has(mode, Mode::kRead)) return;
      const std::lock_guard<std::mutex> hold(mutex);
      ++count;
      changed.notify_one();
    }
    void WaitFor(int reports) {
      std::unique_lock<std::mutex> hold(mutex);
      changed.wait(hold, [&] { return count >= reports; });
    }
    std::mutex mutex;
    std::condition_variable changed;
    int count = 0;
  } reported;
  this->OpenPipes(1);
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      while (!stop) {
        this->backend_.Break();
        std::this_thread::yield();
      }
    });
    threads.emplace_back([&] {
      while (!stop) {
        this->backend_.Poll(Delta::NonBlocking(), reported);
        std::this_thread::yield();
      }
    });
  }
  std::thread blocking([&] {
    while (!stop) this->backend_.Poll(Delta::Forever(), reported);
  });
  for (int i = 1; i <= kBytes; ++i) {
    this->SendAll();
    reported.WaitFor(i);
    this->ReadAllAndArm();
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  this->backend_.Break();
  blocking.join();
}

// Whoever polls beside it may have fetched the event already.
TYPED_TEST_P(Batches, APollThatBeginsAfterACloseReportsNothingOfIt) {
  std::atomic<bool> stop = false;
  std::thread beside([&] {
    Recorder recorder;
    while (!stop) {
      this->backend_.Poll(Delta::NonBlocking(), recorder);
      std::this_thread::yield();
    }
  });
  for (std::uint32_t i = 0; i < 300; ++i) {
    auto ends = this->Pair();
    ends.Send();
    ASSERT_EQ(this->Open(ends, this->Key(i)), 0);
    EXPECT_EQ(this->Close(ends, this->Key(i)), 0);
    Recorder recorder;
    this->backend_.Poll(Delta::NonBlocking(), recorder);
    EXPECT_TRUE(recorder.reports.empty());
    ends.CloseOwn();
    EXPECT_TRUE(ends.PeerSeesTheEnd());
  }
  stop = true;
  beside.join();
}

REGISTER_TYPED_TEST_SUITE_P(Batches, EachOfSoManyReadyOnesIsReportedOnce,
                            SoItIsTogetherWithABreakThatIsNotLost,
                            ANonBlockingPollOfABatchLeavesTheBreak,
                            AStormOfBreaksSwallowsNoEvent,
                            APollThatBeginsAfterACloseReportsNothingOfIt);

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_BATCHES_H_
