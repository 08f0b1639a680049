// SPDX-License-Identifier: Apache-2.0
//
// What a runtime did last, for Perfetto's UI (https://ui.perfetto.dev): a track
// for each worker with its task runs and polls, and one for each direction of a
// descriptor with its waits.
//
// Each worker writes into a ring of its own, 32 bytes an event; the oldest are
// written over, and counted. What was lost of a wait's two ends is left out
// with the other. Nothing is formatted before the end. The rings are in memory
// that a child process shares (trace_file.h), which finds there what this one
// did last however it ended.

#ifndef NETPOLL_TOOLS_SERVER_TRACE_H_
#define NETPOLL_TOOLS_SERVER_TRACE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <span>

#include "netpoll/core/types.h"
#include "netpoll/runtime/runtime_observer.h"
#include "netpoll/tools/server/trace_clock.h"

namespace netpoll::server {

class Trace : public RuntimeObserver {
 public:
  static constexpr std::size_t kEvents = std::size_t{1} << 18;

  // By the best clock that there is. Throws std::bad_alloc.
  static std::unique_ptr<Trace> New(int workers);
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;
  ~Trace() override;

  // When the runtime has stopped, or, in a child, the process is no more:
  std::uint64_t kept() const;
  std::uint64_t lost() const;
  // As JSON. `killed`: in the midst of things, an event may be half there.
  // False: it could not be written, errno says why.
  bool Write(std::FILE* file, bool killed = false) const;

 protected:
  // What `to` is of a wait's two ends.
  enum End : std::uint64_t { kBegins, kEnds };
  struct Event {
    std::uint64_t from;  // In the clock's ticks, as `to`.
    std::uint64_t to;    // Of a poll and a run.
    ObservedWait wait;   // fd: of a poll, whom it woke; of a run, kRun.
  };
  static constexpr int kRun = -1;
  static_assert(sizeof(Event) == 32);

  // Of one worker, and last of the threads that are none, under the mutex.
  struct alignas(64) Ring {
    Event* events;
    // How many there were. Release, after the event.
    std::atomic<std::uint64_t> written;
    // When the run or the poll did: odd, or even.
    std::uint64_t begun;
  };

  Trace(int workers, std::size_t events, TickRate rate);

  Ring& RingOf(int worker) { return rings_[static_cast<std::size_t>(worker)]; }
  void Add(Ring& ring, std::uint64_t from, std::uint64_t to,
           const ObservedWait& wait) {
    const std::uint64_t number = ring.written.load(std::memory_order_relaxed);
    Event& event = ring.events[number & last_];
    event.from = from;
    event.to = to;
    // In one piece, as it is passed.
    std::memcpy(&event.wait, &wait, sizeof(wait));
    ring.written.store(number + 1, std::memory_order_release);
  }
  // Of a thread that is no worker.
  [[gnu::noinline]] void AddElsewhere(std::uint64_t now, End end,
                                      ObservedWait wait);

 private:
  friend class TraceWriter;

  const TickRate rate_;
  const std::size_t last_;  // Of a ring's events.
  const std::size_t size_;  // Of the memory, in bytes.
  std::span<Ring> rings_;   // At its begin; the events follow.
  std::mutex others_;
};

// What is done at each event, for one clock, without a call but the clock's.
template <class Clock>
class TraceBy final : public Trace {
 public:
  // `events`: how many of a worker are kept, a power of two. Throws
  // std::bad_alloc.
  explicit TraceBy(int workers, std::size_t events = kEvents)
      : Trace(workers, events,
              TickRate(Clock::kNanoseconds ? nullptr : &Clock::Now)) {}

  void WaitBegins(int worker, ObservedWait wait) override {
    AddWait(worker, kBegins, wait);
  }
  void WaitEnds(int worker, ObservedWait wait) override {
    AddWait(worker, kEnds, wait);
  }
  void RunBegins(int worker) override {
    RingOf(worker).begun = Clock::Now() | 1;
  }
  void RunEnds(int worker) override { AddSince(worker, kRun); }
  void PollBegins(int worker) override {
    RingOf(worker).begun = Clock::Now() & ~std::uint64_t{1};
  }
  void PollEnds(int worker, int woken) override { AddSince(worker, woken); }

 private:
  void AddWait(int worker, End end, ObservedWait wait) {
    if (worker < 0) [[unlikely]]
      return AddElsewhere(Clock::Now(), end, wait);
    Add(RingOf(worker), Clock::Now(), end, wait);
  }
  void AddSince(int worker, int number) {
    Ring& ring = RingOf(worker);
    Add(ring, ring.begun, Clock::Now(), {number, {}, nullptr});
  }
};

}  // namespace netpoll::server

#endif  // NETPOLL_TOOLS_SERVER_TRACE_H_
