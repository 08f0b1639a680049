// SPDX-License-Identifier: Apache-2.0
//
// The rules of the runtime's public headers, each broken: docs/rules.md. A
// broken rule stops the process with a sentence; nothing hangs or crashes.

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

Task<> Nothing() { co_return; }

// Runs a task alone, to be stopped by a broken rule.
template <class Body>
void Break(Body body) {
  Runtime runtime;
  runtime.Spawn(body(runtime));
  static_cast<void>(RunWatched(runtime));
}

class MisuseDeathTest : public testing::Test {
 protected:
  MisuseDeathTest() { testing::FLAGS_gtest_death_test_style = "threadsafe"; }
};

// --- task.h ------------------------------------------------------------------

constexpr char kTask[] =
    "netpoll: a Task was awaited that was moved from or awaited before";

TEST_F(MisuseDeathTest, ATaskIsAwaitedOnce) {
  EXPECT_DEATH(Break([](Runtime&) -> Task<> {
                 Task<> task = Nothing();
                 co_await std::move(task);
                 co_await std::move(task);
               }),
               kTask);
}

TEST_F(MisuseDeathTest, ATaskThatWasMovedFromIsNotAwaited) {
  EXPECT_DEATH(Break([](Runtime&) -> Task<> {
                 Task<> task = Nothing();
                 Task<> other = std::move(task);
                 co_await std::move(task);
               }),
               kTask);
}

TEST_F(MisuseDeathTest, ATaskThatWasMovedFromIsNotSpawned) {
  EXPECT_DEATH(
      {
        Runtime runtime;
        Task<> task = Nothing();
        runtime.Spawn(std::move(task));
        runtime.Spawn(std::move(task));
        static_cast<void>(RunWatched(runtime));
      },
      kTask);
}

TEST_F(MisuseDeathTest, ATaskThatIsSuspendedIsNotDestroyed) {
  EXPECT_DEATH(Break([](Runtime& runtime) -> Task<> {
                 auto task = std::make_unique<Task<>>(
                     [](Runtime& r) -> Task<> { co_await r.Yield(); }(runtime));
                 runtime.Spawn([](std::unique_ptr<Task<>>& t) -> Task<> {
                   co_await std::move(*t);
                 }(task));
                 co_await runtime.Yield();
                 task.reset();
               }),
               "netpoll: a Task was destroyed while it was suspended");
}

// --- join.h ------------------------------------------------------------------

constexpr char kHandle[] =
    "netpoll: a JoinHandle was asked that was moved from, detached or awaited";

TEST_F(MisuseDeathTest, AHandleWithoutATaskHasNotEnded) {
  EXPECT_DEATH(Break([](Runtime& runtime) -> Task<> {
                 JoinHandle<void> handle = runtime.Spawn(Nothing());
                 JoinHandle<void> other = std::move(handle);
                 static_cast<void>(handle.ended());
                 co_return;
               }),
               kHandle);
}

TEST_F(MisuseDeathTest, AHandleIsAwaitedOnce) {
  EXPECT_DEATH(Break([](Runtime& runtime) -> Task<> {
                 JoinHandle<void> handle = runtime.Spawn(Nothing());
                 co_await std::move(handle);
                 co_await std::move(handle);
               }),
               kHandle);
}

TEST_F(MisuseDeathTest, AHandleThatWasDetachedIsNotAwaited) {
  EXPECT_DEATH(Break([](Runtime& runtime) -> Task<> {
                 JoinHandle<void> handle = runtime.Spawn(Nothing());
                 handle.Detach();
                 handle.Detach();  // Twice does nothing.
                 co_await std::move(handle);
               }),
               kHandle);
}

TEST_F(MisuseDeathTest, AnAwaitableOfAHandleIsAwaitedOnce) {
  EXPECT_DEATH(Break([](Runtime& runtime) -> Task<> {
                 auto awaiter = runtime.Spawn(Nothing()).operator co_await();
                 co_await awaiter;
                 co_await awaiter;
               }),
               kHandle);
}

TEST_F(MisuseDeathTest, ASpawnedTaskIsAwaitedByOne) {
  EXPECT_DEATH(Break([](Runtime& runtime) -> Task<> {
                 auto await = [](JoinHandle<bool>& one) -> Task<> {
                   (void)co_await one.Ended();
                 };
                 auto one = runtime.Spawn([](Runtime& r) -> Task<bool> {
                   co_return co_await r.Sleep(std::chrono::hours(1));
                 }(runtime));
                 runtime.Spawn(await(one));
                 runtime.Spawn(await(one));
                 (void)co_await runtime.Sleep(std::chrono::hours(1));
               }),
               "netpoll: two tasks await one spawned task");
}

// --- runtime.h ---------------------------------------------------------------

TEST_F(MisuseDeathTest, ARuntimeWithTasksIsNotDestroyed) {
  EXPECT_DEATH(
      {
        Runtime runtime;
        runtime.Spawn(Nothing());
      },
      "netpoll: a Runtime was destroyed before its tasks had ended");
}

TEST_F(MisuseDeathTest, ARuntimeThatRunsIsNotDestroyed) {
  EXPECT_DEATH(Break([](Runtime& runtime) -> Task<> {
                 runtime.~Runtime();
                 co_return;
               }),
               "netpoll: a Runtime was destroyed while Run was at work in it");
}

TEST_F(MisuseDeathTest, ARuntimeWithOpenDescriptorsIsNotDestroyed) {
  EXPECT_DEATH(
      {
        std::optional<Socket::Ends> ends;
        Runtime runtime;
        ends.emplace(*Socket::Pair(runtime));
        runtime.~Runtime();
      },
      "netpoll: a Poller was destroyed while descriptors were open in it");
}

// --- descriptor.h, io_op.h ---------------------------------------------------

TEST_F(MisuseDeathTest, AnOperationIsAwaitedOnce) {
  for (const bool wait : {false, true}) {
    EXPECT_DEATH(Break([wait](Runtime& runtime) -> Task<> {
                   auto ends = Socket::Pair(runtime);
                   std::array<char, 4> buffer;
                   if (!wait) (void)co_await ends->second.Write("x");
                   ends->first.SetReadDeadline(
                       runtime.After(std::chrono::milliseconds(1)));
                   auto read = ends->first.Read(buffer);
                   static_cast<void>(co_await read);
                   static_cast<void>(co_await read);
                 }),
                 "netpoll: an operation on a descriptor was awaited twice");
  }
}

TEST_F(MisuseDeathTest, AnOperationOnNothingIsAwaitedOnce) {
  EXPECT_DEATH(Break([](Runtime&) -> Task<> {
                 Socket none;
                 auto write = none.Write("x");
                 static_cast<void>(co_await write);
                 static_cast<void>(co_await write);
               }),
               "netpoll: an operation on a descriptor was awaited twice");
}

TEST_F(MisuseDeathTest, ACloseIsAwaitedOnce) {
  EXPECT_DEATH(Break([](Runtime& runtime) -> Task<> {
                 auto ends = Socket::Pair(runtime);
                 auto close = ends->first.Close();
                 static_cast<void>(co_await close);
                 static_cast<void>(co_await close);
               }),
               "netpoll: a Close or Detach was awaited twice");
}

// --- No stack ----------------------------------------------------------------

Task<int> ChainOf(int depth) {
  if (depth == 0) co_return 0;
  co_return 1 + co_await ChainOf(depth - 1);
}

Task<int> ChainThatYields(Runtime& runtime, int depth) {
  if (depth == 0) {
    co_await runtime.Yield();
    co_return 0;
  }
  co_return 1 + co_await ChainThatYields(runtime, depth - 1);
}

TEST(NoStackTest, TasksThatAwaitEachOtherTakeNone) {
  static constexpr int kDepth = 300'000;
  for (const int threads : {1, 2}) {
    RunTest(threads, [](Runtime& runtime) -> Task<> {
      EXPECT_EQ(co_await ChainOf(kDepth), kDepth);
      EXPECT_EQ(co_await ChainThatYields(runtime, kDepth), kDepth);
    });
  }
}

Task<> Own(Task<> inner) { co_await std::move(inner); }

// Tasks that own each other and never began: the stated limit.
TEST(NoStackTest, TenThousandTasksThatOwnEachOtherMayBeDestroyed) {
  Task<> task = Nothing();
  for (int i = 0; i < 10'000; ++i) task = Own(std::move(task));
}

}  // namespace
}  // namespace netpoll
