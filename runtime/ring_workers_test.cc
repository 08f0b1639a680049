// SPDX-License-Identifier: Apache-2.0
//
// Rings of several workers: each carries out what its worker begins, and ends
// what others want ended.

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/deadline.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/ring_test_support.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/when_all.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

class RingWorkersTest : public RingTest {};

// The task that sets the deadline is on one worker, the read on another, whose
// ring has the call.
TEST_F(RingWorkersTest, ACallIsEndedFromAnotherWorker) {
  RunInRings(2, [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    for (int i = 0; i < 200; ++i) {
      std::string buffer(8, ' ');
      JoinHandle<IoResult> reader = runtime.Spawn(
          ReadInto(ends->first, buffer), {.worker = i % 4 < 2 ? 1 : 0});
      if (i % 2 == 0) co_await Settle(runtime, 1);
      if (i % 3 == 0) {
        EXPECT_EQ(::send(ends->second.fd(), "abc", 3, 0), 3);
      }
      ends->first.SetReadDeadline(Deadline::Past());
      const IoResult got = co_await std::move(reader);
      if (got.ok()) {
        EXPECT_EQ(buffer.substr(0, got.bytes), "abc");
      } else {
        EXPECT_TRUE(got.status.timeout()) << got.status.ToString();
        ends->first.SetReadDeadline(Deadline::None());
        if (i % 3 == 0) {
          EXPECT_EQ((co_await ends->first.Read(buffer)).bytes, 3u);
        }
      }
      ends->first.SetReadDeadline(Deadline::None());
    }
  });
}

TEST_F(RingWorkersTest, ACloseFromAnotherWorkerEndsBothCalls) {
  RunInRings(2, [](Runtime& runtime) -> Task<> {
    for (int i = 0; i < 50; ++i) {
      auto ends = Socket::Pair(runtime);
      std::string buffer(8, ' ');
      JoinHandle<IoResult> reader =
          runtime.Spawn(ReadInto(ends->first, buffer), {.worker = 1});
      const std::string data(8 << 20, 'x');
      JoinHandle<IoResult> writer = runtime.Spawn(
          [](Socket& socket, const std::string& all) -> Task<IoResult> {
            co_return co_await socket.Write(all);
          }(ends->first, data),
          {.worker = 1});
      if (i % 2 == 0) co_await Settle(runtime, 2);
      EXPECT_TRUE((co_await ends->first.Close()).ok());
      EXPECT_TRUE((co_await std::move(reader)).status.closing());
      EXPECT_TRUE((co_await std::move(writer)).status.closing());
    }
  });
}

Task<> Echo(Socket socket) {
  std::array<char, 256> buffer;
  for (;;) {
    const IoResult got = co_await socket.Read(buffer);
    if (!got.ok() || got.bytes == 0) co_return;
    EXPECT_TRUE((co_await socket.Write({buffer.data(), got.bytes})).ok());
  }
}

// Tasks go from one worker to another, and their calls with them; deadlines
// pass meanwhile, wherever they are.
TEST_F(RingWorkersTest, TasksThatAreStolenTakeTheirCallsElsewhere) {
  RunInRings(4, [](Runtime& runtime) -> Task<> {
    std::vector<JoinHandle<void>> all;
    for (int i = 0; i < 32; ++i) {
      auto ends = Socket::Pair(runtime);
      all.push_back(runtime.Spawn(Echo(std::move(ends->second))));
      all.push_back(runtime.Spawn([](Runtime& its, Socket socket) -> Task<> {
        std::string buffer(64, ' ');
        for (int k = 0; k < 200; ++k) {
          const std::string text = "message " + std::to_string(k);
          EXPECT_TRUE((co_await socket.Write(text)).ok());
          std::string got;
          while (got.size() < text.size()) {
            socket.SetReadDeadline(its.After(k % 3 == 0 ? 10us : 1h));
            const IoResult part = co_await socket.Read(buffer);
            EXPECT_TRUE(part.ok() || part.status.timeout());
            got += buffer.substr(0, part.bytes);
          }
          EXPECT_EQ(got, text);
        }
      }(runtime, std::move(ends->first))));
    }
    for (auto& one : all) co_await std::move(one);
  });
}

TEST_F(RingWorkersTest, StopEndsTheCallsOfAllWorkers) {
  RunInRings(3, [](Runtime& runtime) -> Task<> {
    constexpr int kMany = 60;
    std::vector<Socket::Ends> pairs(kMany);
    std::vector<std::string> buffers(kMany, std::string(8, ' '));
    std::vector<JoinHandle<IoResult>> readers;
    for (int i = 0; i < kMany; ++i) {
      pairs[i] = *Socket::Pair(runtime);
      readers.push_back(runtime.Spawn(ReadInto(pairs[i].first, buffers[i]),
                                      {.worker = i % 3}));
    }
    co_await Settle(runtime, kMany);
    runtime.Stop();
    for (auto& reader : readers) {
      EXPECT_TRUE((co_await std::move(reader)).status.closing());
    }
  });
}

}  // namespace
}  // namespace netpoll
