// SPDX-License-Identifier: Apache-2.0
//
// How a worker asks for the end of a call that another one's ring carries out
// (io_flight.h): a ring belongs to one thread. The call is put into the box of
// that worker, who is woken, and recalls what is there before it waits.
//
// A call may have ended by then, and the next one in its place be another
// ring's. So who takes it out looks whose it is now, and passes it on; a call
// that has ended is not found by the ring, and one that has begun meanwhile may
// be ended needlessly: it is begun anew.
//
//   asked     1: it is in a box, and whoever takes it out will look whose it
//   is.
//             0 -> 1 by who puts it in; 1 -> 0 by who takes it out, before he
//             looks. Exchanges, acq_rel: who finds 1 has said before whose it
//             is, and that is seen.
//   carrier   whose ring has it, or had the last one. By who begins it, which
//             is who has the direction; relaxed, by the above.
//
// The box keeps the call's memory: who asks has taken a reference for it.

#ifndef NETPOLL_RUNTIME_PROTOCOLS_RECALLS_H_
#define NETPOLL_RUNTIME_PROTOCOLS_RECALLS_H_

#include <cstdint>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/protocols/run_queue.h"

namespace netpoll::internal {

template <class Env>
struct Recallable : Waiter {
  void BeginOn(std::uint32_t worker) {
    carrier.Store("recall.begin", worker, Order::kRelaxed);
  }
  std::uint32_t Carrier() const {
    return carrier.Load("recall.carrier", Order::kRelaxed);
  }

  typename Env::template Atomic<std::uint32_t> asked{0};
  typename Env::template Atomic<std::uint32_t> carrier{0};
};

template <class Env>
class RecallBox {
 public:
  using Call = Recallable<Env>;

  // True: it is here now, and this box's worker must be woken. False: it is in
  // a box already.
  bool Ask(Call& call) {
    if (call.asked.Exchange("recall.ask", 1, Order::kAcqRel) != 0) return false;
    calls_.Push(&call);
    return true;
  }

  // By `me`, whose box it is: recall(call) of those that are its own, and
  // pass_on(call, carrier) of the others.
  template <class Recall, class PassOn>
  void Take(std::uint32_t me, Recall recall, PassOn pass_on) {
    if (calls_.Empty()) return;
    while (Waiter* const taken = calls_.Pop()) {
      Call& call = *static_cast<Call*>(taken);
      call.asked.Exchange("recall.take", 0, Order::kAcqRel);
      const std::uint32_t carrier = call.Carrier();
      if (carrier == me) {
        recall(call);
      } else {
        pass_on(call, carrier);
      }
    }
  }

 private:
  RunQueue<Env> calls_;
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_RECALLS_H_
