// SPDX-License-Identifier: Apache-2.0
//
// Run: who may call it, and when it returns. Stop at every time.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <new>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;
using Count = StdEnv::Atomic<int>;

class RunningTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(RunningTest);

Task<> Add(Count& count) {
  count.FetchAdd("test", 1, Order::kAcqRel);
  co_return;
}

TEST_P(RunningTest, ASecondCallerIsRefusedAndTheFirstGoesOn) {
  Runtime runtime({.threads = threads()});
  Count end{0};
  Count inside{0};
  runtime.Spawn([](Runtime& r, Count& in, Count& out) -> Task<> {
    in.Store("test", 1, Order::kRelease);
    while (out.Load("test", Order::kAcquire) == 0) co_await r.Sleep(100us);
  }(runtime, inside, end));
  std::thread first([&] { EXPECT_TRUE(RunWatched(runtime).ok()); });
  while (inside.Load("test", Order::kAcquire) == 0) std::this_thread::yield();
  for (int i = 0; i < 3; ++i) {
    const absl::Status status = RunWatched(runtime);
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(status.message(),
              "Run was called while it is at work in another thread");
  }
  end.Store("test", 1, Order::kRelease);
  first.join();
}

// Whatever was spawned before Run returned has been run.
TEST_P(RunningTest, ReturnsOnlyWhenWhatWasSpawnedBeforeHasEnded) {
  Runtime runtime({.threads = threads()});
  Count spawned{0};
  Count ended{0};
  Count stop{0};
  std::thread spawner([&] {
    while (stop.Load("test", Order::kAcquire) == 0) {
      runtime.Spawn(Add(ended));
      spawned.FetchAdd("test", 1, Order::kAcqRel);
      std::this_thread::yield();
    }
  });
  for (int i = 0; i < 2'000; ++i) {
    const int before = spawned.Load("test", Order::kAcquire);
    EXPECT_TRUE(runtime.Run().ok());
    EXPECT_GE(ended.Load("test", Order::kAcquire), before);
  }
  stop.Store("test", 1, Order::kRelease);
  spawner.join();
  EXPECT_TRUE(RunWatched(runtime).ok());
  EXPECT_EQ(ended.Load("test", Order::kAcquire),
            spawned.Load("test", Order::kAcquire));
}

// What others call a guard of work: whoever holds the pipe's other end keeps
// Run at work, and lets it return.
TEST_P(RunningTest, ATaskThatWaitsKeepsItAtWork) {
  Runtime runtime({.threads = threads()});
  for (int round = 0; round < 2; ++round) {
    auto pipe = Descriptor::Pipe(runtime);
    ASSERT_TRUE(pipe.ok()) << pipe.status();
    runtime.Spawn([](Descriptor held) -> Task<> {
      char byte;
      const IoResult end = co_await held.Read({&byte, 1});
      EXPECT_TRUE(end.ok() && end.bytes == 0) << end.status.ToString();
    }(std::move(pipe->read)));
    Count ended{0};
    Count returned{0};
    std::thread run([&] {
      EXPECT_TRUE(RunWatched(runtime).ok());
      returned.Store("test", 1, Order::kRelease);
    });
    // Each comes when there is nothing else to run, or soon will be.
    for (int i = 1; i <= 100; ++i) {
      runtime.Spawn(Add(ended));
      while (ended.Load("test", Order::kAcquire) != i) {
        std::this_thread::yield();
      }
      EXPECT_EQ(returned.Load("test", Order::kAcquire), 0);
    }
    pipe->write.CloseNow();
    run.join();
  }
}

// A thread spawns one task exactly when the last one ends.
TEST_P(RunningTest, ASpawnThatMeetsTheEndIsRunOrLeftToTheNextRun) {
  for (int i = 0; i < 500; ++i) {
    // A ring gives the memory that it locked back a little after its end.
    std::optional<Runtime> made;
    do {
      made.emplace(RuntimeOptions{.threads = threads()});
    } while (absl::IsResourceExhausted(made->status()));
    ASSERT_TRUE(made->status().ok()) << made->status();
    Runtime& runtime = *made;
    Count go{0};
    Count ended{0};
    std::thread spawner([&] {
      while (go.Load("test", Order::kAcquire) == 0) continue;
      runtime.Spawn(Add(ended));
      // Run has not returned yet if this is seen after it.
      go.Store("test", 2, Order::kRelease);
    });
    runtime.Spawn([](Count& flag) -> Task<> {
      flag.Store("test", 1, Order::kRelease);
      co_return;
    }(go));
    EXPECT_TRUE(runtime.Run().ok());
    spawner.join();
    EXPECT_TRUE(RunWatched(runtime).ok());
    ASSERT_EQ(ended.Load("test", Order::kAcquire), 1);
  }
}

TEST_P(RunningTest, RunsAgainWhatIsSpawnedAfterIt) {
  Runtime runtime({.threads = threads()});
  Count ended{0};
  for (int i = 1; i <= 20; ++i) {
    runtime.Spawn([](Runtime& r, Count& n) -> Task<> {
      co_await r.Sleep(10us);
      n.FetchAdd("test", 1, Order::kAcqRel);
    }(runtime, ended));
    EXPECT_TRUE(RunWatched(runtime).ok());
    EXPECT_EQ(ended.Load("test", Order::kAcquire), i);
  }
}

// --- Stop --------------------------------------------------------------------

Task<> ExpectStopped(Runtime& runtime, Count& ended) {
  EXPECT_FALSE(co_await runtime.Sleep(1h));
  EXPECT_FALSE(co_await runtime.Sleep(0s));
  EXPECT_FALSE(Socket::Pair(runtime).ok());
  ended.FetchAdd("test", 1, Order::kAcqRel);
}

TEST_P(RunningTest, StopHoldsBeforeWithinAndAfter) {
  Runtime runtime({.threads = threads()});
  Count ended{0};
  runtime.Stop();
  runtime.Spawn(ExpectStopped(runtime, ended));
  EXPECT_TRUE(RunWatched(runtime).ok());
  runtime.Stop();
  runtime.Spawn(ExpectStopped(runtime, ended));
  EXPECT_TRUE(RunWatched(runtime).ok());
  EXPECT_EQ(ended.Load("test", Order::kAcquire), 2);
}

// Opens and sleeps begin at every moment of a Stop.
TEST_P(RunningTest, StopMeetsOpenAndSleep) {
  for (int i = 0; i < 100; ++i) {
    Runtime runtime({.threads = threads()});
    Count begun{0};
    auto sleeper = [](Runtime& r, Count& n) -> Task<> {
      n.FetchAdd("test", 1, Order::kAcqRel);
      while (co_await r.Sleep(1h)) continue;
    };
    auto opener = [](Runtime& r, Count& n) -> Task<> {
      n.FetchAdd("test", 1, Order::kAcqRel);
      for (;;) {
        auto ends = Socket::Pair(r);
        if (!ends.ok()) co_return;
        char byte;
        ends->first.SetReadDeadline(Deadline::After(Runtime::Now(), 10us));
        if ((co_await ends->first.Read({&byte, 1})).status.closing()) co_return;
      }
    };
    for (int k = 0; k < 4; ++k) {
      runtime.Spawn(sleeper(runtime, begun));
      runtime.Spawn(opener(runtime, begun));
    }
    std::thread stopper([&] {
      while (begun.Load("test", Order::kAcquire) < 1 + i % 8) {
        std::this_thread::yield();
      }
      runtime.Stop();
    });
    EXPECT_TRUE(RunWatched(runtime).ok());
    stopper.join();
    EXPECT_EQ(runtime.stats().parked, 0);
  }
}

// Of several exceptions that nobody awaits Run throws the first, once.
TEST(UnheardTest, TheFirstExceptionIsThrownAndOnce) {
  Runtime runtime;
  for (const char* const what : {"first", "second"}) {
    runtime.Spawn([](const char* text) -> Task<> {
      if (text != nullptr) throw std::runtime_error(text);
      co_return;
    }(what));
  }
  try {
    (void)RunWatched(runtime);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "first");
  }
  EXPECT_TRUE(runtime.stopping());
  EXPECT_TRUE(RunWatched(runtime).ok());
}

Task<> Fail(Runtime& runtime) {
  co_await runtime.Yield();
  throw std::runtime_error("unheard");
}

// `drop(runtime)` leaves nobody who would hear of a task that fails.
template <class Drop>
void ExpectThrownByRun(Drop drop) {
  Runtime runtime;
  runtime.Spawn(drop(runtime));
  EXPECT_THROW((void)RunWatched(runtime), std::runtime_error);
}

TEST(UnheardTest, AHandleThatIsDroppedAfterTheEnd) {
  ExpectThrownByRun([](Runtime& runtime) -> Task<> {
    auto handle = runtime.Spawn(Fail(runtime));
    while (!handle.ended()) co_await runtime.Yield();
  });
}

TEST(UnheardTest, AHandleThatAnotherOneReplaces) {
  ExpectThrownByRun([](Runtime& runtime) -> Task<> {
    auto handle = runtime.Spawn(Fail(runtime));
    Count ran{0};
    handle = runtime.Spawn(Add(ran));
    co_await std::move(handle);
  });
}

// The place where a runtime was is somebody else's when a handle is dropped
// that has outlived it.
TEST(UnheardTest, ARuntimeThatIsGoneIsNotTold) {
  alignas(Runtime) static std::array<std::byte, sizeof(Runtime)> place;
  auto* const runtime = new (place.data()) Runtime;
  std::optional<JoinHandle<void>> handle(runtime->Spawn(Fail(*runtime)));
  EXPECT_TRUE(RunWatched(*runtime).ok());
  runtime->~Runtime();
  place.fill(std::byte{0});
  handle.reset();
  EXPECT_EQ(std::count(place.begin(), place.end(), std::byte{0}),
            static_cast<std::ptrdiff_t>(place.size()));
}

TEST_P(RunningTest, AStopWhileNothingIsSpawnedEndsNothing) {
  Runtime runtime({.threads = threads()});
  runtime.Stop();
  runtime.Stop();
  EXPECT_TRUE(runtime.stopping());
  EXPECT_TRUE(RunWatched(runtime).ok());
}

}  // namespace
}  // namespace netpoll
