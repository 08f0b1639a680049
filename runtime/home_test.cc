// SPDX-License-Identifier: Apache-2.0
//
// A waiter has a home: a task that waits for something of another runtime, or
// is woken from a thread that is no worker, goes on in the runtime that runs
// it, also when the other has ended or is gone.

#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"
#include "netpoll/runtime/worker.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

class HomeTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(HomeTest);

bool RunsIn(Runtime& runtime) {
  return internal::this_worker != nullptr &&
         internal::this_worker->scheduler == &internal::SchedulerOf(runtime);
}

// Two runtimes: `home` runs on the test's thread, `other` on one of its own,
// until the test lets it go.
class Two {
 public:
  explicit Two(int threads)
      : home({.threads = threads}), other({.threads = threads}) {
    other.Spawn([](Runtime& r, Flag& flag) -> Task<> {
      while (flag.Load("test", Order::kAcquire) == 0) co_await r.Sleep(200us);
    }(other, end_));
  }
  void StartOther() {
    thread_ = std::thread([this] { EXPECT_TRUE(RunWatched(other).ok()); });
  }
  // Returns when the other's Run has.
  void EndOther() {
    end_.Store("test", 1, Order::kRelease);
    if (thread_.joinable()) thread_.join();
  }
  void Run() {
    StartOther();
    EXPECT_TRUE(RunWatched(home).ok());
    EndOther();
  }

  Runtime home;
  Runtime other;

 private:
  using Flag = StdEnv::Atomic<int>;
  Flag end_{0};
  std::thread thread_;
};

Task<IoResult> ReadOne(Socket& socket) {
  std::array<char, 1> buffer;
  co_return co_await socket.Read(buffer);
}

Task<int> SleepThen(Runtime& runtime, int value) {
  co_await runtime.Sleep(300us);
  co_return value;
}

TEST_P(HomeTest, ATaskOfAnotherRuntimeIsJoinedAtHome) {
  Two two(threads());
  int sum = 0;
  two.home.Spawn([](Two& t, int& total) -> Task<> {
    for (int i = 0; i < 100; ++i) {
      total += co_await t.other.Spawn(SleepThen(t.other, 1));
      EXPECT_TRUE(RunsIn(t.home));
    }
  }(two, sum));
  two.Run();
  EXPECT_EQ(sum, 100);
}

// The last task of the other: its Run returns as the waiter is woken.
TEST_P(HomeTest, ATaskIsJoinedWhoseRuntimeEndsWithIt) {
  for (int i = 0; i < 50; ++i) {
    Runtime home({.threads = threads()});
    auto other =
        std::make_unique<Runtime>(RuntimeOptions{.threads = threads()});
    JoinHandle<int> handle = other->Spawn(SleepThen(*other, 7));
    int got = 0;
    home.Spawn([](Runtime& r, JoinHandle<int> h, int& out) -> Task<> {
      out = co_await std::move(h);
      EXPECT_TRUE(RunsIn(r));
    }(home, std::move(handle), got));
    std::thread thread([&other] {
      EXPECT_TRUE(RunWatched(*other).ok());
      other.reset();
    });
    EXPECT_TRUE(RunWatched(home).ok());
    thread.join();
    EXPECT_EQ(got, 7);
  }
}

TEST_P(HomeTest, AHandleOutlivesItsRuntime) {
  std::optional<JoinHandle<int>> result;
  std::optional<JoinHandle<int>> dropped;
  std::optional<JoinHandle<int>> failed;
  {
    Runtime gone({.threads = threads()});
    result.emplace(gone.Spawn(SleepThen(gone, 5)));
    dropped.emplace(gone.Spawn(SleepThen(gone, 6)));
    auto fail = [](Runtime& r) -> Task<int> {
      co_await r.Yield();
      throw std::runtime_error("lost");
    };
    failed.emplace(gone.Spawn(fail(gone)));
    EXPECT_TRUE(RunWatched(gone).ok());
  }
  EXPECT_TRUE(result->ended());
  EXPECT_TRUE(failed->ended());
  dropped.reset();
  int got = 0;
  RunTest(threads(),
          [&](Runtime&) -> Task<> { got = co_await std::move(*result); });
  EXPECT_EQ(got, 5);
  failed.reset();  // Nobody is left to be told.
}

TEST_P(HomeTest, ATaskThatCouldNeverStartEndsWithAnException) {
  auto refused = std::make_unique<Runtime>(RuntimeOptions{.backend = "none"});
  JoinHandle<int> handle = refused->Spawn(SleepThen(*refused, 1));
  EXPECT_FALSE(refused->Run().ok());
  std::string caught;
  RunTest(threads(), [&](Runtime& runtime) -> Task<> {
    runtime.Spawn([](std::unique_ptr<Runtime>& r) -> Task<> {
      r.reset();
      co_return;
    }(refused));
    try {
      co_await std::move(handle);
    } catch (const std::runtime_error& error) {
      caught = error.what();
    }
  });
  EXPECT_EQ(caught, "netpoll: the runtime went before the task could start");
}

TEST_P(HomeTest, AnOperationOnAnothersDescriptorEndsAtHome) {
  Two two(threads());
  auto ends = Socket::Pair(two.other);
  ASSERT_TRUE(ends.ok());
  two.home.Spawn([](Two& t, Socket& mine, Socket& theirs) -> Task<> {
    for (int i = 0; i < 100; ++i) {
      t.other.Spawn([](Socket& s) -> Task<> {
        EXPECT_TRUE((co_await s.Write("x")).ok());
      }(theirs));
      EXPECT_EQ((co_await ReadOne(mine)).bytes, 1u);
      EXPECT_TRUE(RunsIn(t.home));
    }
    mine.SetReadDeadline(t.home.After(1ms));
    EXPECT_TRUE((co_await ReadOne(mine)).status.timeout());
    EXPECT_TRUE(RunsIn(t.home));
    EXPECT_TRUE((co_await mine.WaitWritable()).ok());
    const std::string much(1 << 20, 'x');
    mine.SetWriteDeadline(t.home.After(2ms));
    EXPECT_TRUE((co_await mine.Write(much)).status.timeout());
    EXPECT_TRUE(RunsIn(t.home));
  }(two, ends->first, ends->second));
  two.Run();
  EXPECT_EQ(two.other.stats().parked, 0);
}

// Tasks of both runtimes queue for one direction.
TEST_P(HomeTest, ATaskThatQueuesForADirectionGoesOnAtHome) {
  Two two(threads());
  auto ends = Socket::Pair(two.other);
  ASSERT_TRUE(ends.ok());
  std::vector<JoinHandle<void>> readers;
  auto read = [](Runtime& r, Socket& s) -> Task<> {
    EXPECT_EQ((co_await ReadOne(s)).bytes, 1u);
    EXPECT_TRUE(RunsIn(r));
  };
  for (int i = 0; i < 8; ++i) {
    Runtime& in = i % 2 == 0 ? two.other : two.home;
    readers.push_back(in.Spawn(read(in, ends->first)));
  }
  two.home.Spawn(
      [](Two& t, Socket& s, std::vector<JoinHandle<void>>& all) -> Task<> {
        while (t.other.stats().parked == 0) co_await t.home.Yield();
        EXPECT_TRUE((co_await s.Write("12345678")).ok());
        for (auto& one : all) co_await std::move(one);
        EXPECT_TRUE(RunsIn(t.home));
      }(two, ends->second, readers));
  two.Run();
}

TEST_P(HomeTest, ACloserOfAnothersDescriptorGoesOnAtHome) {
  Two two(threads());
  auto ends = Socket::Pair(two.other);
  ASSERT_TRUE(ends.ok());
  int detached = -1;
  two.home.Spawn([](Two& t, Socket::Ends& pair, int& fd) -> Task<> {
    auto first = t.other.Spawn(ReadOne(pair.first));
    auto second = t.other.Spawn(ReadOne(pair.second));
    while (t.other.stats().parked < 2) co_await t.home.Yield();
    EXPECT_TRUE((co_await pair.first.Close()).ok());
    EXPECT_TRUE(RunsIn(t.home));
    EXPECT_TRUE((co_await std::move(first)).status.closing());
    auto got = co_await pair.second.Detach();
    EXPECT_TRUE(RunsIn(t.home));
    if (got.ok()) fd = *got;
    (void)co_await std::move(second);
  }(two, *ends, detached));
  two.Run();
  EXPECT_GE(detached, 0);
  ::close(detached);
}

// A guest keeps the other's Run: somebody has to poll for it.
TEST_P(HomeTest, RunServesATaskOfAnotherRuntimeToItsEnd) {
  Two two(threads());
  auto ends = Socket::Pair(two.other);
  ASSERT_TRUE(ends.ok());
  two.StartOther();
  std::thread writer([&] {
    // The guest is there before the other has nothing else to do.
    while (two.other.stats().parked == 0) std::this_thread::yield();
    std::thread other([&] { two.EndOther(); });
    ends->second.WithFd([](int fd) { EXPECT_EQ(::write(fd, "x", 1), 1); });
    other.join();
  });
  two.home.Spawn([](Runtime& r, Socket& s) -> Task<> {
    EXPECT_EQ((co_await ReadOne(s)).bytes, 1u);
    EXPECT_TRUE(RunsIn(r));
  }(two.home, ends->first));
  EXPECT_TRUE(RunWatched(two.home).ok());
  writer.join();
}

// Who stands in line for a direction is a guest already.
TEST_P(HomeTest, RunServesWhoStandsInLineToo) {
  Two two(threads());
  auto ends = Socket::Pair(two.other);
  ASSERT_TRUE(ends.ok());
  two.StartOther();
  two.other.Spawn([](Socket& s) -> Task<> {
    EXPECT_EQ((co_await ReadOne(s)).bytes, 1u);
  }(ends->first));
  two.home.Spawn([](Two& t, Socket::Ends& pair) -> Task<> {
    while (t.other.stats().parked == 0) co_await t.home.Yield();
    auto guest = t.home.Spawn(ReadOne(pair.first));
    const std::int64_t until = Runtime::Now() + 20'000'000'000;
    // The one that keeps it running, the reader, the guest.
    bool counted = false;
    while (!counted && Runtime::Now() < until) {
      counted = t.other.DumpState().find("tasks 3,") != std::string::npos;
      co_await t.home.Yield();
    }
    EXPECT_TRUE(counted) << t.other.DumpState();
    EXPECT_TRUE((co_await pair.second.Write("xy")).ok());
    EXPECT_EQ((co_await std::move(guest)).bytes, 1u);
  }(two, *ends));
  EXPECT_TRUE(RunWatched(two.home).ok());
  two.EndOther();
}

TEST_P(HomeTest, WhereRunHasReturnedAWaitAnswersClosing) {
  Two two(threads());
  auto ends = Socket::Pair(two.other);
  ASSERT_TRUE(ends.ok());
  two.StartOther();
  two.EndOther();
  two.home.Spawn([](Socket::Ends& pair) -> Task<> {
    // What need not wait is done.
    EXPECT_TRUE((co_await pair.second.Write("x")).ok());
    EXPECT_EQ((co_await ReadOne(pair.first)).bytes, 1u);
    EXPECT_TRUE((co_await ReadOne(pair.first)).status.closing());
    EXPECT_TRUE((co_await pair.first.Close()).ok());
    EXPECT_TRUE((co_await pair.second.Close()).ok());
  }(*ends));
  EXPECT_TRUE(RunWatched(two.home).ok());
}

TEST_P(HomeTest, SleepAndYieldOfAnotherRuntimeAreDoneAtHome) {
  auto other = std::make_unique<Runtime>();
  EXPECT_TRUE(other->Run().ok());
  RunTest(threads(), [&other](Runtime& runtime) -> Task<> {
    for (int i = 0; i < 20; ++i) {
      co_await other->Yield();
      EXPECT_TRUE(RunsIn(runtime));
      EXPECT_TRUE(co_await other->Sleep(100us));
      EXPECT_TRUE(RunsIn(runtime));
      EXPECT_TRUE(co_await other->Sleep(0s));
    }
    // It may go while a task sleeps that asked it.
    JoinHandle<bool> sleeper = runtime.Spawn([](Runtime& r) -> Task<bool> {
      co_return co_await r.Sleep(2ms);
    }(*other));
    co_await runtime.Yield();
    co_await runtime.Sleep(100us);
    other.reset();
    EXPECT_TRUE(co_await std::move(sleeper));
  });
}

TEST_P(HomeTest, StopAtHomeEndsASleepThatAskedAnother) {
  Runtime other;
  RunTest(threads(), [&other](Runtime& runtime) -> Task<> {
    JoinHandle<bool> sleeper = runtime.Spawn([](Runtime& r) -> Task<bool> {
      co_return co_await r.Sleep(1h);
    }(other));
    co_await runtime.Yield();
    runtime.Stop();
    EXPECT_FALSE(co_await std::move(sleeper));
  });
}

// Threads that are no workers wake by a close, a deadline, a stop.
TEST_P(HomeTest, ATaskWokenFromAPlainThreadGoesOnInItsRuntime) {
  for (int way = 0; way < 3; ++way) {
    Runtime runtime({.threads = threads()});
    auto ends = Socket::Pair(runtime);
    ASSERT_TRUE(ends.ok());
    runtime.Spawn([](Runtime& r, Socket& s) -> Task<> {
      EXPECT_EQ((co_await ReadOne(s)).bytes, 0u);
      EXPECT_TRUE(RunsIn(r));
    }(runtime, ends->first));
    std::thread thread([&] {
      while (runtime.stats().parked == 0) std::this_thread::yield();
      if (way == 0) ends->first.CloseNow();
      if (way == 1) ends->first.SetReadDeadline(Deadline::Past());
      if (way == 2) runtime.Stop();
    });
    EXPECT_TRUE(RunWatched(runtime).ok());
    thread.join();
  }
}

// Whoever wakes the last task of a runtime may still be about it when the task
// has ended: Run waits for that, and the runtime may go at once.
TEST_P(HomeTest, ARuntimeMayGoAsSoonAsRunHasReturned) {
  Two two(threads());
  two.StartOther();
  for (int i = 0; i < 200; ++i) {
    Runtime brief({.threads = threads()});
    brief.Spawn([](Runtime& other) -> Task<> {
      co_await other.Spawn(
          [](Runtime& r) -> Task<> { co_await r.Yield(); }(other));
    }(two.other));
    EXPECT_TRUE(RunWatched(brief).ok());
  }
  two.EndOther();
}

}  // namespace
}  // namespace netpoll
