// SPDX-License-Identifier: Apache-2.0
//
// How a Poller knows how many tasks wait in it.

#ifndef NETPOLL_CORE_WAITER_COUNT_H_
#define NETPOLL_CORE_WAITER_COUNT_H_

#include <cstdint>

#include "netpoll/core/concurrency.h"

namespace netpoll {

enum class WaiterCounting : std::uint8_t {
  // In a word that goes up with each wait, and down when its waiter is
  // runnable: a scheduler that decides by it reads it in one load.
  kEach,
  // Nothing is written for a wait. Whoever asks looks at every slot, so it is
  // for people, and AdjustWaiters does nothing.
  kWhenAsked,
};

template <class Env, WaiterCounting>
class WaiterCount : public Env::template Atomic<std::int32_t> {
 public:
  template <class Pool>
  std::int32_t Of(const Pool&) const {
    return this->Load("waiters.load", Order::kAcquire);
  }
};

template <class Env>
class WaiterCount<Env, WaiterCounting::kWhenAsked> {
 public:
  void FetchAdd(Site, std::int32_t, Order) {}

  template <class Pool>
  std::int32_t Of(const Pool& pool) const {
    std::int32_t parked = 0;
    pool.Each([&parked](const auto& desc) { parked += desc.parked(); });
    return parked;
  }
};

}  // namespace netpoll

#endif  // NETPOLL_CORE_WAITER_COUNT_H_
