// SPDX-License-Identifier: Apache-2.0
//
// Timers of one clock in a 4-ary heap: one for each owner, which keeps its
// position. Room for timers is reserved where running out of memory can be
// answered; arming one that has room allocates nothing and can't fail.
//
// Moving a timer later and stopping it only store into its entry: the entry
// stays where it is and is sorted anew when its old time comes. So re-arming a
// timeout on every operation costs a lock and two stores. Invariant, under the
// lock: entry.key <= entry.when for every entry, and the heap is ordered by
// key. A stopped timer has when == kNever.
//
// Lock order: an owner's lock may be held while calling Arm and Stop; no lock
// is held while a firing is acted on, because PopDue hands it out first. So a
// timer may fire although it was stopped, or armed anew: whoever acts on it
// looks under the owner's lock whether it still counts (deadline_plan.h).

#ifndef NETPOLL_CORE_TIMER_HEAP_H_
#define NETPOLL_CORE_TIMER_HEAP_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/growable.h"

namespace netpoll {

// Where a timer is in its heap: 0 nowhere, else its index + 1. Guarded by the
// heap's lock. Owner must have `TimerPosition& timer_position()`.
using TimerPosition = std::uint32_t;

template <class Env, class Owner>
class TimerHeap {
 public:
  struct Firing {
    Owner* owner;
    std::int64_t when;  // It was due.
  };

  // Room for `timers` in all, armed or not. False: there is no memory, and
  // nothing changed. Room is never given back.
  [[nodiscard]] bool Reserve(std::size_t timers) {
    const LockHolder hold(lock_, "timers.reserve.lock");
    return entries_.Change(
        [&](Entries& entries) { return entries.heap.Reserve(timers); });
  }

  // (Re-)arms a timer for the absolute time `when`. True if the earliest time
  // of the heap moved forward: a blocked poll may have to be broken. Stops the
  // process if no room was reserved and there is no memory.
  bool Arm(Owner* owner, std::int64_t when) {
    const LockHolder hold(lock_, "timers.arm.lock");
    const std::int64_t next = entries_.Change([&](Entries& entries) {
      TimerPosition& position = owner->timer_position();
      if (position == 0) position = entries.Make(owner);
      Entry& entry = entries.heap[position - 1];
      entry.when = when;
      if (when < entry.key) {
        entry.key = when;
        entries.SiftUp(position - 1);
      }
      return entries.Earliest();
    });
    return PublishNext(next);
  }

  // The timer will not fire any more, unless it was already handed out.
  void Stop(Owner* owner) {
    const LockHolder hold(lock_, "timers.stop.lock");
    entries_.Change([&](Entries& entries) {
      const TimerPosition position = owner->timer_position();
      if (position != 0) entries.heap[position - 1].when = kNever;
    });
  }

  // As Stop, and the heap forgets the owner, which may then be destroyed. False
  // if it was not there: never armed, or already handed out.
  bool Remove(Owner* owner) {
    const LockHolder hold(lock_, "timers.remove.lock");
    bool found = false;
    const std::int64_t next = entries_.Change([&](Entries& entries) {
      const TimerPosition position = owner->timer_position();
      found = position != 0;
      if (found) entries.Erase(position - 1);
      return entries.Earliest();
    });
    PublishNext(next);
    return found;
  }

  // Takes the timer that is due first, if it is due at `now`. False if none is.
  // Entries that were moved or stopped are put right on the way, so that timers
  // come in the order of their times.
  [[nodiscard]] bool PopDue(std::int64_t now, Firing* firing) {
    if (Next() > now) return false;
    const LockHolder hold(lock_, "timers.pop.lock");
    bool due = false;
    const std::int64_t next = entries_.Change([&](Entries& entries) {
      due = entries.TakeDue(now, firing);
      return entries.Earliest();
    });
    PublishNext(next);
    return due;
  }

  // Calls `f(owner, when)` with each, in no order, under the lock: it stays
  // while `f` looks at it. `f` answers whether to go on.
  template <class F>
  void Visit(F f) {
    const LockHolder hold(lock_, "timers.visit.lock");
    entries_.Change([&](Entries& entries) {
      std::size_t i = 0;
      while (i < entries.size && f(entries.heap[i].owner, entries.heap[i].when))
        ++i;
    });
  }

  // How many there are, stopped ones included that are not sorted out yet.
  std::size_t Size() {
    const LockHolder hold(lock_, "timers.size.lock");
    return entries_.Change([](Entries& entries) { return entries.size; });
  }

  // A time not later than that of any armed timer, or kNever. Lock-free. Reads
  // seq_cst: a worker looks after announcing that it will sleep, and whoever
  // arms looks for sleepers afterwards.
  std::int64_t Next() const {
    return next_.Load("timers.next.load", Order::kSeqCst);
  }

 private:
  static constexpr std::size_t kArity = 4;

  struct Entry {
    std::int64_t key;   // Sort key, not later than `when`.
    std::int64_t when;  // When it is to fire; kNever if stopped.
    Owner* owner;

    template <class Visit>
    void EachField(Visit& visit) {
      visit(key);
      visit(when);
      visit(owner);
    }
  };

  // Ordered in [0, size). Guarded by the lock.
  struct Entries {
    Growable<Entry> heap;
    std::size_t size = 0;

    std::int64_t Earliest() const { return size == 0 ? kNever : heap[0].key; }

    // The position of a new one, which is due never.
    TimerPosition Make(Owner* owner) {
      if (!heap.Reserve(size + 1)) {
        Env::Misuse("there is no memory for a timer without room reserved");
      }
      Entry& made = heap[size++];
      made = {};
      made.key = kNever;
      made.owner = owner;
      return static_cast<TimerPosition>(size);
    }

    bool TakeDue(std::int64_t now, Firing* firing) {
      while (size > 0 && heap[0].key <= now) {
        const Entry top = heap[0];
        if (top.when == kNever) {
          Erase(0);
        } else if (top.key != top.when) {
          heap[0].key = top.when;
          SiftDown(0);
        } else {
          *firing = {top.owner, top.when};
          Erase(0);
          return true;
        }
      }
      return false;
    }

    void Place(std::size_t index) {
      heap[index].owner->timer_position() =
          static_cast<TimerPosition>(index + 1);
    }

    void SiftUp(std::size_t index) {
      while (index > 0) {
        const std::size_t parent = (index - 1) / kArity;
        if (heap[parent].key <= heap[index].key) break;
        std::swap(heap[parent], heap[index]);
        Place(index);
        index = parent;
      }
      Place(index);
    }

    void SiftDown(std::size_t index) {
      for (;;) {
        const std::size_t first = index * kArity + 1;
        std::size_t least = index;
        for (std::size_t child = first; child < first + kArity && child < size;
             ++child) {
          if (heap[child].key < heap[least].key) least = child;
        }
        if (least == index) break;
        std::swap(heap[least], heap[index]);
        Place(index);
        index = least;
      }
      Place(index);
    }

    void Erase(std::size_t index) {
      heap[index].owner->timer_position() = 0;
      const Entry last = heap[--size];
      if (index == size) return;
      heap[index] = last;
      Place(index);
      SiftUp(index);
      SiftDown(last.owner->timer_position() - 1);
    }

    // The owners' positions follow from the entries.
    template <class Visit>
    void EachField(Visit& visit) {
      for (std::size_t i = 0; i < size; ++i) {
        heap[i].owner->timer_position() = 0;
      }
      visit(size);
      visit.Array(heap.data(), size);
      for (std::size_t i = 0; i < size; ++i) Place(i);
    }
  };

  bool PublishNext(std::int64_t next) {
    const std::int64_t before = Next();
    if (next != before) {
      next_.Store("timers.next.store", next, Order::kSeqCst);
    }
    return next < before;
  }

  typename Env::Lock lock_;
  typename Env::template Var<Entries> entries_;
  typename Env::template Atomic<std::int64_t> next_{kNever};
};

}  // namespace netpoll

#endif  // NETPOLL_CORE_TIMER_HEAP_H_
