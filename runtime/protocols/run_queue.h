// SPDX-License-Identifier: Apache-2.0
//
// A queue of runnable waiters: first in first out, any thread may push, pop
// and steal. A small lock guards it. Whether there is anything is a word of its
// own, so that whoever looks in vain writes nothing, and takes no cache line
// from the worker whose queue it is.
//
//   any_   1: not empty. Written under the lock, only when that changes. 1 by
//          who pushes, seq_cst: it looks for a sleeper next, as a worker says
//          that it will rest and then looks here (sleep_protocol.h). 0 relaxed:
//          who misses that only takes the lock. A look that need not be the
//          last one is relaxed too.
//
// The only worker of a runtime, whom nobody robs, takes all that there is at
// once into its hand, and from there one after the other without the lock: what
// a poll made ready costs one lock, not one a task. Where there are others that
// would be wrong: a task may take long, and those behind it are for whoever is
// idle.
//
// Whenever one is taken, `Ahead::Ask` is told which comes next, null if none
// does. Until it returns, that one and those behind it stay in the queue.

#ifndef NETPOLL_RUNTIME_PROTOCOLS_RUN_QUEUE_H_
#define NETPOLL_RUNTIME_PROTOCOLS_RUN_QUEUE_H_

#include <cstdint>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/types.h"

namespace netpoll::internal {

struct NothingAhead {
  static void Ask(const Waiter*) {}
};

template <class Env, class Ahead = NothingAhead>
class RunQueue {
 public:
  void Push(Waiter* waiter) {
    const LockHolder hold(lock_, "runq.push.lock");
    queue_.Change([waiter](Queue& queue) {
      queue.tasks.Push(waiter);
      ++queue.size;
    });
    SaySome();
  }

  // `count` is the length of `list`, which is left empty. How many there are
  // now.
  std::int32_t Push(WaiterList& list, std::int32_t count) {
    const LockHolder hold(lock_, "runq.append.lock");
    const std::int32_t size = queue_.Change([&list, count](Queue& queue) {
      queue.tasks.Append(list);
      queue.size += count;
      return queue.size;
    });
    SaySome();
    return size;
  }

  // Null: there is nothing.
  Waiter* Pop() {
    if (LooksEmpty()) return nullptr;
    const LockHolder hold(lock_, "runq.pop.lock");
    Waiter* const first = queue_.Change(TakeFirst);
    SayIfNone();
    return first;
  }

  // The same, of the one thread that takes anything out. Null: there is nothing
  // in its hand either.
  Waiter* PopAlone() {
    if (hand_.Get().tasks.empty()) {
      if (LooksEmpty()) return nullptr;
      const LockHolder hold(lock_, "runq.take.lock");
      Queue all = queue_.Get();
      queue_.Set({});
      SayIfNone();
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
    if (LooksEmpty()) return nullptr;
    {
      const LockHolder hold(lock_, "runq.steal.lock");
      queue_.Change([&taken, &count](Queue& queue) {
        const std::int32_t half = (queue.size + 1) / 2;
        for (; count < half; ++count) taken.Push(queue.tasks.Pop());
        queue.size -= count;
      });
      SayIfNone();
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

  bool Empty() const { return any_.Load("runq.empty", Order::kSeqCst) == 0; }

 private:
  struct Queue {
    WaiterList tasks;
    std::int32_t size = 0;
  };

  bool LooksEmpty() const {
    return any_.Load("runq.look", Order::kRelaxed) == 0;
  }
  // Under the lock.
  void SaySome() {
    if (LooksEmpty()) any_.Store("runq.some", 1, Order::kSeqCst);
  }
  void SayIfNone() {
    if (queue_.Get().tasks.empty() && !LooksEmpty()) {
      any_.Store("runq.none", 0, Order::kRelaxed);
    }
  }

  static Waiter* TakeFirst(Queue& queue) {
    Waiter* const waiter = queue.tasks.Pop();
    if (waiter != nullptr) --queue.size;
    Ahead::Ask(queue.tasks.front());
    return waiter;
  }

  typename Env::Lock lock_;
  typename Env::template Var<Queue> queue_;  // Guarded by lock_.
  typename Env::template Var<Queue> hand_;   // Whoever calls PopAlone.
  // What others look at, apart from what each task writes.
  alignas(64) typename Env::template Atomic<std::uint32_t> any_{0};
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_RUN_QUEUE_H_
