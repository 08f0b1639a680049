// SPDX-License-Identifier: Apache-2.0
//
// Who is told what a runtime does, as it does it: for traces and for meters of
// one's own. A runtime without one pays a comparison where a task begins to
// wait and where it runs, and nothing else.

#ifndef NETPOLL_RUNTIME_RUNTIME_OBSERVER_H_
#define NETPOLL_RUNTIME_RUNTIME_OBSERVER_H_

#include <cstdint>

#include "netpoll/core/types.h"

namespace netpoll {

// A task waits on a descriptor.
struct ObservedWait {
  int fd;
  Mode direction;
  // An address in the coroutine that awaits, behind the await: for a
  // symbolizer. One wait is told from another by it and the descriptor.
  const void* where;
};

// Derive from it, override what is of use, and give it to RuntimeOptions; it
// outlives the runtime.
//
// Each member is called in the thread that does what it tells of, often, and
// from many threads at once. It must not block, nor throw, nor use the runtime;
// what it spends is the runtime's. `worker` is a worker's number, or -1 for a
// thread that is none. Times are CLOCK_MONOTONIC in nanoseconds.
class RuntimeObserver {
 public:
  virtual ~RuntimeObserver() = default;

  // Of the runtime's tasks, on whichever runtime's descriptor; each is told of
  // twice. The task of this thread will go on when the descriptor is ready, the
  // deadline passes, or whatever else ends a wait. Another thread may be told
  // of the end before this returns.
  virtual void WaitBegins(int /*worker*/, const ObservedWait&) {}
  // It goes on next, in this thread.
  virtual void WaitEnds(int /*worker*/, const ObservedWait&) {}
  // A worker has run a task, until it waited, ended or let others go first.
  virtual void TaskRan(int /*worker*/, std::int64_t /*from*/,
                       std::int64_t /*to*/) {}
  // A worker has asked the system for events, and so many tasks may go on.
  virtual void Polled(int /*worker*/, std::int64_t /*from*/,
                      std::int64_t /*to*/, int /*woken*/) {}
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_RUNTIME_OBSERVER_H_
