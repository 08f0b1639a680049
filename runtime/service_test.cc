// SPDX-License-Identifier: Apache-2.0
//
// A service: how it drains, step by step, and what it refuses.

#include "netpoll/runtime/service.h"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/runtime/cancel.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

SocketAddress Loopback() { return *SocketAddress::Parse("127.0.0.1:0"); }

class ServiceTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(ServiceTest);

// Requests that have begun, and wait for the rest.
std::atomic<int> begun{0};

// A request is a byte; `w` begins one that ends when the next byte comes.
Task<> Talk(Client& client) {
  char byte;
  while (true) {
    const bool next = co_await client.NextRequest();
    if (!next) co_return;
    const IoResult got = co_await client.stream().Read({&byte, 1});
    if (!got.ok() || got.bytes == 0) co_return;
    if (byte == 'w') {
      ++begun;
      const IoResult rest = co_await client.stream().ReadExactly({&byte, 1});
      if (!rest.ok()) co_return;
    }
    (void)co_await client.stream().Write({&byte, 1});
  }
}

struct Peer {
  Task<> Say(char byte) {
    EXPECT_TRUE((co_await socket.Write({&byte, 1})).ok());
  }
  // The answer, or 0 at the end.
  Task<char> Hear() {
    char byte = 0;
    const IoResult got = co_await socket.Read({&byte, 1});
    co_return got.ok() && got.bytes == 1 ? byte : '\0';
  }
  Socket socket;
};

Task<Peer> Connect(Runtime& runtime, const Service& service) {
  auto socket = co_await Socket::Connect(runtime, service.address());
  EXPECT_TRUE(socket.ok()) << socket.status();
  co_return Peer{*std::move(socket)};
}

TEST_P(ServiceTest, IdleSessionsEndAtOnceAndRequestsAreFinished) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    Service service(runtime, *Listener::Listen(runtime, Loopback()), &Talk);
    JoinHandle<void> serving = runtime.Spawn(service.Serve());
    Peer idle = co_await Connect(runtime, service);
    Peer busy = co_await Connect(runtime, service);
    co_await idle.Say('a');
    EXPECT_EQ(co_await idle.Hear(), 'a');
    co_await busy.Say('a');
    EXPECT_EQ(co_await busy.Hear(), 'a');
    begun = 0;
    co_await busy.Say('w');
    while (begun == 0) co_await runtime.Yield();
    JoinHandle<DrainResult> draining =
        runtime.Spawn(service.Drain({.requests = 1h, .cancel = 0ns}));
    EXPECT_EQ(co_await idle.Hear(), '\0');
    while (service.counts().open > 1) co_await runtime.Yield();
    co_await busy.Say('z');
    EXPECT_EQ(co_await busy.Hear(), 'z');
    EXPECT_EQ(co_await busy.Hear(), '\0') << "it was the last one";
    const DrainResult result = co_await std::move(draining);
    EXPECT_EQ(result.cancelled, 0u);
    EXPECT_EQ(result.left, 0u);
    co_await std::move(serving);
    auto late = co_await Socket::Connect(runtime, service.address());
    EXPECT_FALSE(late.ok());
    EXPECT_EQ(service.counts().accepted, 2u);
  });
}

TEST_P(ServiceTest, WhatTakesTooLongIsCut) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    std::atomic<int> cut{0};
    auto patient = [&](Client& client) -> Task<> {
      char byte;
      const IoResult got = co_await client.stream().ReadExactly({&byte, 1});
      EXPECT_TRUE(got.status.closing());
      EXPECT_TRUE(client.draining());
      EXPECT_TRUE((co_await client.stream().Write("x")).status.closing());
      ++cut;
    };
    Service service(runtime, *Listener::Listen(runtime, Loopback()), patient,
                    {.max_clients = 1});
    JoinHandle<void> serving = runtime.Spawn(service.Serve());
    Peer silent = co_await Connect(runtime, service);
    while (service.counts().open < 1) co_await runtime.Yield();
    const DrainResult result =
        co_await service.Drain({.requests = 2ms, .cancel = 1h});
    EXPECT_EQ(result.cancelled, 1u);
    EXPECT_EQ(result.left, 0u);
    EXPECT_EQ(cut.load(), 1);
    co_await std::move(serving);
  });
}

// Drains while a session is open that nothing ends but `drain`'s return.
void RunWithABusySession(int threads, Task<> (*drain)(Service&, Peer&)) {
  RunTest(threads, [=](Runtime& runtime) -> Task<> {
    std::atomic<bool> go{false};
    auto busy = [&](Client&) -> Task<> {
      while (!go) co_await runtime.Yield();
    };
    Service service(runtime, *Listener::Listen(runtime, Loopback()), busy);
    JoinHandle<void> serving = runtime.Spawn(service.Serve());
    Peer peer = co_await Connect(runtime, service);
    while (service.counts().open < 1) co_await runtime.Yield();
    co_await drain(service, peer);
    go = true;
    co_await std::move(serving);
    while (service.counts().open > 0) co_await runtime.Yield();
  });
}

TEST_P(ServiceTest, ASessionThatDoesNotEndIsSaidToBeLeft) {
  RunWithABusySession(threads(), [](Service& service, Peer&) -> Task<> {
    const DrainResult result =
        co_await service.Drain({.requests = 1ms, .cancel = 1ms});
    EXPECT_EQ(result.cancelled, 1u);
    EXPECT_EQ(result.left, 1u);
    EXPECT_EQ((co_await service.Drain()).left, 1u) << "at once";
  });
}

// Both times would be an hour.
TEST_P(ServiceTest, ADrainThatIsCancelledGivesUp) {
  RunWithABusySession(threads(), [](Service& service, Peer& peer) -> Task<> {
    const DrainResult result = co_await WithTimeout(
        5ms, service.Drain({.requests = 1h, .cancel = 1h}));
    EXPECT_EQ(result.cancelled, 1u);
    EXPECT_EQ(result.left, 1u);
    EXPECT_EQ(co_await peer.Hear(), '\0');
  });
}

// While it waits for a client, and for room.
TEST_P(ServiceTest, ServingEndsWithItsScope) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    Service service(runtime, *Listener::Listen(runtime, Loopback()), &Talk,
                    {.max_clients = 1});
    co_await WithTimeout(2ms, service.Serve());
    CancelSource source;
    JoinHandle<void> serving =
        runtime.Spawn([](Service& s, CancelSource& c) -> Task<> {
          co_await WithCancel(c, s.Serve());
        }(service, source));
    Peer peer = co_await Connect(runtime, service);
    while (service.counts().open < 1) co_await runtime.Yield();
    source.Cancel();
    co_await std::move(serving);
    EXPECT_EQ(service.counts().refused, 0u);
    co_await peer.Say('a');
    EXPECT_EQ(co_await peer.Hear(), 'a') << "sessions go on";
    EXPECT_EQ((co_await service.Drain()).left, 0u);
  });
}

TEST_P(ServiceTest, NoMoreClientsThanItMayHave) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    Service service(runtime, *Listener::Listen(runtime, Loopback()), &Talk,
                    {.max_clients = 1});
    JoinHandle<void> serving = runtime.Spawn(service.Serve());
    for (int i = 0; i < 20; ++i) {
      Peer one = co_await Connect(runtime, service);
      Peer two = co_await Connect(runtime, service);  // By the system's queue.
      co_await two.Say('b');
      co_await one.Say('a');
      EXPECT_EQ(co_await one.Hear(), 'a');
      EXPECT_EQ(service.counts().open, 1u);
      co_await one.socket.Close();
      EXPECT_EQ(co_await two.Hear(), 'b');
    }
    EXPECT_EQ((co_await service.Drain()).left, 0u);
    co_await std::move(serving);
  });
}

TEST_P(ServiceTest, StopEndsIt) {
  Runtime runtime({.threads = threads()});
  std::optional<Service> service;
  auto work = [&]() -> Task<> {
    service.emplace(runtime, *Listener::Listen(runtime, Loopback()), &Talk);
    JoinHandle<void> serving = runtime.Spawn(service->Serve());
    Peer peer = co_await Connect(runtime, *service);
    co_await peer.Say('a');
    EXPECT_EQ(co_await peer.Hear(), 'a');
    runtime.Stop();
    co_await std::move(serving);
  };
  runtime.Spawn(work());
  EXPECT_TRUE(RunWatched(runtime).ok());
  EXPECT_EQ(service->counts().open, 0u);
}

TEST(ServiceDeathTest, HasAListenerAndASession) {
  Runtime runtime;
  EXPECT_DEATH(Service(runtime, Listener(), &Talk),
               "netpoll: a Service was made with an empty Listener");
  auto listener = Listener::Listen(runtime, Loopback());
  ASSERT_TRUE(listener.ok());
  EXPECT_DEATH(Service(runtime, *std::move(listener), nullptr),
               "netpoll: a Service was made without a session");
}

TEST(ServiceDeathTest, GoesWhenItsSessionsHaveEnded) {
  EXPECT_DEATH(
      {
        Runtime runtime;
        auto work = [&]() -> Task<> {
          auto service = std::make_unique<Service>(
              runtime, *Listener::Listen(runtime, Loopback()), &Talk);
          JoinHandle<void> serving = runtime.Spawn(service->Serve());
          co_await runtime.Yield();
          service.reset();
        };
        runtime.Spawn(work());
        (void)runtime.Run();
      },
      "netpoll: a Service was destroyed before its sessions had ended");
}

}  // namespace
}  // namespace netpoll
