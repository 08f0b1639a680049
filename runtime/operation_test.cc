// SPDX-License-Identifier: Apache-2.0
//
// What the headers say of reads, writes, detaching and closing, one test for
// each sentence. With one worker and with several.

#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/deadline.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

class OperationTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(OperationTest);

std::string Pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    text[i] = static_cast<char>('a' + i * 7 % 26 + i / 1000 % 3);
  }
  return text;
}

// Everything until the end of the stream.
Task<std::string> ReadAll(Descriptor& from) {
  std::string all;
  std::array<char, 10000> buffer;
  for (;;) {
    const IoResult got = co_await from.Read(buffer);
    EXPECT_TRUE(got.ok()) << got.status.ToString();
    if (!got.ok() || got.bytes == 0) co_return all;
    all.append(buffer.data(), got.bytes);
  }
}

using Count = StdEnv::Atomic<int>;

// `begun` counts those who do not need the handle any more.
Task<IoResult> ReadInto(Descriptor& from, std::string* got,
                        Count* begun = nullptr, Count* ended = nullptr) {
  std::array<char, 64> buffer;
  auto reading = from.Read(buffer);
  if (begun != nullptr) begun->FetchAdd("test.begun", 1, Order::kAcqRel);
  const IoResult result = co_await reading;
  got->assign(buffer.data(), result.bytes);
  if (ended != nullptr) ended->FetchAdd("test.ended", 1, Order::kAcqRel);
  co_return result;
}

TEST_P(OperationTest, AWriteThatEndsEarlySaysHowMuchItWrote) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = *Socket::Pair(runtime);
    const std::string data = Pattern(8 << 20);
    auto write = [](Socket& to, const std::string& text) -> Task<IoResult> {
      co_return co_await to.Write(text);
    };
    auto writing = runtime.Spawn(write(ends.first, data));
    while (runtime.stats().parked == 0) co_await runtime.Yield();
    ends.first.SetWriteDeadline(Deadline::Past());
    const IoResult put = co_await std::move(writing);
    EXPECT_TRUE(put.status.timeout());
    EXPECT_GT(put.bytes, 0u);
    EXPECT_LT(put.bytes, data.size());
    EXPECT_TRUE(ends.first.ShutdownWrite().ok());
    const std::string got = co_await ReadAll(ends.second);
    EXPECT_EQ(got.size(), put.bytes);
    EXPECT_TRUE(data.compare(0, got.size(), got) == 0);
  });
}

TEST_P(OperationTest, AWriteThatFailsSaysHowMuchItWrote) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = *Socket::Pair(runtime);
    const std::string data = Pattern(8 << 20);
    auto write = [](Socket& to, const std::string& text) -> Task<IoResult> {
      co_return co_await to.Write(text);
    };
    auto writing = runtime.Spawn(write(ends.first, data));
    while (runtime.stats().parked == 0) co_await runtime.Yield();
    EXPECT_TRUE((co_await ends.second.Close()).ok());
    const IoResult put = co_await std::move(writing);
    EXPECT_EQ(put.status.error_number(), EPIPE);
    EXPECT_GT(put.bytes, 0u);
    EXPECT_LT(put.bytes, data.size());
  });
}

TEST_P(OperationTest, AWriteThatBlocksOftenWritesEveryByteOnce) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = *Socket::Pair(runtime);
    const std::string data = Pattern(4 << 20);
    auto write = [](Socket& to, const std::string& text) -> Task<IoResult> {
      const IoResult put = co_await to.Write(text);
      EXPECT_TRUE(to.ShutdownWrite().ok());
      co_return put;
    };
    auto writing = runtime.Spawn(write(ends.first, data));
    EXPECT_TRUE(co_await ReadAll(ends.second) == data);
    const IoResult put = co_await std::move(writing);
    EXPECT_TRUE(put.ok());
    EXPECT_EQ(put.bytes, data.size());
  });
}

// More parts than one call takes, empty ones among them, cut anywhere.
TEST_P(OperationTest, WritevWritesMorePartsThanOneCallTakes) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = *Socket::Pair(runtime);
    constexpr std::size_t kParts = 2 * IOV_MAX + 100;
    std::string data = Pattern(kParts * 401);
    std::vector<iovec> parts;
    std::size_t at = 0;
    for (std::size_t i = 0; i < kParts; ++i) {
      const std::size_t size = i % 5 == 0 ? 0 : i % 401;
      parts.push_back({data.data() + at, size});
      at += size;
    }
    auto write = [](Socket& to, std::vector<iovec>& all) -> Task<IoResult> {
      const IoResult put = co_await to.Writev(all);
      EXPECT_TRUE(to.ShutdownWrite().ok());
      co_return put;
    };
    auto writing = runtime.Spawn(write(ends.first, parts));
    const std::string got = co_await ReadAll(ends.second);
    EXPECT_TRUE(got == data.substr(0, at));
    const IoResult put = co_await std::move(writing);
    EXPECT_TRUE(put.ok());
    EXPECT_EQ(put.bytes, at);
  });
}

TEST_P(OperationTest, WritevOfNothingEndsAtOnce) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = *Socket::Pair(runtime);
    std::vector<iovec> none;
    EXPECT_TRUE((co_await ends.first.Writev(none)).ok());
    std::vector<iovec> empty(3);
    const IoResult put = co_await ends.first.Writev(empty);
    EXPECT_TRUE(put.ok());
    EXPECT_EQ(put.bytes, 0u);
  });
}

TEST_P(OperationTest, ReadvFillsItsPartsInOrder) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = *Socket::Pair(runtime);
    EXPECT_TRUE((co_await ends.first.Write("abcdef")).ok());
    std::array<char, 2> first;
    std::array<char, 8> second;
    const std::array<iovec, 3> parts{iovec{first.data(), 2}, iovec{nullptr, 0},
                                     iovec{second.data(), 8}};
    const IoResult got = co_await ends.second.Readv(parts);
    EXPECT_EQ(got.bytes, 6u);
    EXPECT_EQ(std::string(first.data(), 2), "ab");
    EXPECT_EQ(std::string(second.data(), 4), "cdef");
  });
}

TEST_P(OperationTest, ReadvOfManyPartsReadsWhatOneCallTakes) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = *Socket::Pair(runtime);
    constexpr std::size_t kParts = IOV_MAX + 10;
    std::string room(kParts, '\0');
    std::vector<iovec> parts;
    for (char& one : room) parts.push_back({&one, 1});
    const std::string data = Pattern(kParts);
    EXPECT_TRUE((co_await ends.first.Write(data)).ok());
    const IoResult got = co_await ends.second.Readv(parts);
    EXPECT_EQ(got.bytes, static_cast<std::size_t>(IOV_MAX));
    EXPECT_EQ(room.substr(0, got.bytes), data.substr(0, got.bytes));
    // The rest was not lost.
    std::string rest;
    EXPECT_TRUE((co_await ReadInto(ends.second, &rest)).ok());
    EXPECT_EQ(rest, data.substr(got.bytes));
  });
}

TEST_P(OperationTest, AReadOfNothingEndsAtOnceAndTakesNothing) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = *Socket::Pair(runtime);
    for (const char* sent : {"", "x"}) {
      EXPECT_TRUE((co_await ends.first.Write(sent)).ok());
      const IoResult got = co_await ends.second.Read({});
      EXPECT_TRUE(got.ok());
      EXPECT_EQ(got.bytes, 0u);
      const std::array<iovec, 2> parts{};
      EXPECT_TRUE((co_await ends.second.Readv(parts)).ok());
    }
    std::string got;
    EXPECT_TRUE((co_await ReadInto(ends.second, &got)).ok());
    EXPECT_EQ(got, "x");
  });
}

TEST_P(OperationTest, ANullHandleSaysSo) {
  RunTest(threads(), [](Runtime&) -> Task<> {
    Socket none;
    std::array<char, 4> buffer;
    const IoStatus bad = IoStatus::FromErrno(EBADF);
    EXPECT_EQ((co_await none.Read(buffer)).status, bad);
    EXPECT_EQ((co_await none.Write("x")).status, bad);
    EXPECT_EQ(co_await none.WaitReadable(), bad);
    EXPECT_EQ(co_await none.Close(), bad);
    EXPECT_EQ((co_await none.Detach()).status().code(), ToStatus(bad).code());
    none.CloseNow();
    none.SetDeadline(Deadline::Past());
    EXPECT_FALSE(none.WithFd([](int) { ADD_FAILURE(); }));
    EXPECT_EQ(none.fd(), -1);
  });
}

TEST_P(OperationTest, DetachEndsWhatIsUnderWayAndKeepsTheDescriptor) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = *Socket::Pair(runtime);
    std::array<std::string, 3> got;
    std::vector<JoinHandle<IoResult>> readers;
    for (std::string& one : got) {
      readers.push_back(runtime.Spawn(ReadInto(ends.first, &one)));
    }
    while (runtime.stats().parked == 0) co_await runtime.Yield();
    const int number = ends.first.fd();
    const auto fd = co_await ends.first.Detach();
    EXPECT_TRUE(fd.ok()) << fd.status();
    if (!fd.ok()) co_return;
    EXPECT_EQ(*fd, number);
    for (auto& reader : readers) {
      EXPECT_TRUE((co_await std::move(reader)).status.closing());
    }
    EXPECT_NE(::fcntl(*fd, F_GETFL) & O_NONBLOCK, 0);
    EXPECT_TRUE((co_await ends.first.Read({})).status.closing());
    // It may be adopted again.
    auto again = Socket::Adopt(runtime, *fd);
    EXPECT_TRUE(again.ok()) << again.status();
    EXPECT_TRUE((co_await ends.second.Write("news")).ok());
    EXPECT_TRUE((co_await ReadInto(*again, &got[0])).ok());
    EXPECT_EQ(got[0], "news");
  });
}

TEST_P(OperationTest, AHandleThatIsDroppedEndsEveryReaderThatStandsInLine) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    for (int round = 0; round < 20; ++round) {
      auto ends = *Socket::Pair(runtime);
      std::optional<Socket> handle(std::move(ends.first));
      std::array<std::string, 5> got;
      std::vector<JoinHandle<IoResult>> readers;
      Count begun{0};
      Count ended{0};
      for (std::string& one : got) {
        readers.push_back(
            runtime.Spawn(ReadInto(*handle, &one, &begun, &ended)));
      }
      while (begun.Load("test.begun", Order::kAcquire) < 5 ||
             runtime.stats().parked == 0) {
        co_await runtime.Yield();
      }
      for (int i = 0; i < 20; ++i) co_await runtime.Yield();
      if (round % 2 == 0) {
        handle.reset();
      } else {
        // Data for whoever is first in line, then nothing for the rest.
        EXPECT_TRUE((co_await ends.second.Write("x")).ok());
        while (ended.Load("test.over", Order::kAcquire) == 0) {
          co_await runtime.Yield();
        }
        handle->CloseNow();
      }
      for (auto& reader : readers) {
        const IoResult one = co_await std::move(reader);
        EXPECT_TRUE(one.status.closing() || one.bytes == 1)
            << one.status.ToString();
      }
    }
  });
}

TEST_P(OperationTest, AfterACloseThePeerHasTheEnd) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    for (int round = 0; round < 50; ++round) {
      auto ends = *Socket::Pair(runtime);
      std::string unused;
      auto reader = runtime.Spawn(ReadInto(ends.first, &unused));
      if (round % 2 == 0) {
        while (runtime.stats().parked == 0) co_await runtime.Yield();
      }
      EXPECT_TRUE((co_await ends.first.Close()).ok());
      ends.second.WithFd([](int fd) {
        char byte;
        EXPECT_EQ(::read(fd, &byte, 1), 0) << "the end is not there yet";
      });
      EXPECT_TRUE((co_await std::move(reader)).status.closing());
    }
  });
}

TEST_P(OperationTest, OnlyOneOfManyClosesCloses) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    for (int round = 0; round < 20; ++round) {
      auto ends = *Socket::Pair(runtime);
      auto close = [](Socket& socket) -> Task<IoStatus> {
        co_return co_await socket.Close();
      };
      std::vector<JoinHandle<IoStatus>> closers;
      for (int i = 0; i < 4; ++i) {
        closers.push_back(runtime.Spawn(close(ends.first)));
      }
      int closed = 0;
      for (auto& closer : closers) {
        const IoStatus status = co_await std::move(closer);
        EXPECT_TRUE(status.ok() || status.closing());
        closed += status.ok() ? 1 : 0;
      }
      EXPECT_EQ(closed, 1);
    }
  });
}

// A deadline that is set while another task closes, and the next descriptor
// takes the slot: it is not for that one.
TEST_P(OperationTest, ADeadlineOfAClosedHandleIsNotTheNextOnes) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    for (int round = 0; round < 200; ++round) {
      auto old = *Socket::Pair(runtime);
      auto set = [](Socket& socket) -> Task<> {
        for (int i = 0; i < 3; ++i) socket.SetDeadline(Deadline::Past());
        co_return;
      };
      auto setting = runtime.Spawn(set(old.first));
      if (round % 2 == 0) co_await runtime.Yield();
      old.first.CloseNow();
      auto next = *Socket::Pair(runtime);
      co_await std::move(setting);
      old.first.SetDeadline(Deadline::Past());
      std::string got;
      auto reader = runtime.Spawn(ReadInto(next.first, &got));
      EXPECT_TRUE((co_await next.second.Write("x")).ok());
      const IoResult result = co_await std::move(reader);
      EXPECT_TRUE(result.ok()) << result.status.ToString();
    }
  });
}

TEST_P(OperationTest, ReadersAreServedInTheOrderInWhichTheyCame) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    auto ends = *Socket::Pair(runtime);
    std::array<std::string, 4> got;
    std::vector<JoinHandle<IoResult>> readers;
    for (std::string& one : got) {
      readers.push_back(runtime.Spawn(ReadInto(ends.first, &one)));
      for (int i = 0; i < 5; ++i) co_await runtime.Yield();
    }
    for (std::size_t i = 0; i < got.size(); ++i) {
      const std::string text(1, static_cast<char>('0' + i));
      EXPECT_TRUE((co_await ends.second.Write(text)).ok());
      EXPECT_TRUE((co_await std::move(readers[i])).ok());
      EXPECT_EQ(got[i], text);
    }
  });
}

TEST_P(OperationTest, AWriteDoesNotWaitForAReadUnderWay) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = *Socket::Pair(runtime);
    std::string got;
    auto reader = runtime.Spawn(ReadInto(ends.first, &got));
    while (runtime.stats().parked == 0) co_await runtime.Yield();
    EXPECT_TRUE((co_await ends.first.Write("out")).ok());
    EXPECT_TRUE((co_await ReadInto(ends.second, &got)).ok());
    EXPECT_EQ(got, "out");
    EXPECT_TRUE((co_await ends.second.Write("in")).ok());
    EXPECT_TRUE((co_await std::move(reader)).ok());
    EXPECT_EQ(got, "in");
  });
}

}  // namespace
}  // namespace netpoll
