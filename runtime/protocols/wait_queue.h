// SPDX-License-Identifier: Apache-2.0
//
// Those who wait for one thing between tasks, first come, first served. A queue
// is a plain list under the lock of what it belongs to (gate.h, permits.h,
// channel_core.h); each entry is one wait. Who waits
//   prepares its wake-up, joins the queue under the lock, and parks.
// Who has what it waits for takes it out under the lock and wakes it: granted.
// Who cancels does that to the wake-up alone; the waiter then leaves the queue
// under the lock, and learns there whether it was granted meanwhile.
// So what decides is one lock, and what is given is never given to nobody.
//
// A wait in several queues at once (a select) has one wake-up and one Choice:
//   chosen_   0: none yet; the number of the entry, from 1, by whoever grants
//             it, under the lock of its queue, or by the waiter itself. Final.
//             acq_rel
// An entry of a wait that has been decided elsewhere stays until the waiter
// leaves, and is passed over.

#ifndef NETPOLL_RUNTIME_PROTOCOLS_WAIT_QUEUE_H_
#define NETPOLL_RUNTIME_PROTOCOLS_WAIT_QUEUE_H_

#include <cstdint>
#include <type_traits>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/protocols/wakeup.h"

namespace netpoll::internal {

template <class Env>
class Choice {
 public:
  // True: it is that one. False: another was.
  [[nodiscard]] bool Take(std::uint32_t which) {
    return chosen_.CompareExchange("choice.take", 0, which, Order::kAcqRel);
  }
  // 0: none.
  std::uint32_t taken() const {
    return chosen_.Load("choice.taken", Order::kAcquire);
  }

 private:
  typename Env::template Atomic<std::uint32_t> chosen_{0};
};

// All but `next`, `previous` and `queued` is set by the waiter before it joins.
template <class Env>
struct QueueEntry {
  Wakeup<Env>* wakeup = nullptr;
  Choice<Env>* choice = nullptr;  // Null: in this queue alone.
  std::uint32_t which = 1;        // Of the choice.
  void* slot = nullptr;           // What is given or taken.
  std::uint32_t wanted = 1;       // How many.

  // Guarded by the queue's lock.
  typename Env::template Var<QueueEntry*> next;
  typename Env::template Var<QueueEntry*> previous;
  typename Env::template Var<bool> queued;
};

// Every member under the owner's lock.
template <class Env>
class WaitQueue {
 public:
  using Entry = QueueEntry<Env>;
  // Has it made before what refers to it: clang looks into it there.
  using EntryIsMade = std::bool_constant<(sizeof(Entry) > 0)>;

  bool empty() const { return first_.Get() == nullptr; }
  Entry* front() const { return first_.Get(); }

  void Push(Entry* entry) {
    Entry* const last = last_.Get();
    entry->next.Set(nullptr);
    entry->previous.Set(last);
    entry->queued.Set(true);
    if (last == nullptr) {
      first_.Set(entry);
    } else {
      last->next.Set(entry);
    }
    last_.Set(entry);
  }

  // True: it was there. False: it was granted.
  bool Remove(Entry* entry) {
    if (!entry->queued.Get()) return false;
    Entry* const next = entry->next.Get();
    Entry* const previous = entry->previous.Get();
    if (previous == nullptr) {
      first_.Set(next);
    } else {
      previous->next.Set(next);
    }
    if (next == nullptr) {
      last_.Set(previous);
    } else {
      next->previous.Set(previous);
    }
    entry->queued.Set(false);
    return true;
  }

  // Takes out the first whose wait is not decided yet, and decides it: the
  // caller gives it what it waits for, and then wakes it. Null: there is none.
  Entry* Choose() {
    for (Entry* entry = first_.Get(); entry != nullptr; entry = first_.Get()) {
      Remove(entry);
      if (entry->choice == nullptr || entry->choice->Take(entry->which)) {
        return entry;
      }
    }
    return nullptr;
  }

  // The last that is done to a chosen entry.
  static void Grant(Entry* entry, WaiterList& wake) {
    if (Waiter* const waiter = entry->wakeup->Wake()) wake.Push(waiter);
  }

  void GrantAll(WaiterList& wake) {
    while (Entry* const entry = Choose()) Grant(entry, wake);
  }

 private:
  typename Env::template Var<Entry*> first_;
  typename Env::template Var<Entry*> last_;
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_WAIT_QUEUE_H_
