// SPDX-License-Identifier: Apache-2.0
//
// A process that is stopped past its deadlines (SIGSTOP, Ctrl-Z, a debugger),
// and goes on: whoever spoke before the deadline is served, more clients than
// one poll reports among them; whoever kept quiet is timed out; sleepers wake.
//
// The server is a child of the test. The test stops it while it waits with a
// limit, speaks, lets the deadline pass and lets the server go on. An attempt
// in which the deadline passed too early (a slow machine) is made again.

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/host/host_backends.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/deadline.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

constexpr int kClients = 300;
constexpr int kQuiet = 10;
constexpr int kSleepers = 5;
constexpr std::int64_t kMillisecond = 1'000'000;

using Ends = std::vector<std::array<int, 2>>;

// What the server tells: first its deadline, then how it went.
struct Told {
  std::int64_t deadline = 0;
  int served = 0;
  int timed_out = 0;
  int slept = 0;
};

class Server {
 public:
  Server(Runtime& runtime, const Ends& ends, int tell, std::int64_t limit)
      : runtime_(runtime), ends_(ends), tell_(tell), limit_(limit) {}

  // Deadlines are set when all are parked, so that none is early.
  Task<> Serve() {
    for (const auto& pair : ends_) {
      clients_.push_back(*Descriptor::Adopt(runtime_, pair[0]));
    }
    for (Descriptor& client : clients_) runtime_.Spawn(Receive(client));
    while (runtime_.stats().parked < kClients) co_await runtime_.Yield();
    const std::int64_t when = Runtime::Now() + limit_;
    for (int i = 0; i < kSleepers; ++i) runtime_.Spawn(Doze(when));
    for (Descriptor& client : clients_) {
      client.SetReadDeadline(Deadline::At(when));
    }
    Tell({.deadline = when});
  }

  Told told() const {
    return {.deadline = 0,
            .served = Get(served_),
            .timed_out = Get(timed_out_),
            .slept = Get(slept_)};
  }
  void Tell(const Told& told) const {
    if (write(tell_, &told, sizeof told) != sizeof told) std::abort();
  }

 private:
  using Count = StdEnv::Atomic<int>;
  static int Get(const Count& count) {
    return count.Load("test.get", Order::kSeqCst);
  }
  static void Add(Count& count) {
    count.FetchAdd("test.add", 1, Order::kSeqCst);
  }

  Task<> Receive(Descriptor& client) {
    std::array<char, 1> byte;
    const IoResult got = co_await client.Read(byte);
    if (got.ok() && got.bytes == 1) Add(served_);
    if (got.status.timeout()) Add(timed_out_);
  }
  Task<> Doze(std::int64_t when) {
    const bool passed = co_await runtime_.SleepUntil(Deadline::At(when));
    if (passed && Runtime::Now() >= when) Add(slept_);
  }

  Runtime& runtime_;
  const Ends& ends_;
  const int tell_;
  const std::int64_t limit_;
  std::vector<Descriptor> clients_;
  Count served_{0}, timed_out_{0}, slept_{0};
};

// The child: never returns.
[[noreturn]] void RunServer(const std::string& backend, int threads,
                            const Ends& ends, int tell, std::int64_t limit) {
  Runtime runtime({.threads = threads, .backend = backend});
  Server server(runtime, ends, tell, limit);
  runtime.Spawn(server.Serve());
  if (!runtime.Run().ok()) _exit(1);
  server.Tell(server.told());
  _exit(0);
}

class StoppedProcessTest
    : public testing::TestWithParam<std::tuple<std::string, int>> {
 protected:
  StoppedProcessTest() : ends_(kClients) {
    for (auto& pair : ends_) {
      EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()), 0);
      EXPECT_EQ(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
    }
    EXPECT_EQ(pipe(pipe_.data()), 0);
  }
  ~StoppedProcessTest() override {
    for (const auto& pair : ends_) {
      close(pair[0]);
      close(pair[1]);
    }
    close(pipe_[0]);
    close(pipe_[1]);
  }

  bool Hear(Told* told) {
    return read(pipe_[0], told, sizeof *told) == sizeof *told;
  }

  // False: the machine was too slow, it proves nothing.
  bool Attempt(std::int64_t limit, Told* told) {
    const auto& [backend, threads] = GetParam();
    const pid_t child = fork();
    if (child == 0) RunServer(backend, threads, ends_, pipe_[1], limit);
    EXPECT_TRUE(Hear(told));
    const std::int64_t deadline = told->deadline;
    // It goes on to wait, meanwhile.
    SleepUntil(Runtime::Now() + limit / 8);
    kill(child, SIGSTOP);
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, WUNTRACED), child);
    EXPECT_TRUE(WIFSTOPPED(status));
    bool in_time = Runtime::Now() < deadline;
    for (std::size_t i = 0; in_time && i < kClients - kQuiet; ++i) {
      EXPECT_EQ(write(ends_[i][1], "x", 1), 1);
    }
    in_time = in_time && Runtime::Now() < deadline;
    SleepUntil(deadline + kMillisecond);
    kill(child, SIGCONT);
    EXPECT_TRUE(Hear(told));
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    return in_time;
  }

 private:
  static void SleepUntil(std::int64_t when) {
    const timespec at{.tv_sec = when / (1000 * kMillisecond),
                      .tv_nsec = when % (1000 * kMillisecond)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr) != 0) {
    }
  }

  std::array<int, 2> pipe_;

 protected:
  Ends ends_;
};

TEST_P(StoppedProcessTest, WhoSpokeInTimeIsServed) {
  {
    Runtime runtime({.backend = std::get<0>(GetParam())});
    if (!runtime.status().ok()) GTEST_SKIP() << runtime.status();
  }
  Told told;
  std::int64_t limit = 60 * kMillisecond;
  constexpr std::int64_t kLongest = 8000 * kMillisecond;
  while (!Attempt(limit, &told)) {
    ASSERT_LT(limit, kLongest) << "the machine is too slow for this test";
    limit *= 2;
    std::array<char, 1> byte;
    for (const auto& pair : ends_) {
      while (read(pair[0], byte.data(), 1) == 1) {
      }
    }
  }
  EXPECT_EQ(told.served, kClients - kQuiet);
  EXPECT_EQ(told.timed_out, kQuiet);
  EXPECT_EQ(told.slept, kSleepers);
}

std::string Name(
    const testing::TestParamInfo<StoppedProcessTest::ParamType>& info) {
  return std::get<0>(info.param) + "_" +
         std::to_string(std::get<1>(info.param));
}

std::vector<std::tuple<std::string, int>> Runs() {
  std::vector<std::tuple<std::string, int>> runs;
  for (const std::string& backend : HostBackends::Names()) {
    for (const int threads : {1, 2, 4}) {
      runs.emplace_back(backend, threads);
    }
  }
  return runs;
}

INSTANTIATE_TEST_SUITE_P(Backends, StoppedProcessTest,
                         testing::ValuesIn(Runs()), Name);

}  // namespace
}  // namespace netpoll
