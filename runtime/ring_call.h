// SPDX-License-Identifier: Apache-2.0
//
// The calls of a stream that a worker's ring carries out (worker_ring.h): one a
// direction. They are in the memory of the descriptor, which an operation holds
// until its end, and so until the call's.

#ifndef NETPOLL_RUNTIME_RING_CALL_H_
#define NETPOLL_RUNTIME_RING_CALL_H_

#include "netpoll/core/concurrency.h"
#include "netpoll/core/poll_desc.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/protocols/io_flight.h"

namespace netpoll::internal {

struct RingCall {
  RingCall(PollDesc<StdEnv>& of, Mode way) : desc(of), direction(way) {}

  PollDesc<StdEnv>& desc;
  Flight<StdEnv> flight;
  const Mode direction;
};

struct RingCalls {
  explicit RingCalls(PollDesc<StdEnv>& desc)
      : receive{desc, Mode::kRead}, send{desc, Mode::kWrite} {}
  RingCall receive;
  RingCall send;
  StdEnv::Lock watching;  // Held by whoever has the poller watch it.
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_RING_CALL_H_
