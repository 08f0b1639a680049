// SPDX-License-Identifier: Apache-2.0
//
// Blocking work that waits for a thread of a pool: the queue, the threads that
// are idle, and the state of each piece of work, all under one lock. Whoever
// takes work out of the queue, a thread to run it or somebody who cancels,
// makes its task runnable: nobody else does.
//
//   Item::state  kNew        Submit -> kQueued, kRefused, kNoThread;
//                            Cancel -> kCancelled, and Submit leaves it so
//                kQueued     Next -> kRunning; Cancel -> kCancelled
//                kRunning    it runs, or has run
//   ending_      End: threads that find no work return
//
// An idle thread is woken under the lock: when the task of what it is to run
// goes on, because another thread was faster, the pool may end at once.
//
// An Item has `Env::Var<WorkState> state`, and its place in the queue, which is
// the queue's while it waits there: `Env::Var<Item*> before, behind`. A Thread
// has `Env::Parker parker`, and `Env::Var<Thread*> behind` while it is idle.

#ifndef NETPOLL_RUNTIME_PROTOCOLS_WORK_QUEUE_H_
#define NETPOLL_RUNTIME_PROTOCOLS_WORK_QUEUE_H_

#include <cstddef>
#include <cstdint>

#include "netpoll/core/concurrency.h"

namespace netpoll::internal {

enum class WorkState : std::uint8_t {
  kNew,
  kQueued,
  kRunning,
  kCancelled,
  kRefused,   // The queue was full.
  kNoThread,  // None could be started, and none was there.
};

template <class Env, class Item, class Thread>
class WorkQueue {
 public:
  // At most `most` wait. False: it is not queued, and its state says why.
  // `start(threads)` starts one more, if that is not one too many: false, it
  // could not be.
  template <class F>
  bool Submit(Item* item, std::size_t most, F start) {
    const LockHolder hold(lock_, "work.submit.lock");
    if (item->state.Get() == WorkState::kCancelled) return false;
    if (waiting_.Get() >= most) {
      item->state.Set(WorkState::kRefused);
      return false;
    }
    item->state.Set(WorkState::kQueued);
    Push(item);
    if (Thread* const idle = idle_.Get(); idle != nullptr) {
      idle_.Set(idle->behind.Get());
      idle->parker.Unpark("work.wake");
      return true;
    }
    const int threads = threads_.Get();
    if (start(threads)) {
      threads_.Set(threads + 1);
    } else if (threads == 0) {  // Nobody will come to it.
      Remove(item);
      item->state.Set(WorkState::kNoThread);
      return false;
    }
    return true;
  }

  // True: its task is to be made runnable. `why()` is called before it may be.
  template <class F>
  [[nodiscard]] bool Cancel(Item* item, F why) {
    const LockHolder hold(lock_, "work.cancel.lock");
    const WorkState was = item->state.Get();
    if (was != WorkState::kNew && was != WorkState::kQueued) return false;
    item->state.Set(WorkState::kCancelled);
    why();
    if (was == WorkState::kQueued) Remove(item);
    return was == WorkState::kQueued;
  }

  // What a thread does next. Null: it is among the idle, and parks; when it is
  // woken, it asks whether all ends.
  Item* Next(Thread* thread) {
    const LockHolder hold(lock_, "work.next.lock");
    Item* const item = first_.Get();
    if (item == nullptr) {
      thread->behind.Set(idle_.Get());
      idle_.Set(thread);
      return nullptr;
    }
    Remove(item);
    item->state.Set(WorkState::kRunning);
    running_.Set(running_.Get() + 1);
    return item;
  }
  // What it had is done. Its task is made runnable next.
  void Ran() {
    const LockHolder hold(lock_, "work.ran.lock");
    running_.Set(running_.Get() - 1);
  }
  bool ending() {
    const LockHolder hold(lock_, "work.ending.lock");
    return ending_.Get();
  }

  // All return; whoever calls wakes them. False: there is work.
  [[nodiscard]] bool End() {
    const LockHolder hold(lock_, "work.end.lock");
    if (waiting_.Get() != 0) return false;
    if (running_.Get() != 0) return false;
    ending_.Set(true);
    return true;
  }

  int threads() {
    const LockHolder hold(lock_, "work.threads.lock");
    return threads_.Get();
  }
  std::size_t waiting() {
    const LockHolder hold(lock_, "work.waiting.lock");
    return waiting_.Get();
  }

 private:
  void Push(Item* item) {
    Item* const last = last_.Get();
    item->before.Set(last);
    item->behind.Set(nullptr);
    (last == nullptr ? first_ : last->behind).Set(item);
    last_.Set(item);
    waiting_.Set(waiting_.Get() + 1);
  }
  // Wherever it is in the queue.
  void Remove(Item* item) {
    Item* const before = item->before.Get();
    Item* const behind = item->behind.Get();
    (before == nullptr ? first_ : before->behind).Set(behind);
    (behind == nullptr ? last_ : behind->before).Set(before);
    waiting_.Set(waiting_.Get() - 1);
  }

  typename Env::Lock lock_;  // Guards what follows.
  // Work that waits, the oldest first.
  typename Env::template Var<Item*> first_;
  typename Env::template Var<Item*> last_;
  typename Env::template Var<std::size_t> waiting_;
  typename Env::template Var<Thread*> idle_;  // The last one first.
  typename Env::template Var<int> running_;
  typename Env::template Var<int> threads_;
  typename Env::template Var<bool> ending_;
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_WORK_QUEUE_H_
