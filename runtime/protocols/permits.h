// SPDX-License-Identifier: Apache-2.0
//
// A number of permits, and those who wait for some, in the order in which they
// came: nobody is given any while another waits who came before, so who wants
// many is not starved by who wants one. A mutex has one.
//
//   lock_   guards the others
//   free_   what nobody has. Not 0 while somebody waits only if the first of
//           them wants more
//
// Permits go from who gives to who waits, and are never free in between.

#ifndef NETPOLL_RUNTIME_PROTOCOLS_PERMITS_H_
#define NETPOLL_RUNTIME_PROTOCOLS_PERMITS_H_

#include <cstdint>
#include <limits>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/protocols/wait_queue.h"

namespace netpoll::internal {

template <class Env>
class Permits {
 public:
  using Entry = QueueEntry<Env>;

  explicit Permits(std::uint32_t free) : free_(free) {}

  [[nodiscard]] bool TryTake(std::uint32_t wanted) {
    const LockHolder hold(lock_, "permits.try.lock");
    return Take(wanted);
  }

  // True: it waits here. False: it has what it wants.
  [[nodiscard]] bool Join(Entry* entry) {
    const LockHolder hold(lock_, "permits.join.lock");
    if (Take(entry->wanted)) return false;
    queue_.Push(entry);
    return true;
  }

  // Who waited goes. True: it was given its permits before. If it was the first
  // and wanted many, those behind it may have enough now.
  bool Leave(Entry* entry, WaiterList& wake) {
    const LockHolder hold(lock_, "permits.leave.lock");
    if (!queue_.Remove(entry)) return true;
    Serve(wake);
    return false;
  }

  void Give(std::uint32_t more, WaiterList& wake) {
    const LockHolder hold(lock_, "permits.give.lock");
    const std::uint32_t free = free_.Get();
    if (more > std::numeric_limits<std::uint32_t>::max() - free) {
      Env::Misuse("more permits were released than a Semaphore counts");
    }
    free_.Set(free + more);
    Serve(wake);
  }

  // By who destroys it, when nobody else uses it any more.
  bool nobody_waits() const { return queue_.empty(); }

  std::uint32_t free() {
    const LockHolder hold(lock_, "permits.free.lock");
    return free_.Get();
  }

 private:
  bool Take(std::uint32_t wanted) {
    const std::uint32_t free = free_.Get();
    if (free < wanted || !queue_.empty()) return false;
    free_.Set(free - wanted);
    return true;
  }

  void Serve(WaiterList& wake) {
    while (Entry* const first = queue_.front()) {
      const std::uint32_t free = free_.Get();
      if (first->wanted > free) return;
      free_.Set(free - first->wanted);
      queue_.Remove(first);
      queue_.Grant(first, wake);
    }
  }

  typename Env::Lock lock_;
  typename Env::template Var<std::uint32_t> free_;
  WaitQueue<Env> queue_;
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_PERMITS_H_
