// SPDX-License-Identifier: Apache-2.0
//
// Stop: whoever waits, begins or opens something is told "closing", and nothing
// else, whatever Stop does to the other ends at the same time.

#include <array>
#include <atomic>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/socket_test_support.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

class StopTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(StopTest);

// Both ends of each connection wait: neither is told that the other has gone.
TEST_P(StopTest, WhoWaitsIsToldClosingAndNotThatThePeerHasGone) {
  for (int round = 0; round < 8; ++round) {
    RunTest(threads(), [](Runtime& runtime) -> Task<> {
      std::vector<Socket::Ends> pairs;
      for (int i = 0; i < 8; ++i) pairs.push_back(*Socket::Pair(runtime));
      auto read = [](Socket& socket) -> Task<> {
        std::array<char, 8> buffer;
        const IoResult got = co_await socket.Read(buffer);
        EXPECT_TRUE(got.status.closing()) << got.status.ToString();
      };
      auto write = [](Socket& socket) -> Task<> {
        const std::string data(8 << 20, 'x');
        const IoResult put = co_await socket.Write(data);
        EXPECT_TRUE(put.status.closing()) << put.status.ToString();
      };
      for (std::size_t i = 0; i < pairs.size(); ++i) {
        runtime.Spawn(read(pairs[i].second));
        if (i % 2 == 0) {
          runtime.Spawn(read(pairs[i].first));
        } else {
          runtime.Spawn(write(pairs[i].second));
        }
      }
      while (runtime.stats().parked < 16) co_await runtime.Yield();
      runtime.Stop();
      for (Socket::Ends& ends : pairs) {
        EXPECT_TRUE((co_await ends.first.Read({})).status.closing());
        EXPECT_TRUE((co_await ends.second.Write("x")).status.closing());
      }
    });
  }
}

void ExpectClosing(const absl::Status& status) {
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
  EXPECT_NE(status.message().find("closing"), std::string::npos) << status;
}

TEST_P(StopTest, NothingIsOpenedAfterIt) {
  int fds[2];
  ASSERT_EQ(::pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
  RunTest(threads(), [&fds](Runtime& runtime) -> Task<> {
    runtime.Stop();
    ExpectClosing(Descriptor::Pipe(runtime).status());
    ExpectClosing(Socket::Pair(runtime).status());
    ExpectClosing(Descriptor::Adopt(runtime, fds[0]).status());
    ExpectClosing(Listener::Listen(runtime, Loopback()).status());
    ExpectClosing(DatagramSocket::Bind(runtime, Loopback()).status());
    ExpectClosing((co_await Socket::Connect(runtime, Loopback())).status());
  });
  EXPECT_EQ(::close(fds[0]), 0) << "it is still the caller's";
  EXPECT_EQ(::close(fds[1]), 0);
}

// Connects, accepts and opens that run while Stop does: each works or is told
// "closing".
TEST_P(StopTest, WhatRunsIntoItWorksOrIsToldClosing) {
  std::atomic<int> told{0};
  for (int round = 0; round < 4; ++round) {
    RunTest(threads(), [&told](Runtime& runtime) -> Task<> {
      auto listener = *Listener::Listen(runtime, Loopback());
      auto connect = [](Runtime& own, SocketAddress to,
                        std::atomic<int>& count) -> Task<> {
        for (;;) {
          const auto socket = co_await Socket::Connect(own, to);
          if (socket.ok()) continue;
          ExpectClosing(socket.status());
          ++count;
          break;
        }
      };
      auto accept = [](Listener& from, std::atomic<int>& count) -> Task<> {
        for (;;) {
          const AcceptResult got = co_await from.Accept();
          if (got.ok()) continue;
          EXPECT_TRUE(got.status.closing()) << got.status.ToString();
          ++count;
          break;
        }
      };
      auto pair = [](Runtime& own, std::atomic<int>& count) -> Task<> {
        for (;;) {
          const auto ends = Socket::Pair(own);
          co_await own.Yield();
          if (ends.ok()) continue;
          ExpectClosing(ends.status());
          ++count;
          break;
        }
      };
      for (int i = 0; i < 3; ++i) {
        runtime.Spawn(connect(runtime, listener.address(), told));
        runtime.Spawn(accept(listener, told));
        runtime.Spawn(pair(runtime, told));
      }
      for (int i = 0; i < 10; ++i) co_await runtime.Yield();
      runtime.Stop();
      // The listener outlives those that accept.
      while (told % 9 != 0 || told == 0) co_await runtime.Yield();
    });
    if (HasFailure()) break;
    EXPECT_EQ(told.exchange(0), 9);
  }
}

}  // namespace
}  // namespace netpoll
