// SPDX-License-Identifier: Apache-2.0
//
// Threads on one descriptor, each doing what it likes: tasks that wait, a
// blocking poll, non-blocking polls, deadlines set to past and cleared again.
// Every message is sent once and must be received, so that a wake-up that is
// lost ends in the watchdog's sentence. The same under swarms of the fake's
// adversary.

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/fake/fake_adversary.h"
#include "netpoll/backends/fake/fake_backend.h"
#include "netpoll/backends/fake/fake_files.h"
#include "netpoll/backends/fake/fake_kernel.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/testing/watchdog.h"
#include "netpoll/core/types.h"

namespace netpoll {
namespace {

struct Task : Waiter {
  StdEnv::Parker parker;
};

template <FakeTrigger kTrigger>
class Stress {
 public:
  using ThePoller = Poller<FakeBackend<StdEnv, kTrigger>>;

  explicit Stress(std::uint64_t seed = 1)
      : kernel_(seed), fd_(kernel_.MakeFd()), desc_(poller_.Open(fd_).desc) {}

  void set_adversary(FakeAdversary adversary) {
    kernel_.set_adversary(adversary);
  }

  // One message each way at a time, `count` of each.
  void Run(int count) {
    const Watchdog watchdog([this] { return State(); });
    std::thread read([&] { Receive(Mode::kRead, to_read_, count); });
    std::thread write([&] { Receive(Mode::kWrite, to_write_, count); });
    std::thread blocking([&] {
      while (!stop_) Wake(poller_.Poll(Delta::Forever()));
    });
    std::thread beside([&] {
      while (!stop_) {
        Wake(poller_.Poll(Delta::NonBlocking()));
        std::this_thread::yield();
      }
    });
    std::thread deadlines([&] {
      while (!stop_) {
        Wake(poller_.SetDeadline(desc_, Mode::kRead, Deadline::Past()).wake);
        Wake(poller_.SetDeadline(desc_, Mode::kRead, Deadline::None()).wake);
        std::this_thread::yield();
      }
    });
    std::thread send_one([&] { Send(Mode::kRead, to_read_, count); });
    std::thread send_two([&] { Send(Mode::kWrite, to_write_, count); });
    for (std::thread* thread : {&read, &write, &send_one, &send_two}) {
      thread->join();
    }
    stop_ = true;
    poller_.Break();
    for (std::thread* thread : {&blocking, &beside, &deadlines}) {
      thread->join();
    }
    EXPECT_EQ(poller_.waiters(), 0);
  }

  // At least `parked` of the two tasks are parked when the descriptor is
  // closed; the others are anywhere on their way.
  void CloseUnderWaiters(int parked) {
    const Watchdog watchdog([this] { return State(); });
    std::atomic<int> refused{0};
    std::vector<std::thread> tasks;
    for (const Mode direction : {Mode::kRead, Mode::kWrite}) {
      tasks.emplace_back([&, direction] {
        Task task;
        if (Wait(direction, task) == PollError::kClosing) ++refused;
      });
    }
    while (poller_.waiters() < parked) std::this_thread::yield();
    Wake(poller_.Unblock(desc_));
    for (std::thread& task : tasks) task.join();
    EXPECT_EQ(refused, 2);
    EXPECT_EQ(poller_.waiters(), 0);
    EXPECT_EQ(poller_.Close(desc_), 0);
    desc_ = nullptr;
  }

  void Reopen() { desc_ = poller_.Open(fd_).desc; }

  void Close() {
    if (desc_ == nullptr) return;
    Wake(poller_.Unblock(desc_));
    EXPECT_EQ(poller_.Close(desc_), 0);
  }

 private:
  std::string State() {
    return std::to_string(poller_.waiters()) + " parked, " +
           std::to_string(received_) + " messages received, " +
           std::to_string(to_read_) + " to read, " + std::to_string(to_write_) +
           " to write" + (stop_ ? ", stopping" : "");
  }

  void Wake(PollResult result) {
    while (Waiter* const waiter = result.ready.Pop()) {
      static_cast<Task*>(waiter)->parker.Unpark("test.wake");
    }
    poller_.AdjustWaiters(result.waiters_delta);
  }
  void Wake(DeadlineResult result) { Wake(result.wake); }

  PollError Wait(Mode direction, Task& task) {
    WaitResult wait = poller_.Park(desc_, direction, &task);
    while (wait.parked()) {
      task.parker.Park("test.park");
      wait = poller_.Resume(desc_, direction, &task);
    }
    return wait.error();
  }

  // The try-first loop of a task. A deadline in between only means: again.
  void Receive(Mode direction, std::atomic<int>& mailbox, int count) {
    Task task;
    for (int received = 0; received < count;) {
      if (poller_.Reset(desc_, direction) != PollError::kNone) continue;
      if (mailbox.exchange(0) != 0) {
        mailbox.notify_one();
        ++received;
        ++received_;
      } else {
        if (kTrigger == FakeTrigger::kCompletion) {
          kernel_.Submit(fd_, direction);
        }
        (void)Wait(direction, task);
      }
    }
  }

  void Send(Mode direction, std::atomic<int>& mailbox, int count) {
    for (int i = 0; i < count; ++i) {
      mailbox.wait(1);
      mailbox = 1;
      kernel_.SetReady(fd_, direction);
    }
  }

  FakeKernel<> kernel_;
  ThePoller poller_{kernel_};
  Fd fd_;
  typename ThePoller::Desc* desc_;
  std::atomic<int> to_read_{0};
  std::atomic<int> to_write_{0};
  std::atomic<int> received_{0};
  std::atomic<bool> stop_{false};
};

TEST(PollerStressTest, NoMessageIsMissedWhereEdgesAreReported) {
  Stress<FakeTrigger::kEdgeMask> stress;
  stress.Run(1000);
  stress.Close();
}

TEST(PollerStressTest, NoMessageIsMissedWhereFiltersAreReported) {
  Stress<FakeTrigger::kEdgeFilter> stress;
  stress.Run(1000);
  stress.Close();
}

TEST(PollerStressTest, NoMessageIsMissedWhereDirectionsAreArmed) {
  Stress<FakeTrigger::kLevel> stress;
  stress.Run(1000);
  stress.Close();
}

TEST(PollerStressTest, NoMessageIsMissedWhereOperationsEnd) {
  Stress<FakeTrigger::kCompletion> stress;
  stress.Run(1000);
  stress.Close();
}

template <FakeTrigger kTrigger>
void RunSwarms() {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    Stress<kTrigger> stress(seed);
    stress.set_adversary(FakeAdversary::Swarm(seed));
    stress.Run(40);
    stress.set_adversary({});
    stress.Close();
  }
}

TEST(PollerStressTest, NoMessageIsMissedUnderASwarmOfEdges) {
  RunSwarms<FakeTrigger::kEdgeMask>();
}

TEST(PollerStressTest, NoMessageIsMissedUnderASwarmOfFilters) {
  RunSwarms<FakeTrigger::kEdgeFilter>();
}

TEST(PollerStressTest, NoMessageIsMissedUnderASwarmOfArmedDirections) {
  RunSwarms<FakeTrigger::kLevel>();
}

TEST(PollerStressTest, NoMessageIsMissedUnderASwarmOfOperations) {
  RunSwarms<FakeTrigger::kCompletion>();
}

TEST(PollerStressTest, CloseFindsEveryWaiter) {
  Stress<FakeTrigger::kEdgeMask> stress;
  for (int i = 0; i < 600; ++i) {
    stress.CloseUnderWaiters(i % 3);
    stress.Reopen();
  }
  stress.Close();
}

}  // namespace
}  // namespace netpoll
