// SPDX-License-Identifier: Apache-2.0
//
// Which ring carries out a call of this thread, if any does.

#ifndef NETPOLL_RUNTIME_RING_FOR_H_
#define NETPOLL_RUNTIME_RING_FOR_H_

#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/worker.h"
#include "netpoll/runtime/worker_ring.h"

namespace netpoll::internal {

// That of the thread, if it is a worker of the descriptor's runtime. Where
// these calls are somebody else's, they are the system, and it has no rings.
inline WorkerRing* RingFor(const FdState& fd) {
  Worker* const worker = this_worker;
  const bool its = worker != nullptr && worker->scheduler == &fd.scheduler;
  const bool real = sys.read == Sys{}.read && sys.send == Sys{}.send;
  return its && real ? worker->ring : nullptr;
}

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_RING_FOR_H_
