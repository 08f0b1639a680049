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
#include "netpoll/runtime/protocols/recalls.h"

namespace netpoll::internal {

struct FdState;
struct RingCalls;

struct RingCall : Recallable<StdEnv> {
  RingCall(RingCalls& both, Mode way) : of(both), direction(way) {}

  // Gives up a reference to the descriptor's memory.
  inline void DropReference() const;

  RingCalls& of;
  Flight<StdEnv> flight;
  const Mode direction;
};

struct RingCalls {
  // `drop` gives up a reference to the descriptor's memory.
  RingCalls(FdState& of, PollDesc<StdEnv>& its, void (*drop)(FdState&))
      : fd(of),
        desc(its),
        drop_reference(drop),
        receive{*this, Mode::kRead},
        send{*this, Mode::kWrite} {}

  FdState& fd;
  PollDesc<StdEnv>& desc;
  void (*const drop_reference)(FdState&);
  RingCall receive;
  RingCall send;
  StdEnv::Lock watching;  // Held by whoever has the poller watch it.
};

inline void RingCall::DropReference() const { of.drop_reference(of.fd); }

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_RING_CALL_H_
