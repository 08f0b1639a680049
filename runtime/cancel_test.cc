// SPDX-License-Identifier: Apache-2.0
//
// Scopes: everything that waits in one ends when it is cancelled, by a time, a
// source, a std::stop_token or Stop; what was done by then wins; nothing is
// left behind.

#include "netpoll/runtime/cancel.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

class CancelTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(CancelTest);

Descriptor::PipeEnds MakePipe(Runtime& runtime) {
  auto ends = Descriptor::Pipe(runtime);
  EXPECT_TRUE(ends.ok()) << ends.status();
  return *std::move(ends);
}

// Cancels `source` when other tasks have had many turns.
Task<> CancelSoon(Runtime& runtime, CancelSource& source) {
  co_await runtime.Sleep(5ms);
  source.Cancel();
}

TEST_P(CancelTest, AReadEndsAtItsTimeAndTheNextOneReads) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto pipe = MakePipe(runtime);
    std::array<char, 8> buffer;
    const std::int64_t before = Runtime::Now();
    IoResult got = co_await WithTimeout(20ms, pipe.read.Read(buffer));
    EXPECT_TRUE(got.status.timeout()) << got.status.ToString();
    EXPECT_GE(Runtime::Now() - before, 20'000'000);
    (void)co_await pipe.write.Write("x");
    got = co_await WithTimeout(1min, pipe.read.Read(buffer));
    EXPECT_EQ(got.bytes, 1u);
    EXPECT_TRUE(got.ok());
    // No time is left behind with the descriptor.
    (void)co_await pipe.write.Write("y");
    got = co_await pipe.read.Read(buffer);
    EXPECT_EQ(got.bytes, 1u);
  });
}

TEST_P(CancelTest, WhatHasComeWinsInAScopeThatIsCancelledAlready) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto pipe = MakePipe(runtime);
    std::array<char, 8> buffer;
    (void)co_await pipe.write.Write("bytes");
    CancelSource source;
    source.Cancel();
    IoResult got = co_await WithCancel(source, pipe.read.Read(buffer));
    EXPECT_TRUE(got.ok());
    EXPECT_EQ(got.bytes, 5u);
    got = co_await WithCancel(source, pipe.read.Read(buffer));
    EXPECT_TRUE(got.status.cancelled()) << got.status.ToString();
    got = co_await WithTimeout(Deadline::Past(), pipe.read.Read(buffer));
    EXPECT_TRUE(got.status.timeout()) << got.status.ToString();
  });
}

// After a short read a TCP socket is not tried again: it must be, here.
TEST_P(CancelTest, ASocketThatWasDrainedIsTriedOnceMore) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto listener =
        Listener::Listen(runtime, *SocketAddress::Parse("127.0.0.1:0"));
    EXPECT_TRUE(listener.ok()) << listener.status();
    auto client = co_await Socket::Connect(runtime, listener->address());
    AcceptResult server = co_await WithTimeout(1min, listener->Accept());
    EXPECT_TRUE(server.ok());
    std::array<char, 64> buffer;
    (void)co_await client->Write("a");
    EXPECT_EQ((co_await server.socket.Read(buffer)).bytes, 1u);
    CancelSource source;
    source.Cancel();
    (void)co_await client->Write("b");
    const IoResult got =
        co_await WithCancel(source, server.socket.Read(buffer));
    EXPECT_TRUE(got.ok()) << got.status.ToString();
    EXPECT_EQ(got.bytes, 1u);
    const AcceptResult none = co_await WithTimeout(5ms, listener->Accept());
    EXPECT_TRUE(none.status.timeout()) << none.status.ToString();
  });
}

Task<int> CountReads(Descriptor& from) {
  std::array<char, 1> byte;
  int count = 0;
  for (;;) {
    const IoResult got = co_await from.Read(byte);
    if (!got.ok()) co_return count;
    ++count;
  }
}

TEST_P(CancelTest, AScopeReachesTasksThatTasksAwait) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto pipe = MakePipe(runtime);
    CancelSource source;
    auto other = runtime.Spawn(CancelSoon(runtime, source));
    (void)co_await pipe.write.Write("123");
    const auto outer = [](Descriptor& from) -> Task<int> {
      co_return co_await CountReads(from);
    };
    EXPECT_EQ(co_await WithCancel(source, outer(pipe.read)), 3);
    co_await std::move(other);
  });
}

TEST_P(CancelTest, SleepsJoinsAndWritesEnd) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    EXPECT_FALSE(co_await WithTimeout(2ms, runtime.Sleep(1h)));
    EXPECT_FALSE(co_await WithTimeout(Deadline::Past(), runtime.Sleep(1h)));
    EXPECT_TRUE(co_await WithTimeout(1h, runtime.Sleep(2ms)));

    CancelSource stop;
    auto sleeper =
        runtime.Spawn([](Runtime& r, CancelSource& source) -> Task<int> {
          co_await WithCancel(source, r.Sleep(1h));
          co_return 7;
        }(runtime, stop));
    const IoStatus ended = co_await WithTimeout(2ms, sleeper.Ended());
    EXPECT_TRUE(ended.timeout()) << ended.ToString();
    stop.Cancel();
    EXPECT_TRUE((co_await WithTimeout(1h, sleeper.Ended())).ok());
    EXPECT_EQ(co_await std::move(sleeper), 7);

    auto pipe = MakePipe(runtime);
    const std::string much(1 << 20, 'x');
    const IoResult put = co_await WithTimeout(2ms, pipe.write.Write(much));
    EXPECT_TRUE(put.status.timeout());
    EXPECT_GT(put.bytes, 0u);
    EXPECT_LT(put.bytes, much.size());
  });
}

TEST_P(CancelTest, AJoinThatIsCancelledThrowsAndDetaches) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto pipe = MakePipe(runtime);
    auto reader = runtime.Spawn([](Descriptor from) -> Task<> {
      std::array<char, 1> byte;
      (void)co_await from.Read(byte);
    }(std::move(pipe.read)));
    IoStatus why;
    try {
      co_await WithTimeout(2ms, std::move(reader));
    } catch (const Cancelled& cancelled) {
      why = cancelled.status();
    }
    EXPECT_TRUE(why.timeout()) << why.ToString();
    (void)co_await pipe.write.Write("x");  // The task goes on, and ends.
  });
}

TEST_P(CancelTest, TheOuterOfTwoScopesEndsTheInnerAndAShieldNeither) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    const auto inner = [](Runtime& r) -> Task<bool> {
      CancelSource never;
      co_return co_await WithCancel(never, WithTimeout(1h, r.Sleep(1h)));
    };
    EXPECT_FALSE(co_await WithTimeout(2ms, inner(runtime)));
    const auto shielded = [](Runtime& r) -> Task<bool> {
      EXPECT_FALSE((co_await CancellationStatus()).ok());
      co_return co_await Shielded(r.Sleep(1ms));
    };
    EXPECT_TRUE(co_await WithTimeout(Deadline::Past(), shielded(runtime)));
    EXPECT_TRUE((co_await CancellationStatus()).ok());
    EXPECT_TRUE(co_await runtime.Sleep(1ms));
  });
}

TEST_P(CancelTest, AParentReachesItsChildrenAndNotTheReverse) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    CancelSource parent;
    CancelSource child(parent);
    CancelSource other(parent);
    CancelSource grandchild(child);
    child.Cancel();
    EXPECT_TRUE(grandchild.cancelled());
    EXPECT_FALSE(parent.cancelled());
    EXPECT_FALSE(other.cancelled());
    auto soon = runtime.Spawn(CancelSoon(runtime, parent));
    EXPECT_FALSE(co_await WithCancel(other, runtime.Sleep(1h)));
    CancelSource late(parent);
    EXPECT_TRUE(late.cancelled());
    EXPECT_FALSE(parent.Cancel());
    co_await std::move(soon);
  });
}

TEST_P(CancelTest, StopTokensAreHeededAndGivenOut) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    std::stop_source in;
    std::thread stopper([&in] { in.request_stop(); });
    EXPECT_FALSE(co_await WithCancel(in.get_token(), runtime.Sleep(1h)));
    stopper.join();
    // A token that nobody can stop.
    EXPECT_TRUE(co_await WithCancel(std::stop_token(), runtime.Sleep(1ms)));

    CancelSource parent;
    CancelSource child(parent);
    const std::stop_token out = child.stop_token();
    EXPECT_FALSE(out.stop_requested());
    parent.Cancel();
    EXPECT_TRUE(out.stop_requested());
    EXPECT_TRUE(parent.stop_token().stop_requested());
  });
}

TEST_P(CancelTest, StopEndsWhatIsInAScopeWithClosing) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto pipe = MakePipe(runtime);
    auto stopper = runtime.Spawn([](Runtime& r) -> Task<> {
      co_await r.Sleep(2ms);
      r.Stop();
    }(runtime));
    std::array<char, 1> byte;
    const IoResult got = co_await WithTimeout(1h, pipe.read.Read(byte));
    EXPECT_TRUE(got.status.closing()) << got.status.ToString();
    co_await std::move(stopper);  // It tells one after the other.
    EXPECT_FALSE(co_await WithTimeout(1h, runtime.Sleep(1h)));
    EXPECT_TRUE((co_await WithTimeout(1h, CancellationStatus())).closing());
  });
}

TEST_P(CancelTest, ALoopThatNeverWaitsEnds) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto pipe = MakePipe(runtime);
    const auto loop = [](Descriptor::PipeEnds& ends) -> Task<> {
      std::array<char, 1> byte;
      for (;;) {
        if (!(co_await ends.write.Write("x")).ok()) co_return;
        if (!(co_await ends.read.Read(byte)).ok()) co_return;
      }
    };
    co_await WithTimeout(2ms, loop(pipe));
  });
}

TEST_P(CancelTest, AConnectEndsAndTellsWhy) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    CancelSource source;
    source.Cancel();
    // Nobody answers there.
    const auto address = SocketAddress::Parse("192.0.2.1:9");
    EXPECT_TRUE(address.ok());
    auto socket =
        co_await WithCancel(source, Socket::Connect(runtime, *address));
    EXPECT_FALSE(socket.ok());
    if (socket.status().code() != absl::StatusCode::kUnavailable) {
      EXPECT_EQ(socket.status().code(), absl::StatusCode::kCancelled)
          << socket.status();
    }
  });
}

TEST_P(CancelTest, WhatIsThrownComesOutAndTheScopeIsLeft) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    CancelSource source;
    const auto fails = [](Runtime& r) -> Task<> {
      co_await r.Sleep(1ms);
      throw std::runtime_error("as it should");
    };
    std::string what;
    try {
      co_await WithCancel(source, WithTimeout(1h, fails(runtime)));
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
    EXPECT_EQ(what, "as it should");
  });
}

// The time comes while the operation ends by itself, in all orders that turn
// up.
TEST_P(CancelTest, BytesAreNotLostToTimesThatCome) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto pipe = MakePipe(runtime);
    constexpr int kBytes = 2000;
    auto writer = runtime.Spawn([](Runtime& r, Descriptor& to) -> Task<> {
      for (int i = 0; i < kBytes; ++i) {
        (void)co_await to.Write("x");
        if (i % 7 == 0) co_await r.Sleep(std::chrono::microseconds(i % 50));
      }
    }(runtime, pipe.write));
    int got = 0;
    for (int i = 0; got < kBytes; ++i) {
      std::array<char, 3> buffer;
      const IoResult read = co_await WithTimeout(
          std::chrono::microseconds(i % 90), pipe.read.Read(buffer));
      EXPECT_TRUE(read.ok() || read.status.timeout());
      EXPECT_TRUE(read.ok() || read.bytes == 0);
      got += static_cast<int>(read.bytes);
    }
    co_await std::move(writer);
  });
}

// Behind one that has the direction and does not end.
TEST_P(CancelTest, WhoQueuesBehindAnotherLeavesAtOnce) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto pipe = MakePipe(runtime);
    const auto read = [](Descriptor& from) -> Task<IoResult> {
      std::array<char, 1> byte;
      co_return co_await from.Read(byte);
    };
    auto holder = runtime.Spawn(read(pipe.read));
    co_await runtime.Sleep(2ms);
    // Queued first, and stays: whoever leaves leaves it its place.
    auto second = runtime.Spawn(read(pipe.read));
    co_await runtime.Sleep(2ms);
    for (int i = 0; i < 50; ++i) {
      const IoResult got = co_await WithTimeout(
          std::chrono::microseconds(i * 4), read(pipe.read));
      EXPECT_TRUE(got.status.timeout()) << got.status.ToString();
    }
    EXPECT_FALSE(holder.ended());
    EXPECT_FALSE(second.ended());
    (void)co_await pipe.write.Write("xy");
    EXPECT_EQ((co_await std::move(holder)).bytes, 1u);
    EXPECT_EQ((co_await std::move(second)).bytes, 1u);
  });
}

// Of those that queue any may leave, at any time: the others have their turn.
TEST_P(CancelTest, NobodyIsLeftBehindByThoseWhoLeaveTheQueue) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto pipe = MakePipe(runtime);
    constexpr int kBytes = 600;
    int left = kBytes;
    const auto reads = [](Descriptor& from, int& more, int pace) -> Task<> {
      for (int i = 0; more > 0; ++i) {
        std::array<char, 1> byte;
        const IoResult got = co_await WithTimeout(
            std::chrono::microseconds(i * pace % 70), from.Read(byte));
        if (got.status.closing()) break;
        more -= static_cast<int>(got.bytes);
      }
    };
    // One worker's alone, so that the count needs no lock.
    std::vector<JoinHandle<void>> all;
    for (int pace = 3; pace < 9; ++pace) {
      all.push_back(runtime.Spawn(reads(pipe.read, left, pace), {.worker = 0}));
    }
    for (int i = 0; i < kBytes; ++i) {
      (void)co_await pipe.write.Write("x");
      if (i % 5 == 0) co_await runtime.Sleep(10us);
    }
    for (auto& one : all) co_await std::move(one);
    EXPECT_EQ(left, 0);
  });
}

TEST(CancelMisuseTest, ASourceThatGoesTooEarlyIsNoticed) {
  EXPECT_DEATH(
      {
        auto parent = std::make_unique<CancelSource>();
        const CancelSource child(*parent);
        parent.reset();
      },
      "before what it can cancel had ended");
}

}  // namespace
}  // namespace netpoll
