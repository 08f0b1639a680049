// SPDX-License-Identifier: Apache-2.0
//
// The dump of a runtime's state, and the watchdog that prints it.

#include <chrono>
#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

class WatchdogTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(WatchdogTest);

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_P(WatchdogTest, TheDumpSaysWhatTheRuntimeDoes) {
  Runtime runtime({.threads = threads()});
  EXPECT_TRUE(Contains(runtime.DumpState(), "not run yet"));
  std::string inside;
  runtime.Spawn([](Runtime& r, std::string& text) -> Task<> {
    JoinHandle<bool> sleeper = r.Spawn(
        [](Runtime& in) -> Task<bool> { co_return co_await in.Sleep(1h); }(r));
    while (!Contains(text, "next sleep ends in")) {
      co_await r.Yield();
      text = r.DumpState();
    }
    r.Stop();
    EXPECT_FALSE(co_await std::move(sleeper));
    EXPECT_TRUE(Contains(r.DumpState(), "running, stopping"));
  }(runtime, inside));
  EXPECT_TRUE(Contains(runtime.DumpState(), "tasks 1, parked 0, injected 1"));
  EXPECT_TRUE(RunWatched(runtime).ok());
  EXPECT_TRUE(Contains(inside, "running\n")) << inside;
  EXPECT_TRUE(Contains(inside, "tasks 2, parked 0")) << inside;
  EXPECT_TRUE(Contains(inside, "next deadline never")) << inside;
  const std::string last =
      "worker " + std::to_string(threads() - 1) + ": queue";
  EXPECT_TRUE(Contains(inside, last)) << inside;
  EXPECT_TRUE(Contains(runtime.DumpState(), "Run has returned"));
  EXPECT_TRUE(Contains(runtime.DumpState(), "tasks 0, parked 0"));
}

// From a thread of its own, all the time, while tasks come and go.
TEST_P(WatchdogTest, TheDumpDisturbsNobody) {
  Runtime runtime({.threads = threads()});
  StdEnv::Atomic<int> end{0};
  std::thread reader([&] {
    while (end.Load("test", Order::kAcquire) == 0) {
      EXPECT_TRUE(Contains(runtime.DumpState(), "worker 0"));
    }
  });
  runtime.Spawn([](Runtime& r) -> Task<> {
    for (int i = 0; i < 300; ++i) {
      JoinHandle<bool> one = r.Spawn([](Runtime& in) -> Task<bool> {
        co_return co_await in.Sleep(1us);
      }(r));
      EXPECT_TRUE(co_await std::move(one));
    }
  }(runtime));
  EXPECT_TRUE(RunWatched(runtime).ok());
  end.Store("test", 1, Order::kRelease);
  reader.join();
}

TEST(WatchdogDeathTest, AHangEndsWithTheState) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(
      {
        Runtime runtime;
        runtime.Spawn([](Runtime& r) -> Task<> {
          co_await r.SleepUntil(Deadline::None());
        }(runtime));
        const Watchdog watchdog(runtime, 50);
        static_cast<void>(runtime.Run());
      },
      "watchdog: no end after 50 ms\nnetpoll runtime on [a-z_]+: running");
}

}  // namespace
}  // namespace netpoll
