// SPDX-License-Identifier: Apache-2.0
//
// A sleep needs no memory, however many a task has at once: those that a
// combinator of the user's own starts end when they should, none of them early,
// while every allocation fails, and nobody else's sleep or deadline is harmed.
//
// The allocator's functions are replaced in this program.

#include <array>
#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "netpoll/backends/host/host_backends.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"
#include "netpoll/tools/testing/allocations.h"

namespace {

std::atomic<bool> failing{false};
std::atomic<int> failed{0};

const bool kFails = [] {
  netpoll::tools::refuses_allocation = [] {
    const bool refused = failing.load(std::memory_order_relaxed);
    if (refused) ++failed;
    return refused;
  };
  return true;
}();

}  // namespace

namespace netpoll {
namespace {

using std::chrono::milliseconds;

// A user's own combinator: waits for many sleeps at once, in one task. Its
// parts are made first, and started by the await.
class Sleeps {
 public:
  Sleeps(Runtime& runtime, int count) : runtime_(runtime), left_(count) {
    parts_.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
      parts_.push_back(Sleep(*this, milliseconds(20 + i % 7)));
    }
  }

  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> task) {
    task_ = task;
    for (const Part& part : parts_) part.handle.resume();
  }
  void await_resume() const {}

  int ended() const { return ended_; }
  int early() const { return early_; }
  int stopped() const { return stopped_; }

 private:
  // Ends by itself; the last one resumes the task.
  struct Part {
    struct promise_type {
      Part get_return_object() {
        return {std::coroutine_handle<promise_type>::from_promise(*this)};
      }
      std::suspend_always initial_suspend() noexcept { return {}; }
      std::suspend_never final_suspend() noexcept { return {}; }
      void return_void() {}
      void unhandled_exception() { std::abort(); }
    };
    std::coroutine_handle<> handle;
  };

  static Part Sleep(Sleeps& all, milliseconds delay) {
    const Deadline end = Runtime::After(delay);
    const bool over = co_await all.runtime_.SleepUntil(end);
    all.stopped_ += over ? 0 : 1;
    all.early_ += over && Runtime::Now() < end.value() ? 1 : 0;
    ++all.ended_;
    if (--all.left_ == 0) all.task_.resume();
  }

  Runtime& runtime_;
  std::vector<Part> parts_;
  std::coroutine_handle<> task_;
  std::atomic<int> left_, ended_{0}, early_{0}, stopped_{0};
};

// More than there is room for in a heap of which nobody asked for more.
constexpr int kMany = 1000;

Task<void> SleepOften(Runtime& runtime, std::atomic<int>& times) {
  for (int i = 0; i < 20; ++i) {
    const Deadline end = Runtime::After(milliseconds(2));
    EXPECT_TRUE(co_await runtime.SleepUntil(end));
    EXPECT_GE(Runtime::Now(), end.value());
    ++times;
  }
}

Task<void> BeTimedOut(Descriptor& handle, std::atomic<int>& times) {
  std::array<char, 16> buffer;
  for (int i = 0; i < 5; ++i) {
    handle.SetReadDeadline(Runtime::After(milliseconds(5)));
    EXPECT_TRUE((co_await handle.Read(buffer)).status.timeout());
    ++times;
  }
}

class SleepMemory : public BackendsTest {};

// Those over shims stand for a kernel, whose memory is no matter of this test.
std::vector<std::string> Backends() {
  std::vector<std::string> names;
  for (const char* const name : {"epoll", "io_uring", "poll"}) {
    if (HostBackends::Has(name)) names.emplace_back(name);
  }
  return names;
}
INSTANTIATE_TEST_SUITE_P(Each, SleepMemory, ::testing::ValuesIn(Backends()),
                         BackendName);

TEST_P(SleepMemory, SoManySleepsOfOneTaskEndInTimeWithoutIt) {
  failed = 0;
  std::atomic<int> slept{0};
  std::atomic<int> timed_out{0};
  RunOn(backend(), [&](Runtime& runtime) -> Task<> {
    auto socket =
        *DatagramSocket::Bind(runtime, *SocketAddress::Parse("127.0.0.1:0"));
    auto sleeping = runtime.Spawn(SleepOften(runtime, slept));
    auto reading = runtime.Spawn(BeTimedOut(socket, timed_out));
    Sleeps sleeps(runtime, kMany);
    failing = true;
    co_await sleeps;
    failing = false;
    EXPECT_EQ(sleeps.ended(), kMany);
    EXPECT_EQ(sleeps.early(), 0);
    EXPECT_EQ(sleeps.stopped(), 0);
    co_await std::move(sleeping);
    co_await std::move(reading);
  });
  EXPECT_GT(failed, 0) << "there was room for all of them";
  EXPECT_EQ(slept, 20);
  EXPECT_EQ(timed_out, 5);
}

// They look for room again when one of them is due.
TEST_P(SleepMemory, TheyGoOnWhenThereIsMemoryAgain) {
  RunOn(backend(), [&](Runtime& runtime) -> Task<> {
    for (int round = 0; round < 3; ++round) {
      Sleeps sleeps(runtime, kMany << round);
      auto relieve = [](Runtime& of) -> Task<void> {
        co_await of.Sleep(milliseconds(10));
        failing = false;
      };
      auto relieving = runtime.Spawn(relieve(runtime));
      failing = true;
      co_await sleeps;
      failing = false;
      EXPECT_EQ(sleeps.ended(), kMany << round);
      EXPECT_EQ(sleeps.early(), 0);
      co_await std::move(relieving);
    }
  });
}

TEST_P(SleepMemory, StopEndsThemAll) {
  Runtime runtime({.threads = 2, .backend = backend()});
  if (!runtime.status().ok()) GTEST_SKIP() << runtime.status();
  int stopped = 0;
  const auto body = [&]() -> Task<void> {
    Sleeps sleeps(runtime, kMany);
    auto stop = [](Runtime& of) -> Task<void> {
      of.Stop();
      co_return;
    };
    auto stopping = runtime.Spawn(stop(runtime));
    failing = true;
    co_await sleeps;
    failing = false;
    stopped = sleeps.stopped();
    EXPECT_EQ(sleeps.ended(), kMany);
    co_await std::move(stopping);
  };
  runtime.Spawn(body());
  EXPECT_TRUE(RunWatched(runtime).ok());
  EXPECT_GT(stopped, 0);
}

}  // namespace
}  // namespace netpoll
