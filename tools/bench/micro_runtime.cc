// SPDX-License-Identifier: Apache-2.0
//
// What the runtime adds: tasks, its scheduler, and a hop over a Unix socket
// pair to hold against RawHop. One worker. Every 61 task runs the worker looks
// at the poller without blocking: a few nanoseconds of these figures.

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "absl/status/statusor.h"
#include "benchmark/benchmark.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/io_op.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"

namespace netpoll::bench {
namespace {

constexpr std::int64_t kBatch = 10'000;

Task<int> ReadyChild() { co_return 1; }

Task<> AwaitChildren(std::int64_t count) {
  int sum = 0;
  for (; count > 0; --count) sum += co_await ReadyChild();
  benchmark::DoNotOptimize(sum);
}

// A child that is ready at once: frame, start, result.
void AwaitReadyChild(benchmark::State& state) {
  Runtime runtime;
  while (state.KeepRunningBatch(kBatch)) {
    runtime.Spawn(AwaitChildren(kBatch));
    benchmark::DoNotOptimize(runtime.Run());
  }
}
BENCHMARK(AwaitReadyChild);

Task<> Nothing() { co_return; }

Task<> SpawnMany(Runtime& runtime, std::int64_t count) {
  for (; count > 0; --count) {
    runtime.Spawn(Nothing());
    co_await runtime.Yield();
  }
}

// A task made, run and gone, and one Yield.
void SpawnAndYield(benchmark::State& state) {
  Runtime runtime;
  while (state.KeepRunningBatch(kBatch)) {
    runtime.Spawn(SpawnMany(runtime, kBatch));
    benchmark::DoNotOptimize(runtime.Run());
  }
}
BENCHMARK(SpawnAndYield);

Task<> YieldMany(Runtime& runtime, std::int64_t count) {
  for (; count > 0; --count) co_await runtime.Yield();
}

// The scheduler alone: into the run queue, out of it, resumed.
void Yield(benchmark::State& state) {
  Runtime runtime;
  while (state.KeepRunningBatch(kBatch)) {
    runtime.Spawn(YieldMany(runtime, kBatch));
    benchmark::DoNotOptimize(runtime.Run());
  }
}
BENCHMARK(Yield);

// An operation without a system call that always has to wait once.
class ParkOp : public internal::IoOp {
 public:
  explicit ParkOp(internal::FdState* fd) : IoOp(fd, Mode::kRead, &Attempt) {}
  void await_resume() const {}

 private:
  static bool Attempt(IoOp* op) {
    return std::exchange(static_cast<ParkOp*>(op)->waited_, true);
  }
  bool waited_ = false;
};

// Lends out what its descriptor is made of.
class OpenPipe {
 public:
  explicit OpenPipe(Runtime& runtime) {
    auto ends = Descriptor::Pipe(runtime);
    if (!ends.ok()) std::abort();
    read_.Take(std::move(ends->read));
    write_ = std::move(ends->write);
  }
  internal::FdState* state() { return read_.state(); }
  Descriptor& read() { return read_; }

 private:
  struct Lender : Descriptor {
    void Take(Descriptor&& from) { Descriptor::operator=(std::move(from)); }
    internal::FdState* state() { return state_; }
  };
  Lender read_;
  Descriptor write_;
};

Task<> ParkMany(internal::FdState* fd, std::int64_t count) {
  for (; count > 0; --count) co_await ParkOp(fd);
}

Task<> WakeMany(Runtime& runtime, internal::FdState* fd, std::int64_t count) {
  for (; count > 0; --count) {
    co_await runtime.Yield();
    PollResult wake;
    fd->desc->Ready(fd->desc->generation(), Mode::kRead, {}, wake);
    internal::SchedulerOf(runtime).MakeRunnable(wake);
  }
}

// A task parks in the poller, an event makes it ready, it runs again; and one
// Yield of the task that makes the event.
void ParkReadyRunAndYield(benchmark::State& state) {
  Runtime runtime;
  OpenPipe pipe(runtime);
  while (state.KeepRunningBatch(kBatch)) {
    runtime.Spawn(ParkMany(pipe.state(), kBatch));
    runtime.Spawn(WakeMany(runtime, pipe.state(), kBatch));
    benchmark::DoNotOptimize(runtime.Run());
  }
}
BENCHMARK(ParkReadyRunAndYield);

// What a server with an idle timeout does before every read.
void SetReadDeadlineAfter(benchmark::State& state) {
  Runtime runtime;
  OpenPipe pipe(runtime);
  for (auto _ : state) {
    pipe.read().SetReadDeadline(runtime.After(std::chrono::seconds(30)));
  }
}
BENCHMARK(SetReadDeadlineAfter);

Task<> Side(Socket& socket, std::int64_t rounds, bool begins, bool* failed) {
  char message[64] = "";
  if (begins) *failed |= !(co_await socket.Write({message, 64})).ok();
  for (; rounds > 0 && !*failed; --rounds) {
    *failed |= !(co_await socket.Read(message)).ok();
    if (begins && rounds == 1) break;
    *failed |= !(co_await socket.Write({message, 64})).ok();
  }
}

void RuntimeHop(benchmark::State& state) {
  Runtime runtime;
  auto ends = Socket::Pair(runtime);
  bool failed = !ends.ok();
  while (!failed && state.KeepRunningBatch(kBatch)) {
    runtime.Spawn(Side(ends->first, kBatch / 2, true, &failed));
    runtime.Spawn(Side(ends->second, kBatch / 2, false, &failed));
    failed |= !runtime.Run().ok();
  }
  if (failed) state.SkipWithError("a read or a write failed");
}
BENCHMARK(RuntimeHop);

}  // namespace
}  // namespace netpoll::bench
