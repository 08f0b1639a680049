// SPDX-License-Identifier: Apache-2.0
//
// Everything that is awaited pays for it: no loop of awaits keeps the worker
// from the other tasks, from events or from deadlines; nor does one long call.
// All of it is counted, none of it timed.

#include <sys/uio.h>

#include <array>
#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/deadline.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"
#include "netpoll/runtime/worker.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;
using internal::Worker;

// Counts how often it has been its turn, until told to stop.
Task<> Tick(Runtime& runtime, const bool& stop, int& ticks) {
  while (!stop) {
    ++ticks;
    co_await runtime.Yield();
  }
}

using Each = std::function<Task<>(Runtime&)>;

// What is awaited again and again on the only worker; the other task must get
// its turns meanwhile. `cost`: how many operations a round is.
void ExpectOthersRun(const char* what, const Each& each) {
  RunTest(1, [&](Runtime& runtime) -> Task<> {
    constexpr int kRounds = 40 * Worker::kBudget;
    bool stop = false;
    int ticks = 0;
    JoinHandle<void> other = runtime.Spawn(Tick(runtime, stop, ticks));
    const std::uint64_t polls = runtime.stats().polls;
    for (int i = 0; i < kRounds; ++i) co_await each(runtime);
    EXPECT_GE(ticks, 39) << what;
    EXPECT_GE(runtime.stats().polls - polls, 19u) << what;
    stop = true;
    co_await std::move(other);
  });
}

TEST(TurnTest, ASleepThatNeedNotWaitPays) {
  ExpectOthersRun("Sleep(0)", [](Runtime& r) -> Task<> {
    EXPECT_TRUE(co_await r.Sleep(0s));
  });
  ExpectOthersRun("Sleep(-1)", [](Runtime& r) -> Task<> {
    EXPECT_TRUE(co_await r.Sleep(-1s));
  });
  ExpectOthersRun("SleepUntil(Past)", [](Runtime& r) -> Task<> {
    EXPECT_TRUE(co_await r.SleepUntil(Deadline::Past()));
  });
  ExpectOthersRun("SleepUntil(long ago)", [](Runtime& r) -> Task<> {
    EXPECT_TRUE(co_await r.SleepUntil(Deadline::At(1)));
  });
  ExpectOthersRun("Yield", [](Runtime& r) -> Task<> { co_await r.Yield(); });
}

TEST(TurnTest, AShareIsSoManyOperationsAndNoneLess) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    bool ran = false;
    auto other = [](bool& flag) -> Task<> {
      flag = true;
      co_return;
    };
    co_await runtime.Yield();
    auto handle = runtime.Spawn(other(ran));
    int operations = 0;
    while (!ran) {
      co_await runtime.Sleep(0s);
      ++operations;
    }
    EXPECT_EQ(operations, Worker::kBudget + 1) << "the last one waits";
    co_await std::move(handle);
  });
}

TEST(TurnTest, AnEmptyHandlePays) {
  Socket none;
  std::array<char, 4> buffer;
  iovec part{buffer.data(), buffer.size()};
  const auto check = [&](const char* what, auto one) {
    ExpectOthersRun(what, [&](Runtime&) -> Task<> { co_await one(); });
  };
  check("Read", [&]() -> Task<> {
    EXPECT_EQ((co_await none.Read(buffer)).status.error_number(), EBADF);
  });
  check("Write", [&]() -> Task<> {
    EXPECT_EQ((co_await none.Write("x")).status.error_number(), EBADF);
  });
  check("Writev", [&]() -> Task<> {
    EXPECT_FALSE((co_await none.Writev({&part, 1})).ok());
  });
  check("WaitReadable",
        [&]() -> Task<> { EXPECT_FALSE((co_await none.WaitReadable()).ok()); });
  check("Close", [&]() -> Task<> {
    EXPECT_EQ((co_await none.Close()).error_number(), EBADF);
  });
  check("Detach",
        [&]() -> Task<> { EXPECT_FALSE((co_await none.Detach()).ok()); });
}

TEST(TurnTest, WhatIsClosedPays) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    Socket& closed = ends->first;
    EXPECT_TRUE((co_await closed.Close()).ok());
    bool stop = false;
    int ticks = 0;
    JoinHandle<void> other = runtime.Spawn(Tick(runtime, stop, ticks));
    std::array<char, 4> buffer;
    for (int i = 0; i < 10 * Worker::kBudget; ++i) {
      EXPECT_TRUE((co_await closed.Close()).closing());
      EXPECT_FALSE((co_await closed.Detach()).ok());
      EXPECT_TRUE((co_await closed.Read(buffer)).status.closing());
      EXPECT_TRUE((co_await closed.Write("x")).status.closing());
    }
    EXPECT_GE(ticks, 39);
    stop = true;
    co_await std::move(other);
  });
}

TEST(TurnTest, OpeningAndClosingPays) {
  ExpectOthersRun("Pair and Close", [](Runtime& r) -> Task<> {
    auto ends = Socket::Pair(r);
    EXPECT_TRUE((co_await ends->first.Close()).ok());
  });
}

TEST(TurnTest, AnEndedTaskPays) {
  ExpectOthersRun("ended handle", [](Runtime& r) -> Task<> {
    JoinHandle<void> done = r.Spawn([]() -> Task<> { co_return; }());
    while (!done.ended()) co_await r.Yield();
    co_await std::move(done);
  });
  // Without the yields that made them end.
  RunTest(1, [](Runtime& runtime) -> Task<> {
    std::vector<JoinHandle<void>> ended;
    for (int i = 0; i < 20 * Worker::kBudget; ++i) {
      ended.push_back(runtime.Spawn([]() -> Task<> { co_return; }()));
    }
    for (auto& one : ended) {
      while (!one.ended()) co_await runtime.Yield();
    }
    bool stop = false;
    int ticks = 0;
    JoinHandle<void> other = runtime.Spawn(Tick(runtime, stop, ticks));
    for (auto& one : ended) co_await std::move(one);
    EXPECT_GE(ticks, 19);
    stop = true;
    co_await std::move(other);
  });
}

TEST(TurnTest, AConnectThatNeedNotWaitPays) {
  ExpectOthersRun("past deadline", [](Runtime& r) -> Task<> {
    auto got = co_await Socket::Connect(r, *SocketAddress::Parse("127.0.0.1:1"),
                                        Deadline::Past());
    EXPECT_FALSE(got.ok());
  });
  ExpectOthersRun("nobody there", [](Runtime& r) -> Task<> {
    auto got = co_await Socket::Connect(
        r, *SocketAddress::Parse("unix:/nowhere/at/all"));
    EXPECT_FALSE(got.ok());
  });
}

TEST(TurnTest, DatagramsPay) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    auto socket =
        DatagramSocket::Bind(runtime, *SocketAddress::Parse("127.0.0.1:0"));
    bool stop = false;
    int ticks = 0;
    JoinHandle<void> other = runtime.Spawn(Tick(runtime, stop, ticks));
    std::array<char, 4> buffer;
    for (int i = 0; i < 20 * Worker::kBudget; ++i) {
      EXPECT_TRUE((co_await socket->SendTo("x", socket->address())).ok());
      EXPECT_TRUE((co_await socket->ReceiveFrom(buffer)).ok());
    }
    EXPECT_GE(ticks, 39);
    stop = true;
    co_await std::move(other);
  });
}

TEST(TurnTest, AReadThatIsAlwaysReadyPays) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    bool stop = false;
    int ticks = 0;
    JoinHandle<void> other = runtime.Spawn(Tick(runtime, stop, ticks));
    std::array<char, 4> buffer;
    for (int i = 0; i < 20 * Worker::kBudget; ++i) {
      EXPECT_TRUE((co_await ends->first.Write("x")).ok());
      EXPECT_TRUE((co_await ends->second.Read(buffer)).ok());
      EXPECT_TRUE((co_await ends->second.WaitWritable()).ok());
      EXPECT_TRUE((co_await ends->second.Read({})).ok());
    }
    EXPECT_GE(ticks, 70);
    stop = true;
    co_await std::move(other);
  });
}

// --- Long calls --------------------------------------------------------------

// A peer that takes everything at once. Each call is a millisecond.
int sends = 0;
std::size_t largest = 0;
std::int64_t fake_now = 0;

ssize_t SendAll(int, const void*, std::size_t size, int) {
  ++sends;
  largest = std::max(largest, size);
  fake_now += 1'000'000;
  return static_cast<ssize_t>(size);
}
ssize_t SendAllParts(int, const msghdr* message, int) {
  std::size_t size = 0;
  for (std::size_t i = 0; i < message->msg_iovlen; ++i) {
    size += message->msg_iov[i].iov_len;
  }
  return SendAll(0, nullptr, size, 0);
}
std::int64_t FakeNow() { return fake_now; }

class LongCallTest : public testing::TestWithParam<bool> {
 protected:
  LongCallTest() {
    sends = 0;
    largest = 0;
    fake_now = Runtime::Now();
    internal::sys.send = &SendAll;
    internal::sys.sendmsg = &SendAllParts;
  }
  // As one piece, or in parts of many sizes.
  static Task<IoResult> Put(Socket& socket, std::string& data, bool parts) {
    if (!parts) co_return co_await socket.Write(data);
    std::vector<iovec> pieces;
    for (std::size_t at = 0, size = 0; at < data.size(); at += size) {
      size = std::min(data.size() - at, (pieces.size() % 7) * 99'999);
      pieces.push_back({data.data() + at, size});
    }
    co_return co_await socket.Writev(pieces);
  }
  internal::SysOverride restore_;
};
INSTANTIATE_TEST_SUITE_P(Forms, LongCallTest, testing::Bool());

TEST_P(LongCallTest, TakesTurnsWithTheOthers) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    bool stop = false;
    int ticks = 0;
    JoinHandle<void> other = runtime.Spawn(Tick(runtime, stop, ticks));
    std::string data(32 << 20, 'x');
    const std::uint64_t polls = runtime.stats().polls;
    const IoResult put = co_await Put(ends->first, data, GetParam());
    EXPECT_TRUE(put.ok());
    EXPECT_EQ(put.bytes, data.size());
    EXPECT_GE(sends, 128);
    EXPECT_LE(largest, std::size_t{256} << 10);
    // Of 8,192 units of 4 KiB, a call has at most 64: after 64 and a call the
    // others ran, and after 128 and a call there was a poll.
    EXPECT_GE(ticks, 8192 / (64 + 64));
    EXPECT_GE(runtime.stats().polls - polls, 8192u / (128 + 64));
    stop = true;
    co_await std::move(other);
  });
}

TEST_P(LongCallTest, SeesItsDeadline) {
  internal::sys.now = &FakeNow;
  RunTest(1, [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    std::string data(64 << 20, 'x');
    ends->first.SetWriteDeadline(runtime.After(10ms));
    const IoResult put = co_await Put(ends->first, data, GetParam());
    EXPECT_TRUE(put.status.timeout()) << put.status.ToString();
    EXPECT_GE(sends, 10);
    EXPECT_LE(sends, 13);
    EXPECT_GT(put.bytes, 0u);
  });
}

TEST_P(LongCallTest, SeesAClose) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    std::string data(64 << 20, 'x');
    JoinHandle<IoResult> writer =
        runtime.Spawn(Put(ends->first, data, GetParam()));
    co_await runtime.Yield();
    EXPECT_FALSE(writer.ended());
    EXPECT_TRUE((co_await ends->first.Close()).ok());
    EXPECT_TRUE((co_await std::move(writer)).status.closing());
    EXPECT_LE(sends, 5);
  });
}

}  // namespace
}  // namespace netpoll
