// SPDX-License-Identifier: Apache-2.0
//
// The chat and the pool do what they say.

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/examples/chat.h"
#include "netpoll/examples/pool.h"
#include "netpoll/runtime/cancel.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"

namespace {

using namespace std::chrono_literals;
using netpoll::Runtime, netpoll::Socket, netpoll::Task, netpoll::WithTimeout;

Task<std::string> ReadLine(Socket& socket) {
  netpoll::BufferedReader reader(socket);
  const netpoll::ReadResult got =
      co_await WithTimeout(1min, reader.ReadUntil('\n'));
  co_return std::string(got.data);
}

Task<> Members(Runtime& runtime, netpoll::Listener& listener) {
  auto ann = co_await Socket::Connect(runtime, listener.address());
  auto bob = co_await Socket::Connect(runtime, listener.address());
  auto eve = co_await Socket::Connect(runtime, listener.address());
  // Until all are members somebody may miss a line: say it again.
  for (Socket* const member : {&*bob, &*eve}) {
    std::string heard;
    for (int i = 0; heard.empty() && i < 1000; ++i) {
      (void)co_await ann->Write("hello\n");
      char line[6];
      const auto got = co_await WithTimeout(20ms, member->Read(line));
      if (got.ok()) heard = std::string(line, got.bytes);
    }
    EXPECT_EQ(heard, "hello\n");
  }
  (void)co_await bob->Write("good bye\n");
  EXPECT_EQ(co_await ReadLine(*ann), "good bye\n");
  bob->CloseNow();
  listener.CloseNow();
  // Sent home.
  char rest[64];
  netpoll::IoResult got;
  do {
    got = co_await WithTimeout(1min, eve->Read(rest));
  } while (got.ok() && got.bytes > 0);
  EXPECT_TRUE(got.ok()) << got.status.ToString();
}

TEST(ChatTest, LinesGoToAllOthersAndAllAreSentHome) {
  Runtime runtime({.threads = 2});
  auto listener = netpoll::Listener::Listen(
      runtime, *netpoll::SocketAddress::Parse("127.0.0.1:0"));
  ASSERT_TRUE(listener.ok()) << listener.status();
  Chat chat(runtime);
  runtime.Spawn(chat.Serve(*listener));
  runtime.Spawn(Members(runtime, *listener));
  EXPECT_TRUE(runtime.Run().ok());
}

Task<> Borrows(Runtime& runtime, Pool<std::unique_ptr<int>>& pool, int& most,
               int& now) {
  for (int i = 0; i < 50; ++i) {
    auto lease = co_await pool.Borrow();
    EXPECT_TRUE(lease.ok());
    most = std::max(most, ++now);
    ++**lease;
    co_await runtime.Yield();
    --now;
  }
}

TEST(PoolTest, WhatIsBorrowedComesBack) {
  Runtime runtime;
  std::vector<std::unique_ptr<int>> things;
  things.push_back(std::make_unique<int>(0));
  things.push_back(std::make_unique<int>(0));
  Pool<std::unique_ptr<int>> pool(std::move(things));
  int most = 0;
  int now = 0;
  for (int i = 0; i < 4; ++i) {
    runtime.Spawn(Borrows(runtime, pool, most, now));
  }
  EXPECT_TRUE(runtime.Run().ok());
  EXPECT_EQ(most, 2);
  runtime.Spawn([](Pool<std::unique_ptr<int>>& p) -> Task<> {
    auto first = co_await p.Borrow();
    auto second = co_await p.Borrow();
    EXPECT_EQ(**first + **second, 200);
    const auto third = co_await WithTimeout(1ms, p.Borrow());
    EXPECT_FALSE(third.ok());
  }(pool));
  EXPECT_TRUE(runtime.Run().ok());
}

}  // namespace
