// SPDX-License-Identifier: Apache-2.0
//
// RunOnce: a runtime inside a loop of somebody else's, here a bare one around
// poll(2). Each thing that may come while the loop sleeps ends the sleep; what
// comes from the loop's own thread between two turns too; nothing else does.

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/delta.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/loop_rest.h"
#include "netpoll/runtime/run_guard.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

// A backend without a descriptor is looked at now and then.
constexpr int kTick = 1;

bool Readable(int fd, int milliseconds) {
  pollfd watched{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&watched, 1, milliseconds) == 1;
}

struct Loop {
  explicit Loop(Runtime& run) : runtime(run) {}

  // Until every task has ended.
  absl::Status Go() {
    bool readable = true;
    for (;;) {
      const absl::StatusOr<LoopRest> rest = runtime.RunOnce(readable);
      if (!rest.ok()) return rest.status();
      if (rest->ended) return absl::OkStatus();
      readable = Sleep(*rest);
    }
  }
  bool Sleep(const LoopRest& rest) {
    if (rest.work) return true;
    const int fd = runtime.descriptor();
    int wait = rest.Milliseconds();
    if (fd < 0 && (wait < 0 || wait > kTick)) wait = kTick;
    const bool readable = Readable(fd, wait);
    ++wakes;
    return readable || fd < 0;
  }

  Runtime& runtime;
  std::atomic<int> wakes = 0;
};

class RunOnceTest : public BackendsTest {
 protected:
  void SetUp() override {
    if (!runtime_.status().ok()) GTEST_SKIP() << runtime_.status();
  }
  bool ticks() const { return runtime_.descriptor() < 0; }
  // The next turn, in which nothing is left to run.
  LoopRest Turn() {
    for (;;) {
      const auto rest = runtime_.RunOnce();
      EXPECT_TRUE(rest.ok()) << rest.status();
      if (!rest.ok() || !rest->work) return rest.value_or(LoopRest{});
    }
  }
  // Whether the loop would have been woken.
  bool Woken() { return ticks() || Readable(runtime_.descriptor(), 0); }

  Runtime runtime_{RuntimeOptions{.backend = backend()}};
  const Watchdog watchdog_{runtime_};
};
NETPOLL_INSTANTIATE_BACKENDS(RunOnceTest);

Task<> Nothing() { co_return; }

TEST_P(RunOnceTest, ItEndsWhenTheTasksHaveAndBeginsAnewAsRunDoes) {
  for (int i = 0; i < 3; ++i) {
    int ran = 0;
    const auto task = [&]() -> Task<> {
      (void)co_await runtime_.Sleep(100us);
      ++ran;
    };
    runtime_.Spawn(task());
    EXPECT_TRUE(Loop(runtime_).Go().ok());
    EXPECT_EQ(ran, 1);
    runtime_.Spawn(task());
    EXPECT_TRUE(runtime_.Run().ok());
    EXPECT_EQ(ran, 2);
  }
  EXPECT_TRUE(runtime_.RunOnce()->ended);
}

TEST_P(RunOnceTest, WhatTheLoopItselfDoesBetweenTurnsEndsTheSleep) {
  RunGuard guard(runtime_);
  EXPECT_EQ(Turn().Milliseconds(), -1);
  EXPECT_EQ(ticks(), Woken());
  // A task.
  bool ran = false;
  const auto run = [&]() -> Task<> {
    ran = true;
    co_return;
  };
  runtime_.Spawn(run());
  EXPECT_TRUE(Woken());
  EXPECT_EQ(Turn().until, kNever);
  EXPECT_TRUE(ran);
  EXPECT_EQ(ticks(), Woken());
  // A descriptor, and what is written to it.
  auto ends = Socket::Pair(runtime_);
  ASSERT_TRUE(ends.ok());
  std::array<char, 4> buffer;
  std::size_t got = 0;
  bool late = false;
  const auto read = [&]() -> Task<> {
    got = (co_await ends->first.Read(buffer)).bytes;
    late = (co_await ends->first.Read(buffer)).status.timeout();
  };
  runtime_.Spawn(read());
  Turn();
  EXPECT_EQ(::write(ends->second.fd(), "xyz", 3), 3);
  EXPECT_TRUE(Woken());
  Turn();
  EXPECT_EQ(got, 3u);
  // A deadline that comes forward.
  ends->first.SetReadDeadline(runtime_.After(1h));
  EXPECT_TRUE(Woken());
  const LoopRest rest = Turn();
  EXPECT_GT(rest.Milliseconds(), 3'500'000);
  ends->first.SetReadDeadline(Deadline::Past());
  EXPECT_TRUE(Woken());
  Turn();
  EXPECT_TRUE(late);
  // A stop.
  runtime_.Stop();
  EXPECT_TRUE(Woken());
  EXPECT_TRUE(Loop(runtime_).Go().ok());
  EXPECT_TRUE(runtime_.StartAgain().ok());
}

TEST_P(RunOnceTest, ADeadlineThatIsDueIsActedOnThoughNothingIsReadable) {
  const std::int64_t begin = Runtime::Now();
  const auto sleep = [&]() -> Task<> {
    EXPECT_TRUE(co_await runtime_.Sleep(2ms));
  };
  runtime_.Spawn(sleep());
  const LoopRest rest = Turn();
  EXPECT_GE(rest.until, begin + 2'000'000);
  EXPECT_GE(rest.Milliseconds(), 1);
  // Never early: one sleep is enough.
  (void)::poll(nullptr, 0, rest.Milliseconds());
  EXPECT_FALSE(runtime_.RunOnce(false)->ended);
  EXPECT_TRUE(runtime_.RunOnce(false)->ended);
}

TEST_P(RunOnceTest, ATurnIsBoundedSoThatTheLoopComesToItsOtherMatters) {
  int rounds = 0;
  const auto busy = [&]() -> Task<> {
    for (int i = 0; i < 1000; ++i) {
      ++rounds;
      co_await runtime_.Yield();
    }
  };
  runtime_.Spawn(busy());
  EXPECT_TRUE(runtime_.RunOnce()->work);
  EXPECT_GT(rounds, 10);
  EXPECT_LT(rounds, 200);
  EXPECT_EQ(runtime_.RunOnce()->Milliseconds(), 0);
  EXPECT_TRUE(Loop(runtime_).Go().ok());
  EXPECT_EQ(rounds, 1000);
}

TEST_P(RunOnceTest, WhoMayNotCallItIsToldAndNothingElseHappens) {
  const auto refused = [](const absl::Status& status, const char* why) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(status.message(), why);
  };
  const char* const kBusy =
      "RunOnce was called while Run, or another RunOnce, is at work";
  bool ran = false;
  const auto inside = [&]() -> Task<> {
    refused(runtime_.RunOnce().status(),
            "RunOnce was called from within a task");
    std::thread([&] { refused(runtime_.RunOnce().status(), kBusy); }).join();
    ran = true;
    co_return;
  };
  runtime_.Spawn(inside());
  RunGuard guard(runtime_);
  EXPECT_FALSE(Turn().ended);
  EXPECT_TRUE(std::exchange(ran, false));
  refused(runtime_.Run(), "Run was called while a loop of RunOnce is at work");
  refused(runtime_.StartAgain(), "StartAgain was called while Run is at work");
  // By another thread, in turn.
  runtime_.Spawn(inside());
  std::thread([&] { Turn(); }).join();
  EXPECT_TRUE(std::exchange(ran, false));
  guard.Release();
  EXPECT_TRUE(Loop(runtime_).Go().ok());
  runtime_.Spawn(inside());
  EXPECT_TRUE(runtime_.Run().ok());
  EXPECT_TRUE(ran);
  Runtime two({.threads = 2, .backend = backend()});
  refused(two.RunOnce().status(),
          "RunOnce runs tasks on the thread that calls it, and this Runtime "
          "was made with threads = 2");
}

TEST_P(RunOnceTest, WhatLeavesATaskComesOutOfTheTurnThatEnds) {
  const auto fails = []() -> Task<> {
    throw std::runtime_error("from a task");
    co_return;
  };
  runtime_.Spawn(fails());
  EXPECT_THROW((void)Loop(runtime_).Go(), std::runtime_error);
  ASSERT_TRUE(runtime_.StartAgain().ok());
  runtime_.Spawn(Nothing());
  EXPECT_TRUE(Loop(runtime_).Go().ok());
}

TEST_P(RunOnceTest, NoneButBackgroundTasksEndIt) {
  bool slept = true;
  const auto background = [&]() -> Task<> {
    slept = co_await runtime_.Sleep(1h);
  };
  runtime_.SpawnBackground(background());
  EXPECT_TRUE(Loop(runtime_).Go().ok());
  EXPECT_FALSE(slept);
}

// Traffic, sleeps and spawned tasks of other threads, each of which waits for
// its answer before it goes on: it ends, so no wake is lost. Each wake has its
// cause; and a loop with nothing to do sleeps.
TEST_P(RunOnceTest, NoWakeIsLostAndEachHasItsCause) {
  constexpr int kEach = 400;
  const int kSpawns = ticks() ? kEach / 20 : kEach;
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
  auto socket = Socket::Adopt(runtime_, ends[0]);
  ASSERT_TRUE(socket.ok());
  const auto echo = [](Socket peer) -> Task<> {
    std::array<char, 16> buffer;
    for (;;) {
      const IoResult got = co_await peer.Read(buffer);
      if (!got.ok() || got.bytes == 0) co_return;
      const IoResult put = co_await peer.Write({buffer.data(), got.bytes});
      if (!put.ok()) co_return;
    }
  };
  runtime_.Spawn(echo(*std::move(socket)));
  Loop loop(runtime_);
  std::thread runner([&] { EXPECT_TRUE(loop.Go().ok()); });
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    for (int i = 0; i < kSpawns; ++i) {
      char byte = '*';
      EXPECT_EQ(::write(ends[1], &byte, 1), 1);
      EXPECT_TRUE(Readable(ends[1], -1));
      EXPECT_EQ(::read(ends[1], &byte, 1), 1);
    }
  });
  const auto spawns = [&](auto make) {
    for (int i = 0; i < kSpawns; ++i) {
      JoinHandle<void> task = runtime_.Spawn(make());
      while (!task.ended()) std::this_thread::yield();
    }
  };
  threads.emplace_back([&] { spawns(Nothing); });
  threads.emplace_back([&] {
    spawns([&]() -> Task<> { (void)co_await runtime_.Sleep(50us); });
  });
  for (std::thread& thread : threads) thread.join();
  if (!ticks()) {
    // A byte, and its echo taken; a spawn; a spawn, and the sleep's end.
    EXPECT_LE(loop.wakes, 2 * kSpawns + kSpawns + 2 * kSpawns);
    EXPECT_GT(loop.wakes, kSpawns);
    std::this_thread::sleep_for(50ms);
    const int before = loop.wakes;
    std::this_thread::sleep_for(200ms);
    EXPECT_EQ(loop.wakes, before);
    JoinHandle<void> task = runtime_.Spawn(Nothing());
    while (!task.ended()) std::this_thread::yield();
    std::this_thread::sleep_for(100ms);
    EXPECT_EQ(loop.wakes, before + 1);
  }
  ::close(ends[1]);
  runner.join();
}

}  // namespace
}  // namespace netpoll
