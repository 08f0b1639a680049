// SPDX-License-Identifier: Apache-2.0
//
// A gate at which tasks wait: an event is one that is opened and shut; a
// condition, and news of a changed value, one that is never open and lets those
// pass who wait at that moment.
//
//   lock_   guards the others
//   open_   nobody waits. Open, Shut
//   news_   how often Tell was called: who has seen fewer does not wait
//
// Those who wait when it opens pass, though it may be shut before they run.

#ifndef NETPOLL_RUNTIME_PROTOCOLS_GATE_H_
#define NETPOLL_RUNTIME_PROTOCOLS_GATE_H_

#include <cstdint>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/protocols/wait_queue.h"

namespace netpoll::internal {

template <class Env>
class Gate {
 public:
  using Entry = QueueEntry<Env>;

  // True: it waits here. False: the gate is open.
  [[nodiscard]] bool Join(Entry* entry) {
    const LockHolder hold(lock_, "gate.join.lock");
    if (open_.Get()) return false;
    queue_.Push(entry);
    return true;
  }
  // The same for who has seen `seen` news. False: there are more.
  [[nodiscard]] bool JoinIfSeen(Entry* entry, std::uint64_t seen) {
    const LockHolder hold(lock_, "gate.join_seen.lock");
    if (news_.Get() != seen) return false;
    queue_.Push(entry);
    return true;
  }
  // Who waited goes. True: it was let pass before.
  bool Leave(Entry* entry) {
    const LockHolder hold(lock_, "gate.leave.lock");
    return !queue_.Remove(entry);
  }

  bool is_open() {
    const LockHolder hold(lock_, "gate.look.lock");
    return open_.Get();
  }
  void Open(WaiterList& wake) {
    const LockHolder hold(lock_, "gate.open.lock");
    open_.Set(true);
    queue_.GrantAll(wake);
  }
  void Shut() {
    const LockHolder hold(lock_, "gate.shut.lock");
    open_.Set(false);
  }

  // The first of those who wait; all of them.
  void PassOne(WaiterList& wake) {
    const LockHolder hold(lock_, "gate.one.lock");
    if (Entry* const entry = queue_.Choose()) queue_.Grant(entry, wake);
  }
  void PassAll(WaiterList& wake) {
    const LockHolder hold(lock_, "gate.all.lock");
    queue_.GrantAll(wake);
  }
  // By who destroys it, when nobody else uses it any more.
  bool nobody_waits() const { return queue_.empty(); }
  // There is news: all who wait pass.
  void Tell(WaiterList& wake) {
    const LockHolder hold(lock_, "gate.tell.lock");
    news_.Set(news_.Get() + 1);
    queue_.GrantAll(wake);
  }

 private:
  typename Env::Lock lock_;
  typename Env::template Var<bool> open_;
  typename Env::template Var<std::uint64_t> news_;
  WaitQueue<Env> queue_;
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_GATE_H_
