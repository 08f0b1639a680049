// SPDX-License-Identifier: Apache-2.0
//
// Tasks that run beside each other, and one that waits for the last of them.
//
//   left_   how many have not ended; the one that waits is one of them until it
//           parks, so whoever counts the last one out resumes it, or it need
//           not park. acq_rel: it sees what all of them wrote
//   first_  0: none yet; the number, from 1, of the first that ended such that
//           the others are cancelled. acq_rel
//
// The others are cancelled before their number falls: whoever waits has the
// memory, which goes when it does.

#ifndef NETPOLL_RUNTIME_PROTOCOLS_FORK_CORE_H_
#define NETPOLL_RUNTIME_PROTOCOLS_FORK_CORE_H_

#include <cstdint>

#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/protocols/cancel_node.h"

namespace netpoll::internal {

template <class Env>
class ForkCore {
 public:
  // `scope`: in which the others are.
  explicit ForkCore(CancelNode<Env>& scope) : scope_(scope) {}

  // One more: by one who is counted. The one that waits is, from the start.
  void Add() { left_.FetchAdd("fork.add", 1, Order::kAcqRel); }

  // One has ended. True: it was the last, and the one that waits goes on;
  // nothing of this may be touched otherwise.
  [[nodiscard]] bool Ended(std::uint32_t number, bool ends_others) {
    if (ends_others &&
        first_.CompareExchange("fork.first", 0, number, Order::kAcqRel)) {
      scope_.Cancel(CancelReason::kCancelled);
    }
    return Drop();
  }

  // By the one that waits, which is ready to be resumed. True: nobody is left.
  [[nodiscard]] bool Drop() {
    return left_.FetchAdd("fork.drop", -1, Order::kAcqRel) == 1;
  }

  // When all have ended.
  std::uint32_t first() const {
    return first_.Load("fork.which", Order::kAcquire);
  }
  bool alone() const { return left_.Load("fork.left", Order::kAcquire) <= 1; }

 private:
  CancelNode<Env>& scope_;
  typename Env::template Atomic<std::int32_t> left_{1};
  typename Env::template Atomic<std::uint32_t> first_{0};
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_FORK_CORE_H_
