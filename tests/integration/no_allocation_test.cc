// SPDX-License-Identifier: Apache-2.0
//
// In steady state nothing is allocated: not in reads, writes, waits, deadlines,
// sleeps or yields, nor in what waits between tasks. Every allocation of the
// process is counted, by whatever thread and library.

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "netpoll/runtime/cancel.h"
#include "netpoll/runtime/channel.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/mutex.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/task_local.h"
#include "netpoll/runtime/test_support.h"
#include "netpoll/runtime/wakeup.h"
#include "netpoll/tools/testing/allocations.h"

namespace {

std::atomic<std::uint64_t> allocations{0};

const bool kCounted = [] {
  netpoll::tools::refuses_allocation = [] {
    ++allocations;
    return false;
  };
  return true;
}();

}  // namespace

namespace netpoll {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;

constexpr int kWarmUp = 200;
constexpr int kRounds = 2000;

// Runs what `work` spawns; each task counts its rounds by calling `Round`.
class NoAllocation : public ::testing::TestWithParam<int> {
 protected:
  NoAllocation() : runtime_({.threads = GetParam()}) {}

  void SetUp() override {
    ASSERT_TRUE(runtime_.status().ok()) << runtime_.status();
    if (OverShim(runtime_)) {
      GTEST_SKIP() << "the shim of " << runtime_.backend() << " allocates";
    }
  }

  // After the warm-up of the slowest task, until the end of the fastest.
  void Round(int round) {
    if (round == kWarmUp && --warming_ == 0) before_ = allocations.load();
    if (round == kRounds && !ended_.exchange(true)) {
      after_ = allocations.load();
    }
  }
  void Start(int tasks) { warming_ = tasks; }
  void RunAndExpectNone() {
    ASSERT_TRUE(runtime_.Run().ok());
    ASSERT_EQ(warming_.load(), 0);
    EXPECT_EQ(after_.load() - before_.load(), 0u);
  }

  Runtime runtime_;

 private:
  std::atomic<int> warming_{0};
  std::atomic<bool> ended_{false};
  std::atomic<std::uint64_t> before_{0};
  std::atomic<std::uint64_t> after_{0};
};

Task<void> Echo(Socket socket) {
  std::array<char, 64> buffer;
  for (;;) {
    const IoResult got = co_await socket.Read(buffer);
    if (!got.ok() || got.bytes == 0) co_return;
    const IoResult put =
        co_await socket.Write(std::string_view(buffer.data(), got.bytes));
    if (!put.ok()) co_return;
  }
}

Task<void> Ask(Runtime& runtime, Socket socket, std::function<void(int)> round,
               int rounds) {
  std::array<char, 64> buffer;
  for (int i = 0; i <= rounds; ++i) {
    round(i);
    socket.SetReadDeadline(runtime.After(hours(1)));
    socket.SetWriteDeadline(runtime.After(hours(i % 3 + 1)));
    EXPECT_TRUE((co_await socket.WaitWritable()).ok());
    const IoResult put = co_await socket.Write("ping");
    if (i % 2 == 0) {
      EXPECT_TRUE((co_await socket.WaitReadable()).ok());
    }
    const IoResult got = co_await socket.Read(buffer);
    EXPECT_TRUE(put.ok() && got.ok());
  }
}

TEST_P(NoAllocation, InReadsWritesWaitsAndDeadlines) {
  constexpr int kPairs = 8;
  Start(kPairs);
  for (int i = 0; i < kPairs; ++i) {
    absl::StatusOr<Socket::Ends> ends = Socket::Pair(runtime_);
    ASSERT_TRUE(ends.ok());
    runtime_.Spawn(Echo(std::move(ends->first)));
    runtime_.Spawn(Ask(
        runtime_, std::move(ends->second), [this](int round) { Round(round); },
        kRounds));
  }
  RunAndExpectNone();
}

// Over TCP a short read is followed by a wait at once.
Task<void> StartTcp(Runtime& runtime, std::function<void(int)> round,
                    int pairs) {
  auto listener =
      Listener::Listen(runtime, *SocketAddress::Parse("127.0.0.1:0"));
  EXPECT_TRUE(listener.ok()) << listener.status();
  if (!listener.ok()) co_return;
  for (int i = 0; i < pairs; ++i) {
    auto client = co_await Socket::Connect(runtime, listener->address());
    AcceptResult accepted = co_await listener->Accept();
    EXPECT_TRUE(client.ok() && accepted.ok());
    if (!client.ok() || !accepted.ok()) co_return;
    runtime.Spawn(Echo(std::move(accepted.socket)));
    runtime.Spawn(Ask(runtime, *std::move(client), round, kRounds));
  }
}

TEST_P(NoAllocation, InTcpStreams) {
  constexpr int kPairs = 4;
  Start(kPairs);
  runtime_.Spawn(StartTcp(
      runtime_, [this](int round) { Round(round); }, kPairs));
  RunAndExpectNone();
}

TEST_P(NoAllocation, InTimeoutsSleepsAndYields) {
  constexpr int kTasks = 4;
  constexpr int kStep = 10;
  Start(kTasks);
  const auto wait = [this](Socket socket, Socket) -> Task<void> {
    std::array<char, 8> buffer;
    for (int i = 0; i <= kRounds; i += kStep) {
      Round(i);
      socket.SetReadDeadline(runtime_.After(microseconds(50)));
      const IoResult got = co_await socket.Read(buffer);
      EXPECT_TRUE(got.status.timeout());
      co_await runtime_.Sleep(microseconds(20));
      co_await runtime_.Yield();
    }
  };
  for (int i = 0; i < kTasks; ++i) {
    absl::StatusOr<Socket::Ends> ends = Socket::Pair(runtime_);
    ASSERT_TRUE(ends.ok());
    runtime_.Spawn(wait(std::move(ends->first), std::move(ends->second)));
  }
  RunAndExpectNone();
}

// Pairs of tasks, of which one stays on a worker: channels, a mutex, a wake-up,
// timeouts around what is there and what is not, a local.
TEST_P(NoAllocation, BetweenTasksInScopesAndWithLocals) {
  constexpr int kPairs = 3;
  static TaskLocal<int> local;
  struct Shared {
    Channel<int> there{1}, back{0};
    Mutex mutex;
    Wakeup wakeup;
  };
  Start(kPairs);
  std::array<Shared, kPairs> all;
  const auto answer = [](Shared& s) -> Task<void> {
    for (int i = 0; i <= kRounds; ++i) {
      (void)co_await WithTimeout(hours(1), s.there.Receive());
      s.wakeup.Wake();
      const MutexGuard guard = co_await s.mutex.Lock();
      (void)co_await WithTimeout(hours(1), s.back.Send(i));
    }
  };
  const auto ask = [this](Shared& s) -> Task<void> {
    for (int i = 0; i <= kRounds; ++i) {
      Round(i);
      (void)co_await s.there.Send(i);
      (void)co_await WithLocal(local, i, s.wakeup.Wait());
      const auto got = co_await WithTimeout(hours(1), s.back.Receive());
      EXPECT_EQ(got.item, i);
      const MutexGuard guard = co_await s.mutex.Lock();
    }
  };
  for (Shared& s : all) {
    runtime_.Spawn(answer(s), {.name = "answers", .worker = 0});
    runtime_.Spawn(ask(s));
  }
  RunAndExpectNone();
}

INSTANTIATE_TEST_SUITE_P(Threads, NoAllocation, ::testing::Values(1, 3));

TEST(Counting, SeesAnAllocation) {
  const std::uint64_t before = allocations.load();
  auto* const volatile made = new std::string(100, 'x');
  delete made;
  EXPECT_GT(allocations.load(), before);
}

}  // namespace
}  // namespace netpoll
