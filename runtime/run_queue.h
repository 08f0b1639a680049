// SPDX-License-Identifier: Apache-2.0
//
// A queue of runnable waiters: first in first out, any thread may push, pop
// and steal. A small lock guards it: two locked instructions an operation, and
// a second look (sleep_protocol.h) that takes the same lock misses nothing.

#ifndef NETPOLL_RUNTIME_RUN_QUEUE_H_
#define NETPOLL_RUNTIME_RUN_QUEUE_H_

#include <cstdint>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/task_waiter.h"

namespace netpoll::internal {

template <class Env>
class RunQueue {
 public:
  void Push(Waiter* waiter) {
    const LockHolder hold(lock_, "runq.push.lock");
    list_.Push(waiter);
    ++size_;
  }

  // `count` is the length of `list`, which is left empty.
  void Push(WaiterList& list, std::int32_t count) {
    const LockHolder hold(lock_, "runq.append.lock");
    list_.Append(list);
    size_ += count;
  }

  TaskWaiter* Pop() {
    const LockHolder hold(lock_, "runq.pop.lock");
    Waiter* const waiter = list_.Pop();
    if (waiter != nullptr) --size_;
    return static_cast<TaskWaiter*>(waiter);
  }

  // Moves half of the queue, rounded up, to `thief`, which is empty and the
  // caller's. False if there was nothing.
  bool StealInto(RunQueue& thief) {
    WaiterList taken;
    std::int32_t count = 0;
    {
      const LockHolder hold(lock_, "runq.steal.lock");
      const std::int32_t half = (size_ + 1) / 2;
      for (; count < half; ++count) taken.Push(list_.Pop());
      size_ -= count;
    }
    if (count == 0) return false;
    thief.Push(taken, count);
    return true;
  }

  std::int32_t Size() {
    const LockHolder hold(lock_, "runq.size.lock");
    return size_;
  }

  bool Empty() {
    const LockHolder hold(lock_, "runq.empty.lock");
    return list_.empty();
  }

 private:
  typename Env::Lock lock_;
  WaiterList list_;
  std::int32_t size_ = 0;
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_RUN_QUEUE_H_
