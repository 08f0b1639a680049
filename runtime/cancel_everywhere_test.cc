// SPDX-License-Identifier: Apache-2.0
//
// A program that waits for everything there is, cancelled at its n-th turn, for
// every n until it comes to its end: it ends each time, what it held is free,
// and no byte and no item is lost. With one worker each of its suspensions is
// met once; with several, in whatever order the threads bring about.

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/cancel.h"
#include "netpoll/runtime/channel.h"
#include "netpoll/runtime/event.h"
#include "netpoll/runtime/mutex.h"
#include "netpoll/runtime/resolve.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/select.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/task_group.h"
#include "netpoll/runtime/task_local.h"
#include "netpoll/runtime/test_support.h"
#include "netpoll/runtime/wakeup.h"
#include "netpoll/runtime/when_all.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

// Counted by tasks on several workers.
class Tally {
 public:
  Tally& operator+=(int more) {
    value_.FetchAdd("test.count", more, Order::kAcqRel);
    return *this;
  }
  operator int() const { return value_.Load("test.count", Order::kAcquire); }

 private:
  StdEnv::Atomic<int> value_{0};
};

// What the program and its peers share.
struct Shared {
  explicit Shared(Runtime& r) : runtime(r) {
    auto made = Descriptor::Pipe(r);
    EXPECT_TRUE(made.ok()) << made.status();
    pipe = *std::move(made);
  }

  Runtime& runtime;
  Mutex mutex;
  Condition changed;
  Semaphore permits{1};
  Channel<int> out{1};  // To the peer.
  Channel<int> in{1};   // From it.
  Event over;
  Descriptor::PipeEnds pipe;
  // Of items; of bytes.
  Tally sent, taken, given, received;
  Tally written, read;
  bool finished = false;
};

// --- Peers, in no scope ------------------------------------------------------

Task<> Takes(Shared& s) {
  for (bool open = true; open;) {
    const Received<int> got = co_await s.out.Receive();
    open = got.ok();
    s.taken += open;
  }
}

Task<> Gives(Shared& s) {
  for (;;) {
    const IoStatus sent = co_await s.in.Send(1);
    if (!sent.ok()) co_return;
    s.given += 1;
    co_await s.runtime.Yield();
  }
}

Task<> Writes(Shared& s) {
  while (!s.over.is_set()) {
    if (s.written < s.read + 2) {
      const IoResult put = co_await s.pipe.write.Write("x");
      s.written += static_cast<int>(put.bytes);
    }
    co_await s.runtime.Yield();
  }
}

Task<> Notifies(Shared& s) {
  while (!s.over.is_set()) {
    { const MutexGuard guard = co_await s.mutex.Lock(); }
    s.changed.NotifyOne();
    co_await s.runtime.Yield();
  }
}

// --- The program -------------------------------------------------------------

Task<> Send(Shared& s) {
  const IoStatus sent = co_await s.out.Send(1);
  s.sent += sent.ok();
}

Task<> Read(Shared& s) {
  std::array<char, 1> byte;
  const IoResult got = co_await s.pipe.read.Read(byte);
  s.read += static_cast<int>(got.bytes);
}

Task<> Locked(Shared& s) {
  MutexGuard guard = co_await s.mutex.Lock();
  if (!guard.ok()) co_return;
  co_await s.runtime.Yield();
  (void)co_await s.changed.Wait(guard);
  EXPECT_TRUE(guard.ok());
}

Task<> Permitted(Shared& s) {
  const IoStatus acquired = co_await s.permits.Acquire();
  if (!acquired.ok()) co_return;
  co_await s.runtime.Yield();
  s.permits.Release();
}

Task<> Selects(Shared& s) {
  const auto got = co_await Select(s.in.Receive(), s.out.Send(2));
  if (got.index == 0 && std::get<0>(got.results).ok()) s.received += 1;
  if (got.index == 1 && std::get<1>(got.results).ok()) s.sent += 1;
}

Task<> Connects(Shared& s) {
  auto listener =
      Listener::Listen(s.runtime, *SocketAddress::Parse("127.0.0.1:0"));
  EXPECT_TRUE(listener.ok()) << listener.status();
  auto client = s.runtime.Spawn([](Runtime& r, SocketAddress to) -> Task<> {
    const auto socket = co_await Socket::Connect(r, to);
  }(s.runtime, listener->address()));
  const AcceptResult accepted = co_await listener->Accept();
  EXPECT_TRUE(accepted.ok() || accepted.status.cancelled());
  (void)co_await client.Ended();
}

TaskLocal<int> local;

// By name's second half: one that answers, and one that refuses.
Task<> ConnectsToAny(Shared& s) {
  auto listener =
      Listener::Listen(s.runtime, *SocketAddress::Parse("127.0.0.1:0"));
  EXPECT_TRUE(listener.ok()) << listener.status();
  const SocketAddress refuses = *SocketAddress::Parse("127.0.0.1:1");
  std::vector<SocketAddress> all{refuses, listener->address()};
  const auto socket = co_await ConnectToAny(s.runtime, std::move(all));
  const int* const value = co_await local.Get();
  EXPECT_TRUE(value != nullptr && *value == 7);
  const IoStatus left = co_await CancellationStatus();
  EXPECT_TRUE(socket.ok() || !left.ok()) << socket.status();
}

Task<> Program(Shared& s) {
  co_await Send(s);
  co_await Read(s);
  co_await Locked(s);
  co_await s.runtime.Sleep(1us);
  co_await Selects(s);
  co_await Connects(s);
  co_await WithLocal(local, 7, ConnectsToAny(s));
  (void)co_await WhenAll(Read(s), Read(s));  // One behind the other.
  (void)co_await WhenAll(Send(s), Permitted(s), Permitted(s), Read(s));
  (void)co_await WhenAny(Selects(s), Locked(s));
  co_await WithTaskGroup(s.runtime, [&s](TaskGroup& group) -> Task<> {
    group.Spawn(Send(s));
    group.Spawn(Locked(s));
    group.Spawn(Read(s), {.worker = 0});
    co_return;
  });
  (void)co_await WithTimeout(1h, Selects(s));
  s.finished = (co_await CancellationStatus()).ok();
}

// Cancels at its n-th turn, unless the program has come to its end.
Task<> Saboteur(Shared& s, CancelSource& source, int turns) {
  for (int i = 0; i < turns; ++i) {
    if (s.over.is_set()) co_return;
    co_await s.runtime.Yield();
  }
  source.Cancel();
}

Task<> Once(Runtime& runtime, int turns, bool* finished) {
  Shared s(runtime);
  CancelSource source;
  std::vector<JoinHandle<void>> peers;
  peers.push_back(runtime.Spawn(Takes(s)));
  peers.push_back(runtime.Spawn(Gives(s)));
  peers.push_back(runtime.Spawn(Writes(s)));
  peers.push_back(runtime.Spawn(Notifies(s)));
  auto saboteur = runtime.Spawn(Saboteur(s, source, turns));
  co_await WithCancel(source, Program(s));
  s.over.Set();
  s.in.Close();
  s.out.Close();
  for (auto& peer : peers) co_await std::move(peer);
  co_await std::move(saboteur);

  // What is left inside comes out.
  while (s.in.TryReceive()) s.received += 1;
  EXPECT_EQ(int{s.sent}, int{s.taken}) << "cancelled at turn " << turns;
  EXPECT_EQ(int{s.given}, int{s.received}) << "cancelled at turn " << turns;
  std::array<char, 8> rest;
  while (s.read < s.written) {
    const IoResult got = co_await WithTimeout(1min, s.pipe.read.Read(rest));
    EXPECT_TRUE(got.ok()) << "bytes were lost, cancelled at turn " << turns;
    if (!got.ok()) break;
    s.read += static_cast<int>(got.bytes);
  }
  EXPECT_TRUE(s.mutex.TryLock().ok()) << "cancelled at turn " << turns;
  EXPECT_EQ(s.permits.available(), 1u) << "cancelled at turn " << turns;
  *finished = s.finished;
}

TEST(CancelEverywhereTest, AtEverySuspensionWithOneWorker) {
  int turns = 0;
  for (bool finished = false; !finished && !testing::Test::HasFailure();
       ++turns) {
    RunTest(1,
            [&](Runtime& runtime) { return Once(runtime, turns, &finished); });
  }
  std::printf("cancelled at each of %d turns\n", turns - 1);
  EXPECT_GT(turns, 20);
}

TEST(CancelEverywhereTest, AtAnyWithSeveral) {
  for (int i = 0; i < 120 && !testing::Test::HasFailure(); ++i) {
    bool finished = false;
    RunTest(3,
            [&](Runtime& runtime) { return Once(runtime, i % 60, &finished); });
  }
}

}  // namespace
}  // namespace netpoll
