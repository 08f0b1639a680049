// SPDX-License-Identifier: Apache-2.0
//
// io_uring in completion mode: what is carried out by the worker's ring, and
// what ends a call that it has: bytes win, a buffer is the system's until the
// completion, and nobody waits for what nobody will end.

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/deadline.h"
#include "netpoll/runtime/cancel.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/ring_test_support.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

Task<IoResult> WriteAll(Socket& socket, const std::string& data) {
  co_return co_await socket.Write(data);
}

Task<> Echo(Socket& socket) {
  std::array<char, 256> buffer;
  for (;;) {
    const IoResult got = co_await socket.Read(buffer);
    if (!got.ok() || got.bytes == 0) co_return;
    EXPECT_TRUE((co_await socket.Write({buffer.data(), got.bytes})).ok());
  }
}

TEST_F(RingTest, MessagesAreMovedByTheRingAlone) {
  RunInRing([](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    JoinHandle<void> echo = runtime.Spawn(Echo(ends->second));
    std::string buffer(64, ' ');
    for (int i = 0; i < 100; ++i) {
      const std::string text = "message " + std::to_string(i);
      EXPECT_TRUE((co_await ends->first.Write(text)).ok());
      const IoResult got = co_await ends->first.Read(buffer);
      EXPECT_EQ(buffer.substr(0, got.bytes), text);
    }
    ends->first.ShutdownWrite();
    co_await std::move(echo);
    EXPECT_TRUE(OnlyByRing(ends->first) && OnlyByRing(ends->second));
  });
}

TEST_F(RingTest, BytesThatCameBeforeTheDeadlineWin) {
  RunInRing([](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    for (int i = 0; i < 100; ++i) {
      std::string buffer(8, ' ');
      JoinHandle<IoResult> reader =
          runtime.Spawn(ReadInto(ends->first, buffer));
      co_await Settle(runtime, 1);
      EXPECT_EQ(::send(ends->second.fd(), "abc", 3, 0), 3);
      ends->first.SetReadDeadline(Deadline::Past());
      const IoResult got = co_await std::move(reader);
      EXPECT_TRUE(got.ok()) << got.status.ToString();
      EXPECT_EQ(buffer.substr(0, got.bytes), "abc");
      ends->first.SetReadDeadline(Deadline::None());
    }
  });
}

TEST_F(RingTest, ADeadlineEndsACallAndLosesNothing) {
  RunInRing([](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    for (int i = 0; i < 20; ++i) {
      std::string buffer(8, ' ');
      ends->first.SetReadDeadline(runtime.After(100us));
      const IoResult none = co_await ends->first.Read(buffer);
      EXPECT_TRUE(none.status.timeout()) << none.status.ToString();
      EXPECT_EQ(::send(ends->second.fd(), "abc", 3, 0), 3);
      ends->first.SetReadDeadline(Deadline::None());
      const IoResult got = co_await ends->first.Read(buffer);
      EXPECT_EQ(buffer.substr(0, got.bytes), "abc");
    }
  });
}

TEST_F(RingTest, ADeadlineThatWasMovedInTimeEndsNothing) {
  RunInRing([](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    std::string buffer(8, ' ');
    JoinHandle<IoResult> reader = runtime.Spawn(ReadInto(ends->first, buffer));
    co_await Settle(runtime, 1);
    ends->first.SetReadDeadline(Deadline::Past());
    ends->first.SetReadDeadline(Deadline::None());
    for (int i = 0; i < 200; ++i) co_await runtime.Yield();
    EXPECT_FALSE(reader.ended());
    EXPECT_EQ(::send(ends->second.fd(), "abc", 3, 0), 3);
    EXPECT_EQ((co_await std::move(reader)).bytes, 3u);
  });
}

TEST_F(RingTest, AWriteThatIsEndedTellsWhatThePeerGets) {
  RunInRing([](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    const std::string data(8 << 20, 'x');
    JoinHandle<IoResult> writer = runtime.Spawn(WriteAll(ends->first, data));
    co_await Settle(runtime, 1);
    ends->first.SetWriteDeadline(runtime.After(1ms));
    const IoResult put = co_await std::move(writer);
    EXPECT_TRUE(put.status.timeout()) << put.status.ToString();
    EXPECT_GT(put.bytes, 0u);
    ends->first.ShutdownWrite();
    std::string buffer(1 << 16, ' ');
    std::size_t all = 0;
    for (;;) {
      const IoResult got = co_await ends->second.Read(buffer);
      EXPECT_TRUE(got.ok());
      if (got.bytes == 0) break;
      all += got.bytes;
    }
    EXPECT_EQ(all, put.bytes);
  });
}

TEST_F(RingTest, ALongWriteArrivesWhole) {
  RunInRing([](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    std::string data(4 << 20, ' ');
    for (std::size_t i = 0; i < data.size(); ++i) {
      data[i] = static_cast<char>('a' + i % 23);
    }
    JoinHandle<IoResult> writer = runtime.Spawn(WriteAll(ends->first, data));
    std::string got(data.size(), ' ');
    EXPECT_TRUE((co_await ends->second.ReadExactly(got)).ok());
    EXPECT_TRUE(got == data);
    EXPECT_EQ((co_await std::move(writer)).bytes, data.size());
  });
}

TEST_F(RingTest, ACloseEndsBothCallsAndThenTheDescriptor) {
  RunInRing([](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    std::string buffer(8, ' ');
    const std::string data(8 << 20, 'x');
    JoinHandle<IoResult> reader = runtime.Spawn(ReadInto(ends->first, buffer));
    JoinHandle<IoResult> writer = runtime.Spawn(WriteAll(ends->first, data));
    co_await Settle(runtime, 2);
    EXPECT_TRUE((co_await ends->first.Close()).ok());
    EXPECT_TRUE(reader.ended() && writer.ended());
    EXPECT_TRUE((co_await std::move(reader)).status.closing());
    EXPECT_TRUE((co_await std::move(writer)).status.closing());
    // The peer sees it: the system held nothing of it.
    std::string rest(1 << 20, ' ');
    IoResult got;
    do {
      got = co_await ends->second.Read(rest);
    } while (got.ok() && got.bytes > 0);
    EXPECT_EQ(got.bytes, 0u);
  });
}

TEST_F(RingTest, AScopeEndsACallAndBytesThatHadComeWin) {
  RunInRing([](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    for (const bool speaks : {false, true}) {
      CancelSource source;
      std::string buffer(8, ' ');
      JoinHandle<IoResult> reader =
          runtime.Spawn(ReadUntil(source, ends->first, buffer));
      co_await Settle(runtime, 1);
      if (speaks) {
        EXPECT_EQ(::send(ends->second.fd(), "abc", 3, 0), 3);
      }
      source.Cancel();
      const IoResult got = co_await std::move(reader);
      EXPECT_EQ(got.status.cancelled(), !speaks) << got.status.ToString();
      EXPECT_EQ(got.bytes, speaks ? 3u : 0u);
    }
  });
}

TEST_F(RingTest, StopEndsEveryCall) {
  RunInRing([](Runtime& runtime) -> Task<> {
    std::vector<Socket::Ends> pairs;
    std::vector<std::unique_ptr<std::string>> buffers;
    std::vector<JoinHandle<IoResult>> readers;
    // More than are gathered for one call.
    for (int i = 0; i < 400; ++i) {
      pairs.push_back(*Socket::Pair(runtime));
      buffers.push_back(std::make_unique<std::string>(8, ' '));
    }
    for (int i = 0; i < 400; ++i) {
      readers.push_back(runtime.Spawn(ReadInto(pairs[i].first, *buffers[i])));
    }
    co_await Settle(runtime, 400);
    runtime.Stop();
    for (auto& reader : readers) {
      EXPECT_TRUE((co_await std::move(reader)).status.closing());
    }
  });
}

// Whatever is under way, a worker that has nothing to run waits, and is not
// woken before there is something.
TEST_F(RingTest, IdleStreamsCostNoPolls) {
  RunInRing([](Runtime& runtime) -> Task<> {
    std::vector<Socket::Ends> pairs(400);
    std::vector<std::string> buffers(pairs.size(), std::string(8, ' '));
    std::vector<JoinHandle<IoResult>> readers;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      pairs[i] = *Socket::Pair(runtime);
      readers.push_back(runtime.Spawn(ReadInto(pairs[i].first, buffers[i])));
    }
    co_await Settle(runtime, static_cast<int>(pairs.size()));
    co_await runtime.Sleep(1ms);
    const std::uint64_t before = runtime.stats().polls;
    co_await runtime.Sleep(100ms);
    // The sleep's own: for its length, and for what came before its end.
    EXPECT_LE(runtime.stats().polls - before, 4u);
    for (auto& pair : pairs) {
      EXPECT_EQ(::send(pair.second.fd(), "abc", 3, 0), 3);
    }
    for (auto& reader : readers) {
      EXPECT_EQ((co_await std::move(reader)).bytes, 3u);
    }
  });
}

TEST_F(RingTest, WhatTheRingDoesNotCarryOutWaitsForReadiness) {
  RunInRing([](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    JoinHandle<IoStatus> waiter =
        runtime.Spawn([](Socket& socket) -> Task<IoStatus> {
          co_return co_await socket.WaitReadable();
        }(ends->first));
    co_await Settle(runtime, 1);
    EXPECT_FALSE(waiter.ended());
    EXPECT_TRUE((co_await ends->second.Write("abc")).ok());
    EXPECT_TRUE((co_await std::move(waiter)).ok());
    EXPECT_FALSE(OnlyByRing(ends->first));
    std::string buffer(8, ' ');
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ((co_await ends->first.Read(buffer)).bytes, 3u);
      EXPECT_TRUE((co_await ends->second.Write("abc")).ok());
    }
  });
}

TEST_F(RingTest, AnotherRuntimesTaskIsServedByReadiness) {
  RunInRing([](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    std::string buffer(8, ' ');
    Runtime other({.threads = 1});
    JoinHandle<IoResult> guest = other.Spawn(ReadInto(ends->first, buffer));
    std::jthread thread([&other] { EXPECT_TRUE(other.Run().ok()); });
    co_await Settle(runtime, 1);
    EXPECT_TRUE((co_await ends->second.Write("abc")).ok());
    EXPECT_EQ((co_await std::move(guest)).bytes, 3u);
  });
}

TEST_F(RingTest, AClosedReadersEndIsClosingThoughItsPeerHasGone) {
  RunInRing([](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    std::string buffer(8, ' ');
    JoinHandle<IoResult> reader = runtime.Spawn(ReadInto(ends->first, buffer));
    co_await Settle(runtime, 1);
    ends->second.CloseNow();
    ends->first.CloseNow();
    EXPECT_TRUE((co_await std::move(reader)).status.closing());
  });
}

TEST_F(RingTest, ARunTurnByTurnHasNoRing) {
  Runtime runtime({.threads = 1, .backend = "io_uring", .completions = true});
  if (!runtime.status().ok()) GTEST_SKIP() << runtime.status();
  auto ends = Socket::Pair(runtime);
  std::string buffer(8, ' ');
  JoinHandle<IoResult> reader = runtime.Spawn(ReadInto(ends->first, buffer));
  EXPECT_FALSE(runtime.RunOnce()->ended);
  EXPECT_EQ(::send(ends->second.fd(), "abc", 3, 0), 3);
  while (!runtime.RunOnce()->ended) {
  }
  EXPECT_TRUE(reader.ended());
  EXPECT_EQ(buffer.substr(0, 3), "abc");
}

TEST(RingNoteTest, WhoAsksForMoreWorkersIsToldWhyThereAreNoRings) {
  Runtime runtime({.threads = 2, .backend = "io_uring", .completions = true});
  if (!runtime.status().ok()) GTEST_SKIP() << runtime.status();
  EXPECT_NE(runtime.backend_note().find("readiness"), std::string::npos);
  EXPECT_EQ(std::string(runtime.backend()), "io_uring");
  Runtime epoll({.threads = 1, .backend = "epoll", .completions = true});
  EXPECT_NE(epoll.backend_note().find("epoll has none"), std::string::npos);
  EXPECT_EQ(Runtime({.threads = 1, .backend = "io_uring"}).backend_note(), "");
}

}  // namespace
}  // namespace netpoll
