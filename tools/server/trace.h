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
#include <mutex>
#include <span>

#include "netpoll/core/types.h"
#include "netpoll/runtime/runtime_observer.h"

namespace netpoll::server {

class Trace : public RuntimeObserver {
 public:
  static constexpr std::size_t kEvents = std::size_t{1} << 18;

  // `events`: how many of a worker are kept, a power of two. Throws
  // std::bad_alloc.
  explicit Trace(int workers, std::size_t events = kEvents);
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;
  ~Trace() override;

  void WaitBegins(int worker, const ObservedWait& wait) override;
  void WaitEnds(int worker, const ObservedWait& wait) override;
  void TaskRan(int worker, std::int64_t from, std::int64_t to) override;
  void Polled(int worker, std::int64_t from, std::int64_t to,
              int woken) override;

  // When the runtime has stopped, or, in a child, the process is no more:
  std::uint64_t kept() const;
  std::uint64_t lost() const;
  // As JSON. `killed`: in the midst of things, an event may be half there.
  // False: it could not be written, errno says why.
  bool Write(std::FILE* file, bool killed = false) const;

 private:
  friend class TraceWriter;

  enum class Kind : std::uint8_t { kRun, kPoll, kBegin, kEnd };
  struct Event {
    std::int64_t from;
    std::int64_t to;  // Of a poll and a run.
    const void* where;
    std::int32_t number;  // The descriptor; of a poll, whom it woke.
    Kind kind;
    Mode direction;
  };
  static_assert(sizeof(Event) == 32);

  // Of one worker, and last of the threads that are none, under the mutex.
  struct alignas(64) Ring {
    Event* events;
    // How many there were. Release, after the event.
    std::atomic<std::uint64_t> written;
    const void* where;  // What the run is to be called after.
  };

  Ring& RingOf(int worker) {
    return rings_[worker < 0 ? rings_.size() - 1
                             : static_cast<std::size_t>(worker)];
  }
  void Add(Ring& ring, const Event& event) {
    const std::uint64_t number = ring.written.load(std::memory_order_relaxed);
    ring.events[number & (events_ - 1)] = event;
    ring.written.store(number + 1, std::memory_order_release);
  }
  void AddWait(int worker, Kind kind, const ObservedWait& wait);

  const std::size_t events_;
  const std::size_t size_;  // Of the memory, in bytes.
  std::span<Ring> rings_;   // At its begin; the events follow.
  std::mutex others_;
};

}  // namespace netpoll::server

#endif  // NETPOLL_TOOLS_SERVER_TRACE_H_
