// SPDX-License-Identifier: Apache-2.0
//
// In steady state nothing is allocated: not in reads, writes, waits, deadlines,
// sleeps or yields. Every allocation of the process is counted, by whatever
// thread and library.

#include <malloc.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "netpoll/core/delta.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace {

std::atomic<std::uint64_t> allocations{0};

}  // namespace

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// The sanitizers bring a malloc of their own: only operator new is counted.
void* operator new(std::size_t size) {
  ++allocations;
  void* const memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#else
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) {
  ++allocations;
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  ++allocations;
  return __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) {
  ++allocations;
  return __libc_realloc(memory, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  ++allocations;
  return __libc_memalign(alignment, size);
}
}  // extern "C"
#endif

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

INSTANTIATE_TEST_SUITE_P(Threads, NoAllocation, ::testing::Values(1, 3));

TEST(Counting, SeesAnAllocation) {
  const std::uint64_t before = allocations.load();
  auto* const volatile made = new std::string(100, 'x');
  delete made;
  EXPECT_GT(allocations.load(), before);
}

}  // namespace
}  // namespace netpoll
