// SPDX-License-Identifier: Apache-2.0
//
// What is sent without a copy, and when it is the caller's again.

#include "netpoll/runtime/zero_copy.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/runtime/cancel.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/socket_test_support.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;
using internal::sys, internal::SysOverride, internal::ZeroCopyCalls;

// --- The bookkeeping ---------------------------------------------------------

TEST(ZeroCopyCalls, AreReleasedInOrderHoweverTheyAreReported) {
  ZeroCopyCalls calls;
  for (const std::size_t bytes : {10, 20, 30, 40}) calls.Sent(bytes);
  calls.Copied(5);
  EXPECT_EQ(calls.written(), 105u);
  EXPECT_EQ(calls.released(), 0u);
  calls.Report(1, 2, false);
  EXPECT_EQ(calls.released(), 0u);
  calls.Report(0, 0, false);
  EXPECT_EQ(calls.released(), 60u);
  calls.Report(3, 3, false);
  EXPECT_EQ(calls.released(), 105u);
  EXPECT_TRUE(calls.idle());
  // What was never sent is nobody's.
  calls.Report(4, 4'000'000'000, false);
  EXPECT_EQ(calls.released(), 105u);
}

TEST(ZeroCopyCalls, HaveAnEndAndGoRoundIt) {
  ZeroCopyCalls calls;
  std::uint32_t number = 0;
  for (int round = 0; round < 3; ++round) {
    const std::uint32_t first = number;
    while (!calls.full()) {
      calls.Sent(1);
      ++number;
    }
    EXPECT_EQ(number - first, ZeroCopyCalls::kMost);
    calls.Report(first + 1, number - 1, false);
    EXPECT_TRUE(calls.full());
    EXPECT_EQ(calls.released(), first);
    calls.Report(first, first, false);
    EXPECT_EQ(calls.released(), number);
  }
}

TEST(ZeroCopyCalls, AreInVainWhenAllAreCopied) {
  ZeroCopyCalls calls;
  for (std::uint32_t i = 0; i < 12; ++i) {
    calls.Sent(1);
    EXPECT_FALSE(calls.in_vain()) << i;
    calls.Report(i, i, i != 3);  // One that was not copied counts.
  }
  EXPECT_TRUE(calls.in_vain());
  ZeroCopyCalls others;  // That are told in one report.
  for (int i = 0; i < 8; ++i) others.Sent(1);
  others.Report(0, 7, true);
  EXPECT_TRUE(others.in_vain());
}

// --- Sockets -----------------------------------------------------------------

class ZeroCopyTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(ZeroCopyTest);

struct Counts {
  StdEnv::Atomic<int> uncopied{0};
  StdEnv::Atomic<int> refused{0};
};
Counts* counts;

// Of a system whose reports say what they say of this host's own sockets,
// unless `honest` is false.
class CountedCalls {
 public:
  CountedCalls() {
    counts = &counts_;
    sys.send = [](int fd, const void* data, std::size_t size, int flags) {
      const ssize_t put = ::send(fd, data, size, flags);
      if (put >= 0 && (flags & MSG_ZEROCOPY) != 0) {
        counts->uncopied.FetchAdd("test.uncopied", 1, Order::kAcqRel);
      }
      return put;
    };
  }
  int uncopied() const {
    return counts_.uncopied.Load("test.uncopied", Order::kAcquire);
  }

 private:
  const SysOverride restore_;
  Counts counts_;
};

struct Connection {
  Socket out;
  Socket in;
};
Task<Connection> Connect(Runtime& runtime) {
  auto listener = *Listener::Listen(runtime, Loopback());
  Socket out = *co_await Socket::Connect(runtime, listener.address());
  AcceptResult in = co_await listener.Accept();
  co_return Connection{std::move(out), std::move(in.socket)};
}

Task<std::size_t> Drain(Socket& from, char expected) {
  std::vector<char> buffer(100'000);
  const std::string same(buffer.size(), expected);
  std::size_t all = 0;
  for (;;) {
    const IoResult got = co_await from.Read(buffer);
    if (!got.ok() || got.bytes == 0) co_return all;
    EXPECT_EQ(std::memcmp(buffer.data(), same.data(), got.bytes), 0);
    all += got.bytes;
  }
}

// Between sockets of one host the system copies, and says so: that is believed.
TEST_P(ZeroCopyTest, ABufferComesBackAndCopiesAreNotAskedForAgain) {
  const CountedCalls calls;
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    Connection ends = co_await Connect(runtime);
    JoinHandle<std::size_t> reader = runtime.Spawn(Drain(ends.in, 'x'));
    ZeroCopyWriter out(ends.out);
    std::string block(64 << 10, 'x');
    for (int i = 0; i < 50; ++i) {
      block.assign(block.size(), 'x');
      const IoResult put = co_await out.Write(block);
      EXPECT_EQ(put.bytes, block.size()) << put.status.ToString();
      const IoStatus released = co_await out.Released();
      EXPECT_TRUE(released.ok()) << released.ToString();
      EXPECT_EQ(out.released(), out.written());
      block.assign(block.size(), '!');
    }
    EXPECT_FALSE(out.pays());
    EXPECT_EQ(out.written(), 50 * block.size());
    co_await ends.out.Close();
    EXPECT_EQ(co_await std::move(reader), 50 * block.size());
  });
  EXPECT_GE(calls.uncopied(), 1);
  EXPECT_LE(calls.uncopied(), 20);
}

// Nor by who never waits for a buffer.
TEST_P(ZeroCopyTest, ReportsAreReadThoughNobodyWaits) {
  const CountedCalls calls;
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    Connection ends = co_await Connect(runtime);
    JoinHandle<std::size_t> reader = runtime.Spawn(Drain(ends.in, 'x'));
    ZeroCopyWriter out(ends.out);
    const std::string block(64 << 10, 'x');
    for (int i = 0; i < 200; ++i) {
      EXPECT_TRUE((co_await out.Write(block)).ok());
      if (i % 10 == 0) co_await runtime.Yield();
    }
    EXPECT_FALSE(out.pays());
    EXPECT_TRUE((co_await out.Released()).ok());
    co_await ends.out.Close();
    EXPECT_EQ(co_await std::move(reader), 200 * block.size());
  });
  EXPECT_LE(calls.uncopied(), 120);
}

TEST_P(ZeroCopyTest, WhatIsSmallAndAUnixSocketAreCopied) {
  const CountedCalls calls;
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    Connection ends = co_await Connect(runtime);
    ZeroCopyWriter out(ends.out);
    EXPECT_TRUE((co_await out.Write("small")).ok());
    EXPECT_EQ(out.released(), 5u);
    EXPECT_TRUE(out.pays());
    auto pair = *Socket::Pair(runtime);
    ZeroCopyWriter other(pair.first, 1);
    EXPECT_FALSE(other.pays());
    EXPECT_TRUE((co_await other.Write("small")).ok());
    EXPECT_TRUE((co_await other.Released()).ok());
    EXPECT_EQ(other.released(), 5u);
  });
  EXPECT_EQ(calls.uncopied(), 0);
}

// No memory may be locked, or none is there for the report: it is copied, and
// nobody waits for what will not be reported.
TEST_P(ZeroCopyTest, WithoutMemoryItIsCopied) {
  const CountedCalls calls;
  sys.send = [](int fd, const void* data, std::size_t size, int flags) {
    if ((flags & MSG_ZEROCOPY) == 0) return ::send(fd, data, size, flags);
    counts->refused.FetchAdd("test.refused", 1, Order::kAcqRel);
    errno = ENOBUFS;
    return ssize_t{-1};
  };
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    Connection ends = co_await Connect(runtime);
    JoinHandle<std::size_t> reader = runtime.Spawn(Drain(ends.in, 'x'));
    ZeroCopyWriter out(ends.out);
    const std::string block(1 << 20, 'x');
    const IoResult put = co_await out.Write(block);
    EXPECT_EQ(put.bytes, block.size()) << put.status.ToString();
    EXPECT_TRUE((co_await out.Released()).ok());
    co_await ends.out.Close();
    EXPECT_EQ(co_await std::move(reader), block.size());
  });
  EXPECT_GT(counts->refused.Load("test.refused", Order::kAcquire), 0);
}

// A peer that does not read: the deadline and a cancellation end the waits, and
// what is under way is known afterwards. A reader beside it is not disturbed.
TEST_P(ZeroCopyTest, WaitsEndAndMayBeginAgain) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    Connection ends = co_await Connect(runtime);
    auto answer = [&]() -> Task<> {
      std::array<char, 1> byte;
      const IoResult got = co_await ends.out.Read(byte);
      EXPECT_TRUE(got.ok()) << got.status.ToString();
      EXPECT_EQ(byte[0], 'y');
    };
    JoinHandle<void> answered = runtime.Spawn(answer());
    ZeroCopyWriter out(ends.out);
    const std::string block(16 << 20, 'x');
    ends.out.SetWriteDeadline(runtime.After(2ms));
    const IoResult put = co_await out.Write(block);
    EXPECT_TRUE(put.status.timeout());
    EXPECT_LT(put.bytes, block.size());
    EXPECT_EQ(out.written(), put.bytes);
    EXPECT_TRUE((co_await out.Released()).timeout() ||
                out.released() == out.written());
    ends.out.SetWriteDeadline(Deadline::None());
    CancelSource source;
    source.Cancel();
    (void)co_await WithCancel(source, out.Released());
    JoinHandle<std::size_t> reader = runtime.Spawn(Drain(ends.in, 'x'));
    EXPECT_TRUE((co_await out.Released()).ok());
    EXPECT_EQ(out.released(), put.bytes);
    EXPECT_TRUE((co_await ends.in.Write("y")).ok());
    co_await std::move(answered);
    co_await ends.out.Close();
    EXPECT_EQ(co_await std::move(reader), put.bytes);
    EXPECT_TRUE((co_await out.Released(0)).closing());
  });
}

}  // namespace
}  // namespace netpoll
