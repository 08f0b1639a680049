// SPDX-License-Identifier: Apache-2.0
//
// Awaitables that are not this library's: a task that was resumed by whoever
// likes, a thread of its own or another task, goes on, and so does all that
// awaits it.

#include <array>
#include <coroutine>
#include <cstddef>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

class ForeignAwaitTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(ForeignAwaitTest);

// Threads that resume what was awaited, each once. They have ended when this
// has.
class Threads {
 public:
  Threads() = default;
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  ~Threads() {
    // One may be about to start, or to have started, the next.
    for (;;) {
      std::vector<std::thread> some;
      {
        const LockHolder hold(lock_, "test.threads");
        some.swap(threads_);
      }
      if (some.empty()) break;
      for (std::thread& thread : some) thread.join();
    }
  }

  auto Pass() {
    struct Awaiter {
      bool await_ready() const { return false; }
      void await_suspend(std::coroutine_handle<> task) {
        pool.Start([task] { task.resume(); });
      }
      void await_resume() const {}
      Threads& pool;
    };
    return Awaiter{*this};
  }

 private:
  template <class Body>
  void Start(Body body) {
    const LockHolder hold(lock_, "test.threads");
    threads_.emplace_back(body);
  }

  StdEnv::Lock lock_;
  std::vector<std::thread> threads_;
};

// As deep as that, `pass` is awaited.
Task<int> Nested(Threads& threads, int depth) {
  if (depth > 0) {
    const int inner = co_await Nested(threads, depth - 1);
    co_return inner + 1;
  }
  co_await threads.Pass();
  co_return 0;
}

TEST_P(ForeignAwaitTest, ATaskIsResumedByAThreadOfSomebodyElses) {
  for (const int depth : {0, 1, 2, 40}) {
    Threads pool;
    RunTest(threads(), [&](Runtime& runtime) -> Task<> {
      for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(co_await Nested(pool, depth), depth);
        co_await runtime.Yield();  // And home again.
      }
      EXPECT_EQ(co_await Nested(pool, depth), depth);
      EXPECT_EQ(co_await Nested(pool, depth), depth);
    });
  }
}

TEST_P(ForeignAwaitTest, ManyAreResumedAtOnce) {
  Threads pool;
  RunTest(threads(), [&](Runtime& runtime) -> Task<> {
    std::vector<JoinHandle<int>> all;
    for (int i = 0; i < 100; ++i) all.push_back(runtime.Spawn(Nested(pool, 2)));
    for (auto& one : all) EXPECT_EQ(co_await std::move(one), 2);
  });
}

// Holds a task until somebody resumes it, who has looked whether it is there.
struct Held {
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> awaits) {
    task = awaits;
    there.Store("test", 1, Order::kRelease);
  }
  void await_resume() const {}
  bool Is() { return there.Load("test", Order::kAcquire) != 0; }
  std::coroutine_handle<> task;
  StdEnv::Atomic<int> there{0};
};

Task<int> Wait(Held& held) {
  co_await held;
  co_return 1;
}

Task<int> WaitInside(Held& held) {
  const int inner = co_await Wait(held);
  co_return inner + 1;
}

Task<int> Ready() { co_return 3; }

// Each goes on before the call that resumed it returns: none is forgotten for
// the next, nor does the task that resumes them lose its way.
TEST_P(ForeignAwaitTest, ATaskResumesSeveralOthers) {
  std::array<Held, 3> held;
  RunTest(threads(), [&](Runtime& runtime) -> Task<> {
    std::vector<JoinHandle<int>> all;
    for (Held& one : held) all.push_back(runtime.Spawn(WaitInside(one)));
    for (Held& one : held) {
      while (!one.Is()) co_await runtime.Yield();
    }
    held[0].task.resume();
    EXPECT_TRUE(all[0].ended());
    held[1].task.resume();
    EXPECT_EQ(co_await Ready(), 3);
    held[2].task.resume();
    for (auto& one : all) EXPECT_EQ(co_await std::move(one), 2);
  });
}

// A thread that was a worker once, and is none any more.
TEST_P(ForeignAwaitTest, WhoCalledRunResumesATaskLater) {
  Runtime first({.threads = threads()});
  first.Spawn([]() -> Task<> { co_return; }());
  EXPECT_TRUE(RunWatched(first).ok());
  Held held;
  int got = 0;
  auto task = [](Held& one, int& out) -> Task<> {
    out = co_await WaitInside(one);
  };
  Runtime second({.threads = threads()});
  second.Spawn(task(held, got));
  std::thread run([&] { EXPECT_TRUE(RunWatched(second).ok()); });
  while (!held.Is()) std::this_thread::yield();
  held.task.resume();
  run.join();
  EXPECT_EQ(got, 2);
}

// Before await_suspend has returned, even.
TEST_P(ForeignAwaitTest, ATaskIsResumedAtOnce) {
  struct AtOnce {
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> task) { task.resume(); }
    void await_resume() const {}
  };
  auto child = []() -> Task<int> {
    co_await AtOnce();
    co_return 5;
  };
  RunTest(threads(), [&](Runtime& runtime) -> Task<> {
    EXPECT_EQ(co_await child(), 5);
    co_await runtime.Yield();
    EXPECT_EQ(co_await child(), 5);
  });
}

}  // namespace
}  // namespace netpoll
