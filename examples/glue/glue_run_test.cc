// SPDX-License-Identifier: Apache-2.0
//
// The four ways to wait, run: each task echoes what comes, meets a deadline now
// and then, and ends when its descriptor is unblocked. A thread polls for all
// of them; fibers, coroutines and callbacks run on three workers.

#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/epoll/epoll_backend.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/testing/watchdog.h"
#include "netpoll/core/worker_glue.h"
#include "netpoll/examples/glue/tasks.h"
#include "netpoll/examples/glue/wait.h"

namespace netpoll::examples {
namespace {

using EpollPoller = Poller<EpollBackend<>>;

std::int64_t Now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

// One connection, and its end that the test holds.
struct Connection {
  explicit Connection(EpollPoller& poller) {
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    desc = poller.Open(ends[0]).desc;
  }
  int ends[2];
  EpollPoller::Desc* desc = nullptr;
  std::atomic<int> late = 0;
  std::atomic<bool> ended = false;
};

class GlueRunTest : public testing::Test {
 protected:
  GlueRunTest() { EXPECT_EQ(poller_.Init(), 0); }

  // `run` makes a waiter's task runnable.
  using Run = std::function<void(Waiter*)>;

  // First runnable, then the count.
  void Deliver(PollResult result, const Run& run) {
    while (Waiter* const waiter = result.ready.Pop()) run(waiter);
    poller_.AdjustWaiters(result.waiters_delta);
  }

  // What a task does with the answers of its wait. True: it goes on. The two
  // answers of a deadline: the waits that it ended say so, and so does every
  // Reset until another is set.
  bool GoesOn(PollError error, Connection& connection, const Run& run) {
    if (error == PollError::kTimeout) {
      ++connection.late;
      DeadlineResult set =
          poller_.SetDeadline(connection.desc, Mode::kRead, Deadline::None());
      Deliver(set.wake, run);
      return true;
    }
    return error == PollError::kNone;
  }
  // True: it would block.
  static bool Echo(Connection& connection) {
    char piece[64];
    const ssize_t size = ::read(connection.ends[0], piece, sizeof(piece));
    if (size < 0) return true;
    EXPECT_EQ(::write(connection.ends[0], piece, size), size);
    return false;
  }

  // A task that may block where it stands: a thread, a fiber.
  template <class Wait>
  void Serve(Connection& connection, const Run& run, Wait wait) {
    PollError error = poller_.Reset(connection.desc, Mode::kRead);
    while (GoesOn(error, connection, run)) {
      if (error != PollError::kNone) {
        error = poller_.Reset(connection.desc, Mode::kRead);
      } else if (Echo(connection)) {
        error = wait();
      }
    }
    connection.ended = true;
  }

  // What the test does with all of them.
  void Exercise(const Run& run, const std::function<void(Connection&)>& spawn) {
    constexpr int kConnections = 4;
    constexpr int kRounds = 500;
    std::atomic<bool> stop = false;
    std::atomic<int> round = 0;
    const Watchdog watchdog([&] { return "round " + std::to_string(round); });
    std::thread poll([&] {
      while (!stop) {
        Deliver(PollTurn(poller_, poller_.NextDeadline(), &Now), run);
      }
    });
    std::vector<std::unique_ptr<Connection>> connections;
    for (int i = 0; i < kConnections; ++i) {
      connections.push_back(std::make_unique<Connection>(poller_));
      spawn(*connections.back());
    }
    for (; round < kRounds; ++round) {
      for (auto& one : connections) {
        if (round % 50 == 0) {
          const int before = one->late;
          DeadlineResult set = poller_.SetDeadline(
              one->desc, Mode::kRead,
              Deadline::After(Now(), std::chrono::microseconds(100)));
          Deliver(set.wake, run);
          if (set.earliest_moved) poller_.Break();
          while (one->late == before) std::this_thread::yield();
        }
        char byte = 'x';
        EXPECT_EQ(::write(one->ends[1], &byte, 1), 1);
        while (::read(one->ends[1], &byte, 1) != 1) std::this_thread::yield();
      }
    }
    // The order of a close: no more waits; then wait until the task has ended;
    // then the poller; then the system.
    for (auto& one : connections) {
      Deliver(poller_.Unblock(one->desc), run);
      while (!one->ended) std::this_thread::yield();
      EXPECT_EQ(poller_.Close(one->desc), 0);
      ::close(one->ends[0]);
      ::close(one->ends[1]);
    }
    stop = true;
    poller_.Break();
    poll.join();
    EXPECT_EQ(poller_.waiters(), 0);
  }
  // The same with three workers.
  void ExerciseOnWorkers(const Run& run,
                         const std::function<void(Connection&)>& spawn) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([this] { workers_.Run(); });
    }
    Exercise(run, spawn);
    workers_.Stop();
    for (std::thread& thread : threads) thread.join();
  }

  EpollPoller poller_;
  Workers workers_;
};

TEST_F(GlueRunTest, Threads) {
  std::vector<std::thread> threads;
  const Run run = [](Waiter* waiter) {
    static_cast<ThreadTask*>(waiter)->Wake();
  };
  Exercise(run, [&](Connection& connection) {
    threads.emplace_back([&] {
      ThreadTask task;
      Serve(connection, run, [&] {
        return WaitOnThread(poller_, connection.desc, Mode::kRead, task);
      });
    });
  });
  for (std::thread& thread : threads) thread.join();
}

TEST_F(GlueRunTest, Fibers) {
  const Run run = [this](Waiter* waiter) {
    workers_.Push([waiter] { static_cast<FiberTask*>(waiter)->Go(); });
  };
  ExerciseOnWorkers(run, [&](Connection& connection) {
    run(new FiberTask([&, this](FiberTask& task) {
      Serve(connection, run, [&] {
        return WaitOnFiber(poller_, connection.desc, Mode::kRead, task);
      });
    }));
  });
}

TEST_F(GlueRunTest, Coroutines) {
  const Run run = [this](Waiter* waiter) {
    workers_.Push(
        [waiter] { static_cast<Readiness<EpollPoller>*>(waiter)->Go(); });
  };
  const auto serve = [&](Connection& connection) -> Detached {
    PollError error = poller_.Reset(connection.desc, Mode::kRead);
    while (GoesOn(error, connection, run)) {
      if (error != PollError::kNone) {
        error = poller_.Reset(connection.desc, Mode::kRead);
      } else if (Echo(connection)) {
        error = co_await Readiness<EpollPoller>(poller_, connection.desc,
                                                Mode::kRead);
      }
    }
    connection.ended = true;
  };
  ExerciseOnWorkers(run, [&](Connection& connection) {
    workers_.Push([&] { serve(connection); });
  });
}

TEST_F(GlueRunTest, Callbacks) {
  struct Callback : Waiter {
    bool waits() const { return was_parked; }
    void SetWaits(bool on) { was_parked = on; }
    std::function<void(Callback&)> call;
    bool was_parked = false;
  };
  const Run run = [this](Waiter* waiter) {
    workers_.Push([waiter] {
      auto& callback = *static_cast<Callback*>(waiter);
      callback.call(callback);
    });
  };
  std::vector<std::unique_ptr<Callback>> callbacks;
  ExerciseOnWorkers(run, [&](Connection& connection) {
    callbacks.push_back(std::make_unique<Callback>());
    callbacks.back()->call = [&](Callback& self) {
      WaitResult wait =
          BeginCallback(poller_, connection.desc, Mode::kRead, self);
      while (!wait.parked() && GoesOn(wait.error(), connection, run)) {
        if (!wait.ready() || !Echo(connection)) {
          wait = BeginCallback(poller_, connection.desc, Mode::kRead, self);
        } else {
          wait = WaitInCallback(poller_, connection.desc, Mode::kRead, self);
        }
      }
      if (!wait.parked()) connection.ended = true;
    };
    run(callbacks.back().get());
  });
}

}  // namespace
}  // namespace netpoll::examples
