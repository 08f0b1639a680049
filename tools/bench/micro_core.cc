// SPDX-License-Identifier: Apache-2.0
//
// What the core's operations cost by themselves: no system, one thread, warm
// caches. The clock is measured beside them, because a deadline needs it.

#include <time.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "benchmark/benchmark.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/descriptor_lock.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/types.h"
#include "netpoll/core/wake_token.h"
#include "netpoll/tools/bench/null_backend.h"

namespace netpoll::bench {
namespace {

using TestPoller = Poller<NullBackend>;

std::int64_t Now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// A poller with descriptors; all of them are closed at the end.
struct Fixture {
  explicit Fixture(std::int64_t count = 1) {
    static_cast<void>(poller.Init());  // A null backend can't fail.
    for (std::int64_t i = 0; i < count; ++i) {
      descs.push_back(poller.Open(static_cast<Fd>(i)).desc);
    }
    desc = descs.back();
  }
  ~Fixture() {
    for (auto* const each : descs) {
      PollResult wake = poller.Unblock(each);
      poller.AdjustWaiters(wake.waiters_delta);
      poller.Close(each);
    }
  }

  TestPoller poller;
  std::vector<TestPoller::Desc*> descs;
  TestPoller::Desc* desc;  // The one that Poll reports.
};

void Clock(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Now());
}
BENCHMARK(Clock);

void Reset(benchmark::State& state) {
  Fixture fixture;
  for (auto _ : state) {
    benchmark::DoNotOptimize(fixture.poller.Reset(fixture.desc, Mode::kRead));
  }
}
BENCHMARK(Reset);

// A poll that makes an idle direction ready, and the wait that consumes it.
void ReadyThenPrepare(benchmark::State& state) {
  Fixture fixture;
  for (auto _ : state) {
    benchmark::DoNotOptimize(fixture.poller.Poll(Delta::NonBlocking()));
    benchmark::DoNotOptimize(fixture.poller.Prepare(fixture.desc, Mode::kRead));
  }
}
BENCHMARK(ReadyThenPrepare);

// Events on directions that are ready already.
void ReadyAgain(benchmark::State& state, Mode mode) {
  Fixture fixture;
  fixture.poller.backend().Report(mode);
  for (auto _ : state) {
    benchmark::DoNotOptimize(fixture.poller.Poll(Delta::NonBlocking()));
  }
}
BENCHMARK_CAPTURE(ReadyAgain, read, Mode::kRead);
BENCHMARK_CAPTURE(ReadyAgain, write, Mode::kWrite);
BENCHMARK_CAPTURE(ReadyAgain, both, Mode::kReadWrite);

// All that the core does for one wait: park, event, hand out, count, resume.
void ParkReadyFinish(benchmark::State& state) {
  Fixture fixture;
  Waiter waiter;
  for (auto _ : state) {
    benchmark::DoNotOptimize(fixture.poller.Reset(fixture.desc, Mode::kRead));
    benchmark::DoNotOptimize(
        fixture.poller.Park(fixture.desc, Mode::kRead, &waiter));
    PollResult result = fixture.poller.Poll(Delta::NonBlocking());
    benchmark::DoNotOptimize(result.ready.Pop());
    fixture.poller.AdjustWaiters(result.waiters_delta);
    benchmark::DoNotOptimize(
        fixture.poller.Resume(fixture.desc, Mode::kRead, &waiter));
  }
}
BENCHMARK(ParkReadyFinish);

// A timeout that is set anew before every operation, among so many others.
void DeadlineLater(benchmark::State& state, Mode mode, bool reads_clock) {
  Fixture fixture(state.range(0));
  std::int64_t now = Now();
  for (auto* const desc : fixture.descs) {
    benchmark::DoNotOptimize(fixture.poller.SetDeadline(
        desc, Mode::kRead, Deadline::At(now + 30'000'000'000)));
  }
  for (auto _ : state) {
    now = reads_clock ? Now() : now + 100;
    benchmark::DoNotOptimize(fixture.poller.SetDeadline(
        fixture.desc, mode, Deadline::After(now, std::chrono::seconds(30))));
  }
}
BENCHMARK_CAPTURE(DeadlineLater, read, Mode::kRead, false)->Arg(1000);
BENCHMARK_CAPTURE(DeadlineLater, read_and_clock, Mode::kRead, true)
    ->RangeMultiplier(10)
    ->Range(10, 1'000'000);
BENCHMARK_CAPTURE(DeadlineLater, both, Mode::kReadWrite, false)->Arg(1000);

void DeadlineSetAndClear(benchmark::State& state) {
  Fixture fixture;
  const Deadline later = Deadline::At(Now() + 30'000'000'000);
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        fixture.poller.SetDeadline(fixture.desc, Mode::kRead, later));
    benchmark::DoNotOptimize(fixture.poller.SetDeadline(
        fixture.desc, Mode::kRead, Deadline::None()));
  }
}
BENCHMARK(DeadlineSetAndClear);

void DeadlinePast(benchmark::State& state) {
  Fixture fixture;
  for (auto _ : state) {
    benchmark::DoNotOptimize(fixture.poller.SetDeadline(
        fixture.desc, Mode::kRead, Deadline::Past()));
  }
}
BENCHMARK(DeadlinePast);

// Timers of owners that are nothing else.
struct TimerOwner {
  TimerPosition position = 0;
  TimerPosition& timer_position() { return position; }
};
using Heap = TimerHeap<StdEnv, TimerOwner>;

struct HeapFixture {
  explicit HeapFixture(std::int64_t count)
      : owners(static_cast<std::size_t>(count)) {
    for (auto& owner : owners) Arm(&owner);
  }
  void Arm(TimerOwner* owner) { heap.Arm(owner, next += 1000); }
  Heap heap;
  std::vector<TimerOwner> owners;
  std::int64_t next = 1;
};

void TimerLater(benchmark::State& state) {
  HeapFixture fixture(state.range(0));
  std::size_t at = 0;
  for (auto _ : state) {
    fixture.Arm(&fixture.owners[at]);
    if (++at == fixture.owners.size()) at = 0;
  }
}
BENCHMARK(TimerLater)->RangeMultiplier(10)->Range(10, 1'000'000);

// The earliest fires, and is armed again as the latest.
void TimerFireAndArm(benchmark::State& state) {
  HeapFixture fixture(state.range(0));
  Heap::Firing firing{};
  for (auto _ : state) {
    benchmark::DoNotOptimize(fixture.heap.PopDue(kNever - 1, &firing));
    fixture.Arm(firing.owner);
  }
}
BENCHMARK(TimerFireAndArm)->RangeMultiplier(10)->Range(10, 1'000'000);

// A new connection's first deadline, and its end.
void TimerArmAndRemove(benchmark::State& state) {
  HeapFixture fixture(state.range(0));
  TimerOwner owner;
  for (auto _ : state) {
    fixture.Arm(&owner);
    fixture.heap.Remove(&owner);
  }
}
BENCHMARK(TimerArmAndRemove)->RangeMultiplier(10)->Range(10, 1'000'000);

void DescriptorLockPair(benchmark::State& state) {
  DescriptorLock<StdEnv> lock;
  WaiterList wake;
  for (auto _ : state) {
    benchmark::DoNotOptimize(lock.Acquire(Mode::kRead));
    benchmark::DoNotOptimize(lock.Release(Mode::kRead, wake));
  }
}
BENCHMARK(DescriptorLockPair);

void DescriptorReferencePair(benchmark::State& state) {
  DescriptorLock<StdEnv> lock;
  for (auto _ : state) {
    benchmark::DoNotOptimize(lock.AddReference());
    benchmark::DoNotOptimize(lock.DropReference());
  }
}
BENCHMARK(DescriptorReferencePair);

void SmallLockPair(benchmark::State& state) {
  StdEnv::Lock lock;
  for (auto _ : state) {
    lock.Acquire("bench.lock");
    benchmark::ClobberMemory();
    lock.Release("bench.lock");
  }
}
BENCHMARK(SmallLockPair);

void WakeTokenRequestAndClear(benchmark::State& state) {
  WakeToken<StdEnv> token;
  for (auto _ : state) {
    benchmark::DoNotOptimize(token.Request());
    token.Clear();
  }
}
BENCHMARK(WakeTokenRequestAndClear);

void WakeTokenCoalesced(benchmark::State& state) {
  WakeToken<StdEnv> token;
  benchmark::DoNotOptimize(token.Request());
  for (auto _ : state) benchmark::DoNotOptimize(token.Request());
}
BENCHMARK(WakeTokenCoalesced);

// 64 waiters in and out; the time is for all of them.
void WaiterList64(benchmark::State& state) {
  std::vector<Waiter> waiters(64);
  for (auto _ : state) {
    WaiterList list;
    for (Waiter& waiter : waiters) list.Push(&waiter);
    while (Waiter* const waiter = list.Pop()) benchmark::DoNotOptimize(waiter);
  }
}
BENCHMARK(WaiterList64);

// A descriptor's whole life in the poller.
void OpenUnblockClose(benchmark::State& state) {
  Fixture fixture;
  for (auto _ : state) {
    TestPoller::Desc* const desc = fixture.poller.Open(7).desc;
    benchmark::DoNotOptimize(fixture.poller.Unblock(desc));
    fixture.poller.Close(desc);
  }
}
BENCHMARK(OpenUnblockClose);

}  // namespace
}  // namespace netpoll::bench
