// SPDX-License-Identifier: Apache-2.0
//
// A queue of runnable waiters: first in first out, any thread may push, pop
// and steal. A small lock guards it: two locked instructions an operation, and
// a second look (sleep_protocol.h) that takes the same lock misses nothing.
//
// The only worker of a runtime, whom nobody robs, takes all that there is at
// once into its hand, and from there one after the other without the lock: what
// a poll made ready costs one lock, not one a task. Where there are others that
// would be wrong: a task may take long, and those behind it are for whoever is
// idle.

#ifndef NETPOLL_RUNTIME_PROTOCOLS_RUN_QUEUE_H_
#define NETPOLL_RUNTIME_PROTOCOLS_RUN_QUEUE_H_

#include <cstdint>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/types.h"

namespace netpoll::internal {

template <class Env>
class RunQueue {
 public:
  void Push(Waiter* waiter) {
    const LockHolder hold(lock_, "runq.push.lock");
    queue_.Change([waiter](Queue& queue) {
      queue.tasks.Push(waiter);
      ++queue.size;
    });
  }

  // `count` is the length of `list`, which is left empty.
  void Push(WaiterList& list, std::int32_t count) {
    const LockHolder hold(lock_, "runq.append.lock");
    queue_.Change([&list, count](Queue& queue) {
      queue.tasks.Append(list);
      queue.size += count;
    });
  }

  // Null: there is nothing.
  Waiter* Pop() {
    const LockHolder hold(lock_, "runq.pop.lock");
    return queue_.Change(TakeFirst);
  }

  // The same, of the one thread that takes anything out. Null: there is nothing
  // in its hand either.
  Waiter* PopAlone() {
    if (hand_.Get().tasks.empty()) {
      const LockHolder hold(lock_, "runq.take.lock");
      Queue all = queue_.Get();
      if (all.tasks.empty()) return nullptr;
      queue_.Set({});
      hand_.Set(all);
    }
    return hand_.Change(TakeFirst);
  }

  // Takes half of the queue, rounded up: answers the first, and moves the
  // others to `thief`, which is empty and the caller's. Null if there was
  // nothing. The first is not for others to steal: two thieves could take one
  // task from each other for ever.
  Waiter* StealInto(RunQueue& thief) {
    WaiterList taken;
    std::int32_t count = 0;
    {
      const LockHolder hold(lock_, "runq.steal.lock");
      queue_.Change([&taken, &count](Queue& queue) {
        const std::int32_t half = (queue.size + 1) / 2;
        for (; count < half; ++count) taken.Push(queue.tasks.Pop());
        queue.size -= count;
      });
    }
    Waiter* const first = taken.Pop();
    if (count > 1) thief.Push(taken, count - 1);
    return first;
  }

  // What is in a hand does not count, here and in the next one.
  std::int32_t Size() {
    const LockHolder hold(lock_, "runq.size.lock");
    return queue_.Get().size;
  }

  bool Empty() {
    const LockHolder hold(lock_, "runq.empty.lock");
    return queue_.Get().tasks.empty();
  }

 private:
  struct Queue {
    WaiterList tasks;
    std::int32_t size = 0;
  };

  static Waiter* TakeFirst(Queue& queue) {
    Waiter* const waiter = queue.tasks.Pop();
    if (waiter != nullptr) --queue.size;
    return waiter;
  }

  typename Env::Lock lock_;
  typename Env::template Var<Queue> queue_;  // Guarded by lock_.
  typename Env::template Var<Queue> hand_;   // Whoever calls PopAlone.
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_RUN_QUEUE_H_
