// SPDX-License-Identifier: Apache-2.0
//
// What tasks cost each other: a hop through a channel, a mutex handed over, a
// task spawned and joined, two side by side, a timeout around a read. One
// worker.

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "benchmark/benchmark.h"
#include "netpoll/runtime/cancel.h"
#include "netpoll/runtime/channel.h"
#include "netpoll/runtime/mutex.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/when_all.h"

namespace netpoll::bench {
namespace {

constexpr std::int64_t kBatch = 10'000;

// Runs what `make(runtime, kBatch)` spawns, again and again.
template <class Make>
void Measure(benchmark::State& state, Make make) {
  Runtime runtime;
  while (state.KeepRunningBatch(kBatch)) {
    make(runtime, kBatch);
    benchmark::DoNotOptimize(runtime.Run());
  }
}

Task<> Sends(Channel<int>& to, std::int64_t count) {
  for (; count > 0; --count) (void)co_await to.Send(1);
}
Task<> Receives(Channel<int>& from, std::int64_t count) {
  for (; count > 0; --count) (void)co_await from.Receive();
}

// An item from one task to another, which waits for it: each item a wake.
void ChannelHop(benchmark::State& state) {
  Channel<int> channel(1);
  Measure(state, [&channel](Runtime& runtime, std::int64_t count) {
    runtime.Spawn(Receives(channel, count));
    runtime.Spawn(Sends(channel, count));
  });
}
BENCHMARK(ChannelHop);

Task<> Locks(Runtime& runtime, Mutex& mutex, std::int64_t count) {
  for (; count > 0; --count) {
    const MutexGuard guard = co_await mutex.Lock();
    co_await runtime.Yield();
  }
}

// A mutex that goes from one of two tasks to the other, and a Yield.
void MutexHandOver(benchmark::State& state) {
  Mutex mutex;
  Measure(state, [&mutex](Runtime& runtime, std::int64_t count) {
    runtime.Spawn(Locks(runtime, mutex, count / 2));
    runtime.Spawn(Locks(runtime, mutex, count / 2));
  });
}
BENCHMARK(MutexHandOver);

Task<int> One() { co_return 1; }

Task<> SpawnsAndJoins(Runtime& runtime, std::int64_t count) {
  for (; count > 0; --count) (void)co_await runtime.Spawn(One());
}
void SpawnAndJoin(benchmark::State& state) {
  Measure(state, [](Runtime& runtime, std::int64_t count) {
    runtime.Spawn(SpawnsAndJoins(runtime, count));
  });
}
BENCHMARK(SpawnAndJoin);

Task<> Pairs(std::int64_t count) {
  for (; count > 0; --count) (void)co_await WhenAll(One(), One());
}
// With the frames of both.
void WhenAllOfTwo(benchmark::State& state) {
  Measure(state, [](Runtime& runtime, std::int64_t count) {
    runtime.Spawn(Pairs(count));
  });
}
BENCHMARK(WhenAllOfTwo);

// A byte that is there, or one that the other end sends when this waits.
Task<> Reads(Runtime& runtime, Socket& from, Socket& to, std::int64_t count,
             bool limited) {
  const Deadline late = runtime.After(std::chrono::hours(1));
  std::array<char, 1> byte;
  for (; count > 0; --count) {
    (void)co_await to.Write("x");
    if (limited) {
      (void)co_await WithTimeout(late, from.Read(byte));
    } else {
      (void)co_await from.Read(byte);
    }
  }
}
Task<> Echoes(Socket& socket, std::int64_t count, bool limited, Deadline late) {
  std::array<char, 1> byte;
  for (; count > 0; --count) {
    if (limited) {
      (void)co_await WithTimeout(late, socket.Read(byte));
    } else {
      (void)co_await socket.Read(byte);
    }
    (void)co_await socket.Write({byte.data(), 1});
  }
}
Task<> Asks(Socket& socket, std::int64_t count) {
  std::array<char, 1> byte;
  for (; count > 0; --count) {
    (void)co_await socket.Write("x");
    (void)co_await socket.Read(byte);
  }
}

void ReadyRead(benchmark::State& state) {
  Runtime runtime;
  auto ends = Socket::Pair(runtime);
  if (!ends.ok()) std::abort();
  const bool limited = state.range(0) != 0;
  while (state.KeepRunningBatch(kBatch)) {
    runtime.Spawn(Reads(runtime, ends->first, ends->second, kBatch, limited));
    benchmark::DoNotOptimize(runtime.Run());
  }
}
BENCHMARK(ReadyRead)->ArgName("limited")->Arg(0)->Arg(1);

void ParkedRead(benchmark::State& state) {
  Runtime runtime;
  auto ends = Socket::Pair(runtime);
  if (!ends.ok()) std::abort();
  const bool limited = state.range(0) != 0;
  const Deadline late = runtime.After(std::chrono::hours(1));
  while (state.KeepRunningBatch(kBatch)) {
    runtime.Spawn(Echoes(ends->second, kBatch, limited, late));
    runtime.Spawn(Asks(ends->first, kBatch));
    benchmark::DoNotOptimize(runtime.Run());
  }
}
BENCHMARK(ParkedRead)->ArgName("limited")->Arg(0)->Arg(1);

}  // namespace
}  // namespace netpoll::bench
