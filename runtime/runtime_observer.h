// SPDX-License-Identifier: Apache-2.0
//
// Who is told what a runtime does, as it does it: for traces and for meters of
// one's own. A runtime without one pays a comparison where a task begins to
// wait and where it runs, and nothing else.

#ifndef NETPOLL_RUNTIME_RUNTIME_OBSERVER_H_
#define NETPOLL_RUNTIME_RUNTIME_OBSERVER_H_

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
// thread that is none. No clock is read for it: it reads whichever it wants.
class RuntimeObserver {
 public:
  virtual ~RuntimeObserver();

  // Of the runtime's tasks, on whichever runtime's descriptor; each is told of
  // twice. The task of this thread will go on when the descriptor is ready, the
  // deadline passes, or whatever else ends a wait. Another thread may be told
  // of the end before this returns.
  virtual void WaitBegins(int worker, ObservedWait wait);
  // It goes on next, in this thread.
  virtual void WaitEnds(int worker, ObservedWait wait);
  // A worker runs a task, until it waits, ends or lets others go first. What
  // the task waits for next, and what it waited for, is told of between these.
  virtual void RunBegins(int worker);
  virtual void RunEnds(int worker);
  // A worker asks the system for events; then so many tasks may go on.
  virtual void PollBegins(int worker);
  virtual void PollEnds(int worker, int woken);
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_RUNTIME_OBSERVER_H_
