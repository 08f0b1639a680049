// SPDX-License-Identifier: Apache-2.0
//
// A runtime as those hear of it that may outlive it: whether there is still
// somebody to tell, and who refers to this memory.
//
//   forgotten_   the runtime has gone, or is about to: nobody is told any more.
//                Under the lock, so that who tells has ended before it goes
//   refs_        the runtime's own, and one for each that may tell. Who takes
//                the last away frees this: acq_rel, for what the others did

#ifndef NETPOLL_RUNTIME_PROTOCOLS_HEARING_H_
#define NETPOLL_RUNTIME_PROTOCOLS_HEARING_H_

#include <cstdint>

#include "netpoll/core/concurrency.h"

namespace netpoll::internal {

template <class Env>
class Hearing {
 public:
  void Ref() { refs_.FetchAdd("hearing.ref", 1, Order::kAcqRel); }
  // True: it was the last, the caller frees this.
  [[nodiscard]] bool Unref() {
    return refs_.FetchAdd("hearing.unref", -1, Order::kAcqRel) == 1;
  }

  // Calls `tell` if somebody hears, who stays until it returns.
  template <class F>
  void Tell(F tell) {
    const LockHolder hold(lock_, "hearing.tell.lock");
    if (!forgotten_.Get()) tell();
  }

  // The runtime goes, and its reference: what comes later is dropped. As Unref.
  [[nodiscard]] bool Forget() {
    {
      const LockHolder hold(lock_, "hearing.forget.lock");
      forgotten_.Set(true);
    }
    return Unref();
  }

 private:
  typename Env::Lock lock_;
  typename Env::template Var<bool> forgotten_;
  typename Env::template Atomic<std::int32_t> refs_{1};
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_HEARING_H_
