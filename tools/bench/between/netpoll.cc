// SPDX-License-Identifier: Apache-2.0
//
// What tasks cost each other: a hop through a channel, a mutex handed over, a
// task spawned and joined, two side by side, a timeout around a read. One
// worker.
//
//   netpoll NAME COUNT    nanoseconds a step
//   netpoll               the names
//
// ../between runs it beside its peers.

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "netpoll/runtime/cancel.h"
#include "netpoll/runtime/channel.h"
#include "netpoll/runtime/mutex.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/when_all.h"

namespace netpoll::bench {
namespace {

Task<> Sends(Channel<int>& to, std::int64_t count) {
  for (; count > 0; --count) (void)co_await to.Send(1);
}
Task<> Receives(Channel<int>& from, std::int64_t count) {
  for (; count > 0; --count) (void)co_await from.Receive();
}
// Without room each item is a wake, and so is each answer of its taker.
void ChannelHop(Runtime& runtime, std::int64_t count) {
  Channel<int> channel(0);
  runtime.Spawn(Receives(channel, count));
  runtime.Spawn(Sends(channel, count));
  (void)runtime.Run();
}

Task<> Locks(Runtime& runtime, Mutex& mutex, std::int64_t count) {
  for (; count > 0; --count) {
    const MutexGuard guard = co_await mutex.Lock();
    co_await runtime.Yield();
  }
}
// From one of two tasks to the other, and a Yield.
void MutexHandOver(Runtime& runtime, std::int64_t count) {
  Mutex mutex;
  runtime.Spawn(Locks(runtime, mutex, count / 2));
  runtime.Spawn(Locks(runtime, mutex, count - count / 2));
  (void)runtime.Run();
}

Task<int> One() { co_return 1; }

Task<> SpawnsAndJoins(Runtime& runtime, std::int64_t count) {
  for (; count > 0; --count) (void)co_await runtime.Spawn(One());
}
void SpawnAndJoin(Runtime& runtime, std::int64_t count) {
  runtime.Spawn(SpawnsAndJoins(runtime, count));
  (void)runtime.Run();
}

Task<> Pairs(std::int64_t count) {
  for (; count > 0; --count) (void)co_await WhenAll(One(), One());
}
void AllOfTwo(Runtime& runtime, std::int64_t count) {
  runtime.Spawn(Pairs(count));
  (void)runtime.Run();
}

// A byte that is there.
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
void Ready(Runtime& runtime, std::int64_t count, bool limited) {
  auto ends = Socket::Pair(runtime);
  if (!ends.ok()) std::abort();
  runtime.Spawn(Reads(runtime, ends->first, ends->second, count, limited));
  (void)runtime.Run();
}
void ReadyRead(Runtime& runtime, std::int64_t count) {
  Ready(runtime, count, false);
}
void ReadyReadLimited(Runtime& runtime, std::int64_t count) {
  Ready(runtime, count, true);
}

// A byte that the other end sends when this waits, there and back.
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
void Parked(Runtime& runtime, std::int64_t count, bool limited) {
  auto ends = Socket::Pair(runtime);
  if (!ends.ok()) std::abort();
  const Deadline late = runtime.After(std::chrono::hours(1));
  runtime.Spawn(Echoes(ends->second, count, limited, late));
  runtime.Spawn(Asks(ends->first, count));
  (void)runtime.Run();
}
void ParkedRead(Runtime& runtime, std::int64_t count) {
  Parked(runtime, count, false);
}
void ParkedReadLimited(Runtime& runtime, std::int64_t count) {
  Parked(runtime, count, true);
}

struct Program {
  const char* name;
  void (*run)(Runtime& runtime, std::int64_t count);
};
constexpr Program kPrograms[] = {
    {"channel hop", &ChannelHop},
    {"mutex hand-over", &MutexHandOver},
    {"spawn and join", &SpawnAndJoin},
    {"all of two", &AllOfTwo},
    {"ready read", &ReadyRead},
    {"ready read, timeout", &ReadyReadLimited},
    {"parked read", &ParkedRead},
    {"parked read, timeout", &ParkedReadLimited},
};

int Main(int argc, char** argv) {
  for (const Program& program : kPrograms) {
    if (argc != 3) std::printf("%s\n", program.name);
    if (argc != 3 || std::strcmp(argv[1], program.name) != 0) continue;
    const std::int64_t count = std::atoll(argv[2]);
    Runtime runtime;
    const std::int64_t began = Runtime::Now();
    program.run(runtime, count);
    const auto took = static_cast<double>(Runtime::Now() - began);
    std::printf("%.1f\n", took / static_cast<double>(count));
    return 0;
  }
  return argc == 3 ? 2 : 0;
}

}  // namespace
}  // namespace netpoll::bench

int main(int argc, char** argv) { return netpoll::bench::Main(argc, argv); }
