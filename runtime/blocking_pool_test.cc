// SPDX-License-Identifier: Apache-2.0
//
// Blocking work: in order, on so many threads, cancelled while it is queued and
// never abandoned.

#include "netpoll/runtime/blocking_pool.h"

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <latch>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "netpoll/runtime/cancel.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket_test_support.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

std::unique_ptr<int> GiveThree() { return std::make_unique<int>(3); }

class BlockingPoolTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(BlockingPoolTest);

TEST_P(BlockingPoolTest, ResultsComeBackAsWhatTheyAre) {
  BlockingPool pool;
  RunTest(threads(), [&](Runtime&) -> Task<> {
    const pthread_t here = pthread_self();
    bool elsewhere = false;
    const absl::Status nothing = co_await pool.Run([&] {
      elsewhere = pthread_equal(here, pthread_self()) == 0;
      sigset_t mask;
      pthread_sigmask(SIG_SETMASK, nullptr, &mask);
      EXPECT_EQ(sigismember(&mask, SIGTERM), 1);
    });
    EXPECT_TRUE(nothing.ok()) << nothing;
    EXPECT_TRUE(elsewhere);
    EXPECT_EQ((co_await pool.Run([] { return 7; })).value(), 7);
    auto moved = co_await pool.Run(&GiveThree);
    EXPECT_EQ(**moved, 3);
    const absl::Status status =
        co_await pool.Run([] { return absl::NotFoundError("it"); });
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
    const absl::StatusOr<int> either = co_await pool.Run(
        []() -> absl::StatusOr<int> { return absl::DataLossError("it"); });
    EXPECT_EQ(either.status().code(), absl::StatusCode::kDataLoss);
    std::string caught;
    try {
      (void)co_await pool.Run([] { throw std::runtime_error("out"); });
    } catch (const std::runtime_error& error) {
      caught = error.what();
    }
    EXPECT_EQ(caught, "out");
  });
}

TEST_P(BlockingPoolTest, ManyGoOnSoManyThreadsInOrder) {
  constexpr int kThreads = 3;
  BlockingPool pool({.threads = kThreads});
  std::atomic<int> now{0};
  std::atomic<int> most{0};
  std::atomic<int> done{0};
  RunTest(threads(), [&](Runtime& runtime) -> Task<> {
    auto one = [&]() -> Task<> {
      for (int i = 0; i < 20; ++i) {
        const absl::Status status = co_await pool.Run([&] {
          const int at_once = ++now;
          int seen = most.load();
          while (seen < at_once && !most.compare_exchange_weak(seen, at_once)) {
          }
          std::this_thread::yield();
          --now;
          ++done;
        });
        EXPECT_TRUE(status.ok()) << status;
      }
    };
    std::vector<JoinHandle<void>> all;
    for (int i = 0; i < 20; ++i) all.push_back(runtime.Spawn(one()));
    for (auto& task : all) co_await std::move(task);
  });
  EXPECT_EQ(done.load(), 400);
  EXPECT_LE(most.load(), kThreads);
  EXPECT_EQ(pool.threads(), kThreads);
  EXPECT_EQ(pool.waiting(), 0u);
}

// Holds the only thread of a pool until it is let go.
struct Held {
  Held(Runtime& runtime, BlockingPool& pool) {
    auto hold = [](BlockingPool& there, std::latch& started,
                   std::latch& end) -> Task<> {
      const absl::Status status = co_await there.Run([&] {
        started.count_down();
        end.wait();
      });
      EXPECT_TRUE(status.ok()) << "what has begun goes on: " << status;
    };
    task.emplace(runtime.Spawn(hold(pool, begun, go)));
  }
  std::latch begun{1};
  std::latch go{1};
  std::optional<JoinHandle<void>> task;
};

TEST_P(BlockingPoolTest, WhatIsQueuedIsCancelledByItsToken) {
  BlockingPool pool({.threads = 1});
  RunTest(threads(), [&](Runtime& runtime) -> Task<> {
    Held held(runtime, pool);
    while (!held.begun.try_wait()) co_await runtime.Yield();
    std::stop_source stop;
    int ran = 0;
    auto queued = [&](std::stop_token token) -> Task<absl::Status> {
      co_return co_await pool.Run([&] { ++ran; }, token);
    };
    JoinHandle<absl::Status> first = runtime.Spawn(queued({}));
    JoinHandle<absl::Status> second = runtime.Spawn(queued(stop.get_token()));
    JoinHandle<absl::Status> third = runtime.Spawn(queued({}));
    while (pool.waiting() < 3) co_await runtime.Yield();
    stop.request_stop();
    const absl::Status cancelled = co_await std::move(second);
    EXPECT_EQ(cancelled.code(), absl::StatusCode::kCancelled) << cancelled;
    EXPECT_EQ(pool.waiting(), 2u);
    // Before it is queued at all.
    EXPECT_EQ((co_await queued(stop.get_token())).code(),
              absl::StatusCode::kCancelled);
    held.go.count_down();
    EXPECT_TRUE((co_await std::move(first)).ok());
    EXPECT_TRUE((co_await std::move(third)).ok());
    EXPECT_EQ(ran, 2);
    co_await *std::move(held.task);
  });
}

TEST_P(BlockingPoolTest, StopCancelsWhatIsQueuedAndWaitsForWhatHasBegun) {
  BlockingPool pool({.threads = 1});
  Runtime runtime({.threads = threads()});
  auto work = [&]() -> Task<> {
    Held held(runtime, pool);
    while (!held.begun.try_wait()) co_await runtime.Yield();
    auto queued = [&]() -> Task<absl::Status> {
      co_return co_await pool.Run([] { ADD_FAILURE() << "it has begun"; });
    };
    JoinHandle<absl::Status> task = runtime.Spawn(queued());
    while (pool.waiting() < 1) co_await runtime.Yield();
    runtime.Stop();
    EXPECT_EQ((co_await std::move(task)).code(), absl::StatusCode::kCancelled);
    EXPECT_FALSE(held.task->ended());
    held.go.count_down();
    co_await *std::move(held.task);
    EXPECT_EQ((co_await queued()).code(), absl::StatusCode::kCancelled);
  };
  runtime.Spawn(work());
  EXPECT_TRUE(RunWatched(runtime).ok());
}

TEST_P(BlockingPoolTest, AScopeCancelsWhatIsQueuedAndNothingElse) {
  BlockingPool pool({.threads = 1});
  RunTest(threads(), [&](Runtime& runtime) -> Task<> {
    auto held = std::make_unique<Held>(runtime, pool);
    while (!held->begun.try_wait()) co_await runtime.Yield();
    auto queued = [&]() -> Task<absl::Status> {
      co_return co_await pool.Run([] { ADD_FAILURE() << "it has begun"; });
    };
    const absl::Status late =
        co_await WithTimeout(runtime.After(1ms), queued());
    EXPECT_EQ(late.code(), absl::StatusCode::kDeadlineExceeded) << late;
    EXPECT_EQ(pool.waiting(), 0u);
    held->go.count_down();
    co_await *std::move(held->task);
    auto slow = [&]() -> Task<absl::Status> {
      co_return co_await pool.Run([] { std::this_thread::sleep_for(5ms); });
    };
    const absl::Status begun = co_await WithTimeout(runtime.After(1ms), slow());
    EXPECT_TRUE(begun.ok() ||
                begun.code() == absl::StatusCode::kDeadlineExceeded)
        << begun;
  });
}

// Each at the very moment at which a thread takes it.
TEST_P(BlockingPoolTest, ACancelAgainstABeginHasOneOutcome) {
  BlockingPool pool({.threads = 2});
  RunTest(threads(), [&](Runtime& runtime) -> Task<> {
    int ran = 0;
    for (int i = 0; i < 300; ++i) {
      std::stop_source stop;
      bool did = false;
      auto work = [&]() -> Task<absl::Status> {
        co_return co_await pool.Run([&] { did = true; }, stop.get_token());
      };
      JoinHandle<absl::Status> task = runtime.Spawn(work());
      if (i % 2 == 0) co_await runtime.Yield();
      std::thread other([&] { stop.request_stop(); });
      const absl::Status status = co_await std::move(task);
      other.join();
      EXPECT_EQ(status.ok(), did) << status;
      ran += did ? 1 : 0;
    }
    EXPECT_LE(ran, 300);
  });
}

TEST(BlockingPool, WhatCannotBeRunSaysWhy) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    BlockingPool none({.threads = 0});
    const absl::Status invalid = co_await none.Run([] {});
    ExpectSays(invalid,
               "a BlockingPool's threads are 0, but must be 1 to 1024");

    BlockingPool full({.threads = 1, .queue = 0});
    const absl::Status refused = co_await full.Run([] {});
    ExpectSays(refused,
               "blocking work was refused: 0 pieces wait for a thread");
    EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);

    const internal::SysOverride restore;
    internal::sys.thread_create = [](pthread_t*, const pthread_attr_t*,
                                     void* (*)(void*),
                                     void*) { return EAGAIN; };
    BlockingPool threadless;
    const absl::Status no_thread = co_await threadless.Run([] {});
    ExpectSays(no_thread,
               "no thread for blocking work could be started: EAGAIN");
    EXPECT_EQ(threadless.waiting(), 0u);
    (void)runtime;
  });
}

TEST(BlockingPoolDeathTest, GoesWhenItsWorkHasEnded) {
  EXPECT_DEATH(
      {
        Runtime runtime;
        std::latch begun{1};
        auto pool = std::make_unique<BlockingPool>();
        auto work = [&]() -> Task<> {
          (void)co_await pool->Run([&] {
            begun.count_down();
            std::this_thread::sleep_for(1h);
          });
        };
        runtime.Spawn(work());
        std::thread run([&] { (void)runtime.Run(); });
        begun.wait();
        pool.reset();
      },
      "netpoll: a BlockingPool was destroyed before its work had ended");
}

TEST(BlockingPoolDeathTest, ItsWorkIsAwaitedOnce) {
  EXPECT_DEATH(
      {
        BlockingPool pool;
        Runtime runtime;
        auto work = [&]() -> Task<> {
          auto op = pool.Run([] {});
          (void)co_await op;
          (void)co_await op;
        };
        runtime.Spawn(work());
        (void)runtime.Run();
      },
      "netpoll: a piece of blocking work was awaited twice");
}

}  // namespace
}  // namespace netpoll
