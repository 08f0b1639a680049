// SPDX-License-Identifier: Apache-2.0
//
// The threads of Run: what becomes of one that can't be started, and that all
// are kept until it ends.

#include <pthread.h>

#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/runtime_observer.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/shard.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using Count = StdEnv::Atomic<int>;

Task<> Add(Count& count) {
  count.FetchAdd("test", 1, Order::kAcqRel);
  co_return;
}

Count threads_left{0};
Count threads_started{0};

int CreateSome(pthread_t* thread, const pthread_attr_t* attr,
               void* (*run)(void*), void* argument) {
  if (threads_left.FetchAdd("test", -1, Order::kAcqRel) <= 0) return EAGAIN;
  threads_started.FetchAdd("test", 1, Order::kAcqRel);
  return ::pthread_create(thread, attr, run, argument);
}

TEST(RunningThreadsTest, AThreadThatCannotBeStartedIsAStatusAndNothingIsBegun) {
  for (int can = 0; can < 3; ++can) {
    Runtime runtime({.threads = 4});
    Count ended{0};
    runtime.Spawn(Add(ended));
    {
      internal::SysOverride restore;
      internal::sys.thread_create = &CreateSome;
      threads_left.Store("test", can, Order::kRelease);
      threads_started.Store("test", 0, Order::kRelease);
      const absl::Status status = RunWatched(runtime);
      EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
      EXPECT_EQ(status.message(), "of 4 worker threads only " +
                                      std::to_string(can + 1) +
                                      " could be started: EAGAIN");
      EXPECT_EQ(threads_started.Load("test", Order::kAcquire), can);
    }
    EXPECT_EQ(ended.Load("test", Order::kAcquire), 0) << "a task was run";
    EXPECT_EQ(runtime.stats().task_runs, 0u);
    EXPECT_TRUE(RunWatched(runtime).ok()) << "possible again";
    EXPECT_EQ(ended.Load("test", Order::kAcquire), 1);
  }
}

// What a worker's thread does as it ends: all tasks of a Run have gone, and Run
// has not returned.
struct AtTheThreadsEnd {
  ~AtTheThreadsEnd() {
    if (runtime != nullptr) runtime->Spawn(Add(*count));
  }
  Runtime* runtime = nullptr;
  Count* count = nullptr;
};
thread_local AtTheThreadsEnd at_the_threads_end;

// Where no threads can be had any more they are left for the next call.
TEST(RunningThreadsTest, WhatThreadsSpawnAsTheyEndIsRunToo) {
  for (const int can : {0, 2, 3}) {
    const internal::SysOverride restore;
    internal::sys.thread_create = &CreateSome;
    threads_left.Store("test", 3, Order::kRelease);
    Runtime runtime({.threads = 4});
    Count begun{0};
    Count late{0};
    // One on each worker; the caller's is not to end.
    auto task = [](Runtime& r, Count& all, Count& ran, int later,
                   std::thread::id caller) -> Task<> {
      all.FetchAdd("test", 1, Order::kAcqRel);
      while (all.Load("test", Order::kAcquire) < 4) std::this_thread::yield();
      threads_left.Store("test", later, Order::kRelease);
      if (std::this_thread::get_id() == caller) co_return;
      at_the_threads_end.runtime = &r;
      at_the_threads_end.count = &ran;
    };
    for (int i = 0; i < 4; ++i) {
      runtime.Spawn(
          task(runtime, begun, late, can, std::this_thread::get_id()));
    }
    absl::Status status = RunWatched(runtime);
    if (can < 3) {
      EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
      EXPECT_EQ(late.Load("test", Order::kAcquire), 0);
      threads_left.Store("test", 3, Order::kRelease);
      status = RunWatched(runtime);
    }
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(late.Load("test", Order::kAcquire), 3);
  }
}

// Told when a task has run, maybe the last one: then workers are about to
// leave, and what is spawned here begins another round of the same Run.
struct SpawnsAfterTheLast : RuntimeObserver {
  void RunEnds(int) override {
    if (runtime == nullptr) return;
    Runtime* const of = std::exchange(runtime, nullptr);
    threads_left.Store("test", 0, Order::kRelease);
    of->Spawn(
        [](Runtime& r, std::vector<int>& seen) -> Task<> {
          seen.push_back(r.CurrentWorker());
          co_return;
        }(*of, workers),
        {.worker = 3});
  }
  Runtime* runtime = nullptr;
  std::vector<int> workers;
};

TEST(RunningThreadsTest, ARunKeepsEachWorkersThreadUntilItEnds) {
  for (const bool sharded : {false, true}) {
    const internal::SysOverride restore;
    internal::sys.thread_create = &CreateSome;
    threads_left.Store("test", 3, Order::kRelease);
    SpawnsAfterTheLast last;
    Runtime runtime({.threads = 4, .sharded = sharded, .observer = &last});
    last.runtime = &runtime;
    runtime.Spawn([]() -> Task<> { co_return; }());
    const absl::Status status = RunWatched(runtime);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(last.workers, std::vector{3});
  }
}

// Tasks on each of many workers, where only two can run at once.
TEST(RunningThreadsTest, NoMorePollersThanProcessorsHearOfWhatIsOpened) {
  const internal::SysOverride restore;
  internal::sys.processors = [] { return 2; };
  constexpr int kThreads = 6;
  Runtime runtime({.threads = kThreads, .sharded = true});
  int polls_for[kThreads];
  for (int worker = 0; worker < kThreads; ++worker) {
    runtime.Spawn(
        [](Runtime& r, int& number) -> Task<> {
          number = internal::SchedulerOf(r).PollerFor(std::nullopt).worker;
          co_return;
        }(runtime, polls_for[worker]),
        {.worker = worker});
  }
  EXPECT_TRUE(RunWatched(runtime).ok());
  for (int worker = 0; worker < kThreads; ++worker) {
    EXPECT_EQ(polls_for[worker], worker % 2);
  }
  // Of what is handed in by its number, and of a thread that is no worker.
  internal::Scheduler& scheduler = internal::SchedulerOf(runtime);
  EXPECT_EQ(scheduler.PollerFor(7).worker, 1);
  EXPECT_EQ(&scheduler.PollerFor(7), &scheduler.PollerFor(7));
  for (int i = 0; i < kThreads; ++i) {
    EXPECT_LT(scheduler.PollerFor(std::nullopt).worker, 2);
  }
}

TEST(RunningThreadsTest, OneWorkerNeedsNoThread) {
  internal::SysOverride restore;
  internal::sys.thread_create = &CreateSome;
  threads_left.Store("test", 0, Order::kRelease);
  Runtime runtime;
  Count ended{0};
  runtime.Spawn(Add(ended));
  EXPECT_TRUE(RunWatched(runtime).ok());
  EXPECT_EQ(ended.Load("test", Order::kAcquire), 1);
}

TEST(RunningThreadsTest, ANumberOfThreadsThatCannotBeIsAStatus) {
  for (const int threads : {-1, 0, 65, 128}) {
    Runtime runtime({.threads = threads});
    EXPECT_EQ(runtime.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(
        runtime.status().message(),
        "threads is " + std::to_string(threads) + ", but it must be 1 to 64");
    EXPECT_EQ(runtime.Run(), runtime.status());
  }
  Runtime most({.threads = 64});
  EXPECT_TRUE(most.status().ok());
  EXPECT_EQ(most.threads(), 64);
}

}  // namespace
}  // namespace netpoll
