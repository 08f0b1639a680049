// SPDX-License-Identifier: Apache-2.0
//
// The sleep protocol, a whole Poller and the adversarial fake among threads:
// workers that poll without a limit, others that poll beside them without
// blocking and borrow the token while they do, tokens that nobody asked for,
// posts that are interrupted. Each piece of work is submitted once and waited
// for, so a break that is lost ends in the watchdog's sentence.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/fake/fake_adversary.h"
#include "netpoll/backends/fake/fake_backend.h"
#include "netpoll/backends/fake/fake_kernel.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/sleep_protocol.h"
#include "netpoll/core/testing/watchdog.h"
#include "netpoll/core/types.h"

namespace netpoll {
namespace {

using What = FakeDisturbance;

// Keeps the token in transit for a while: where the fake's lock is taken to put
// it back, others go first.
struct SlowTransit : StdEnv {
  class Lock : public StdEnv::Lock {
   public:
    void Acquire(Site site) {
      if (std::string_view(site.name) == "fake.token_back") {
        for (int i = 0; i < 5; ++i) std::this_thread::yield();
      }
      StdEnv::Lock::Acquire(site);
    }
  };
};

class Storm {
 public:
  Storm(int workers, const FakeAdversary& adversary) {
    kernel_.set_adversary(adversary);
    for (int w = 0; w < workers; ++w) {
      threads_.emplace_back([this, w] { Work(w); });
    }
    threads_.emplace_back([this] { PollBeside(); });
  }

  // From any thread; returns when it is done: one more in `done`, which lives
  // until Join.
  void SubmitAndAwait(std::atomic<int>& done) {
    const int before = done;
    {
      const std::lock_guard<std::mutex> hold(mutex_);
      queue_.push_back(&done);
    }
    ++submitted_;
    if (protocol_.Wake()) poller_.Break();
    // Right behind the break, so that it meets the token.
    EXPECT_TRUE(poller_.Poll(Delta::NonBlocking()).ready.empty());
    done.wait(before);
  }

  void Join() {
    stop_ = true;
    for (std::size_t i = 0; i < threads_.size(); ++i) {
      if (protocol_.Wake()) poller_.Break();
    }
    for (std::thread& thread : threads_) thread.join();
  }

  // What it is doing, for whoever waits in vain.
  std::string State() {
    const std::lock_guard<std::mutex> hold(mutex_);
    return std::string(protocol_.AnyPoller() ? "somebody" : "nobody") +
           " polls, " + std::to_string(queue_.size()) +
           " pieces of work wait, " + std::to_string(submitted_) +
           " were submitted, " + std::to_string(done_) + " done, " +
           std::to_string(polls_) + " polls began" +
           (stop_ ? ", stopping" : "");
  }
  int happened(What what) { return kernel_.happened(what); }
  std::uint64_t polls() const { return polls_; }

 private:
  void Work(int worker) {
    while (!stop_) {
      if (RunOne()) continue;
      const IdleRole role = protocol_.Announce(worker, kNever);
      if (stop_ || AnyWork()) {
        // Chosen for other work meanwhile: somebody else must have it.
        if (protocol_.Retract(worker, role) && protocol_.Wake()) {
          poller_.Break();
        }
      } else if (role == IdleRole::kPoller) {
        ++polls_;
        EXPECT_TRUE(poller_.Poll(Delta::Forever()).ready.empty());
        protocol_.EndPoll();
      } else {
        protocol_.Sleep(worker);
      }
    }
    // The turn may have been left with sleepers behind.
    if (protocol_.Wake()) poller_.Break();
  }

  void PollBeside() {
    while (!stop_) {
      EXPECT_TRUE(poller_.Poll(Delta::NonBlocking()).ready.empty());
      std::this_thread::yield();
    }
  }

  bool AnyWork() {
    const std::lock_guard<std::mutex> hold(mutex_);
    return !queue_.empty();
  }

  bool RunOne() {
    std::atomic<int>* work = nullptr;
    {
      const std::lock_guard<std::mutex> hold(mutex_);
      if (queue_.empty()) return false;
      work = queue_.back();
      queue_.pop_back();
    }
    ++done_;
    ++*work;
    work->notify_one();
    return true;
  }

  FakeKernel<SlowTransit> kernel_;
  Poller<FakeBackend<SlowTransit>> poller_{kernel_};
  SleepProtocol<StdEnv> protocol_;
  std::mutex mutex_;
  std::vector<std::atomic<int>*> queue_;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> polls_{0};
  std::atomic<std::uint64_t> submitted_{0};
  std::atomic<std::uint64_t> done_{0};
  std::vector<std::thread> threads_;
};

// Submits `least` pieces of work on each of two threads, and more until
// `enough(storm)`: how many breaks meet a disturbance depends on the threads.
template <class Enough>
void Submit(Storm& storm, int least, Enough enough) {
  constexpr int kMost = 200'000;
  const Watchdog watchdog([&storm] { return storm.State(); });
  std::atomic<int> done[2] = {};
  std::vector<std::thread> submitters;
  for (std::atomic<int>& mine : done) {
    submitters.emplace_back([&] {
      for (int i = 0; i < kMost && (i < least || !enough(storm)); ++i) {
        storm.SubmitAndAwait(mine);
      }
    });
  }
  for (std::thread& submitter : submitters) submitter.join();
  EXPECT_TRUE(enough(storm));
  storm.Join();
}

// Row K1: the token is out of the kernel object for a moment, a blocking poll
// looks, sees none and sleeps. It must be told when the token is back.
TEST(BreakStormTest, NoBreakIsLostWhileTheTokenIsInTransit) {
  for (const int workers : {1, 3}) {
    Storm storm(workers, FakeAdversary{}.With(What::kTransit, 100));
    Submit(storm, 200, [](Storm& s) { return s.happened(What::kTransit) > 0; });
    EXPECT_GT(storm.polls(), 0u);
  }
}

TEST(BreakStormTest, NoBreakIsLostAmongTokensThatNobodyAskedFor) {
  Storm storm(2, FakeAdversary{}.With(What::kStorm, 50));
  Submit(storm, 200, [](Storm& s) { return s.happened(What::kStorm) > 0; });
}

TEST(BreakStormTest, NoBreakIsLostToAnInterruptedPost) {
  Storm storm(1, FakeAdversary{}.With(What::kPostFails, 50));
  Submit(storm, 200, [](Storm& s) { return s.happened(What::kPostFails) > 0; });
}

TEST(BreakStormTest, NoBreakIsLostInAnySwarm) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    Storm storm(2, FakeAdversary::Swarm(seed));
    Submit(storm, 60, [](Storm&) { return true; });
  }
}

}  // namespace
}  // namespace netpoll
