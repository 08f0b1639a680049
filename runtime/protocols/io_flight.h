// SPDX-License-Identifier: Apache-2.0
//
// A call that the system carries out by itself: handed over by the operation
// that has the direction (io_stages.h), ended by a completion. From Begin to
// the completion what the call uses, the buffer above all, is the system's.
// Whatever asks for its end (a deadline, a close, a cancelled scope) asks the
// system, and the operation waits on: each call has one completion, which says
// what it moved.
//
// One word:
//   kIdle      0   its owner's alone. Begin -> kUnderWay, before the system is
//                  told.
//   kUnderWay  1   the system's. End -> kDone, by whoever took the completion
//                  from the system.
//   kDone      2   the result, in the upper half, is there. Take -> kIdle, by
//                  the owner.
//
// Orders: End releases what the system has written, Take acquires it. Both are
// seq_cst: End's store and its look at the semaphore (Ready) against the
// owner's forgetting of readiness and its look here (Take). If readiness was
// there already, from a recall, Ready leaves it at that, and an owner that had
// taken that readiness and did not see the end would wait for ever. The owner
// may be woken by something else and take the result before End goes on; so End
// touches nothing of the call after that store, and reports the direction by
// the descriptor's generation: it may be another's by then.

#ifndef NETPOLL_RUNTIME_PROTOCOLS_IO_FLIGHT_H_
#define NETPOLL_RUNTIME_PROTOCOLS_IO_FLIGHT_H_

#include <cstdint>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/poll_desc.h"
#include "netpoll/core/types.h"

namespace netpoll::internal {

template <class Env>
class Flight {
 public:
  // --- The owner: whoever has the direction ---------------------------------

  void Begin() {
    if (word_.Load("flight.look", Order::kRelaxed) != kIdle) {
      Env::Misuse("a call was begun before the last one had ended");
    }
    word_.Store("flight.begin", kUnderWay, Order::kRelaxed);
  }

  // False: it is under way. Else `result` is what the system says of it: what
  // was moved, or minus an errno.
  bool Take(int* result) {
    const std::uint64_t word = word_.Load("flight.take", Order::kSeqCst);
    if ((word & kStates) != kDone) return false;
    *result = static_cast<std::int32_t>(word >> kResultShift);
    word_.Store("flight.taken", kIdle, Order::kRelaxed);
    return true;
  }

  // --- Whoever takes the completion from the system -------------------------

  // `desc` was of `generation` when the call began.
  void End(int result, PollDesc<Env>& desc, std::uint32_t generation,
           Mode direction, PollResult& wake) {
    word_.Store("flight.end",
                kDone | std::uint64_t{static_cast<std::uint32_t>(result)}
                            << kResultShift,
                Order::kSeqCst);
    static_cast<void>(desc.Ready(generation, direction, {}, wake));
  }

 private:
  static constexpr std::uint64_t kIdle = 0;
  static constexpr std::uint64_t kUnderWay = 1;
  static constexpr std::uint64_t kDone = 2;
  static constexpr std::uint64_t kStates = 3;
  static constexpr int kResultShift = 32;

  typename Env::template Atomic<std::uint64_t> word_{kIdle};
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_IO_FLIGHT_H_
