// SPDX-License-Identifier: Apache-2.0
//
// Mutex, Semaphore and Condition, for tasks and for plain threads, of several
// runtimes too. First come, first served: a lock goes from who unlocks to who
// has waited longest, and nobody overtakes. A task that holds one may await.
//
//   Mutex mutex;
//   Condition changed;
//   MutexGuard guard = co_await mutex.Lock();
//   if (!guard.ok()) co_return;                cancelled, or the runtime stops
//   while (queue.empty()) {
//     if (!(co_await changed.Wait(guard)).ok()) co_return;
//   }
//
// Members but the awaits neither block nor wait, and may be called from any
// thread. What was written before a lock or permits were given back is visible
// to who has them next. Each must outlive the waits and guards, or its end
// stops the process; a wait that was cancelled (cancel.h) has taken nothing.

#ifndef NETPOLL_RUNTIME_MUTEX_H_
#define NETPOLL_RUNTIME_MUTEX_H_

#include <cstdint>
#include <utility>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/protocols/gate.h"
#include "netpoll/runtime/protocols/permits.h"
#include "netpoll/runtime/queue_wait.h"

namespace netpoll {

class Mutex;

namespace internal {
class ConditionWait;
class LockWait;
}  // namespace internal

// Holds a Mutex for a scope, or says why it does not.
class [[nodiscard]] MutexGuard {
 public:
  MutexGuard() = default;
  MutexGuard(MutexGuard&& other) noexcept
      : mutex_(std::exchange(other.mutex_, nullptr)), status_(other.status_) {}
  MutexGuard& operator=(MutexGuard&& other) noexcept {
    if (this == &other) return *this;
    Unlock();
    mutex_ = std::exchange(other.mutex_, nullptr);
    status_ = other.status_;
    return *this;
  }
  ~MutexGuard() { Unlock(); }

  bool ok() const { return mutex_ != nullptr; }
  // ok; or cancelled(), timeout(), closing(): how the wait for it ended.
  IoStatus status() const { return status_; }
  // Nothing if it is not held.
  inline void Unlock();

 private:
  friend Mutex;
  friend internal::ConditionWait;
  friend internal::LockWait;
  MutexGuard(Mutex* mutex, IoStatus status) : mutex_(mutex), status_(status) {}
  Mutex* mutex_ = nullptr;
  IoStatus status_;
};

namespace internal {

class PermitWait : public QueueWait {
 public:
  PermitWait(Permits<StdEnv>& permits, std::uint32_t wanted)
      : permits_(permits) {
    entry_.wakeup = own_wakeup();
    entry_.wanted = wanted;
  }
  IoStatus await_resume() { return Ended(); }

 private:
  bool TryNow() override { return permits_.TryTake(entry_.wanted); }
  bool Join() override { return permits_.Join(&entry_); }
  bool Leave() override {
    WaiterList wake;
    const bool granted = permits_.Leave(&entry_, wake);
    WakeWaiters(wake);
    return granted;
  }
  const char* What() const override { return "a semaphore"; }

  Permits<StdEnv>& permits_;
  QueueEntry<StdEnv> entry_;
};

class LockWait : public PermitWait {
 public:
  LockWait(Mutex& mutex, Permits<StdEnv>& permits)
      : PermitWait(permits, 1), mutex_(mutex) {}
  inline MutexGuard await_resume();

 private:
  const char* What() const override { return "a mutex"; }

  Mutex& mutex_;
};

}  // namespace internal

class Mutex {
 public:
  Mutex() : permits_(1) {}
  ~Mutex() {
    if (!permits_.nobody_waits() || permits_.free() == 0) {
      StdEnv::Misuse("a Mutex was destroyed while it was held");
    }
  }
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  // co_await Lock(): a guard, ok() or not. Not twice by one task: it would wait
  // for itself.
  internal::LockWait Lock() { return internal::LockWait(*this, permits_); }
  // Not ok() if somebody has it, or waits.
  MutexGuard TryLock() {
    return MutexGuard(permits_.TryTake(1) ? this : nullptr, {});
  }

 private:
  friend MutexGuard;
  friend internal::ConditionWait;

  void Unlock() {
    WaiterList wake;
    permits_.Give(1, wake);
    internal::WakeWaiters(wake);
  }

  internal::Permits<StdEnv> permits_;
};

inline void MutexGuard::Unlock() {
  if (mutex_ != nullptr) std::exchange(mutex_, nullptr)->Unlock();
}

inline MutexGuard internal::LockWait::await_resume() {
  const IoStatus status = Ended();
  return MutexGuard(status.ok() ? &mutex_ : nullptr, status);
}

namespace internal {

// Two waits, one after the other: for news, and for the mutex again. The second
// heeds no scope.
class ConditionWait : public TaskWaiter {
 public:
  ConditionWait(Gate<StdEnv>& gate, const MutexGuard& guard);
  ConditionWait(const ConditionWait&) = delete;
  ConditionWait& operator=(const ConditionWait&) = delete;

  bool await_ready() const noexcept { return false; }
  // Inline also where nothing else is: Suspend looks who calls.
  template <class Promise>
  [[gnu::always_inline]] bool await_suspend(
      std::coroutine_handle<Promise> task) {
    return Suspend(task, ContextOf(task));
  }
  IoStatus await_resume() const {
    return news_.granted() ? IoStatus() : StatusOf(news_.reason());
  }
  void Block();

 private:
  friend struct WaitLister;

  [[gnu::noinline]] bool Suspend(std::coroutine_handle<> task,
                                 const TaskContext* context);
  static void Interrupt(void* self, CancelReason reason);
  static void Woken(TaskWaiter* self);
  static void Locked(TaskWaiter* self);
  bool JoinAndUnlock();
  bool BeginLock(TaskWaiter* waiter);

  Gate<StdEnv>& gate_;
  Mutex* const mutex_;
  std::coroutine_handle<> task_;
  CancelSeat own_seat_;
  WaitNote note_;
  Wakeup<StdEnv> wakeup_;
  ParkedWait<StdEnv> news_{wakeup_};
  Wakeup<StdEnv> lock_wakeup_;
  ParkedWait<StdEnv> lock_{lock_wakeup_};
  QueueEntry<StdEnv> news_entry_;
  QueueEntry<StdEnv> lock_entry_;
};

}  // namespace internal

// News of what a mutex guards. Whoever changes it notifies, with or without the
// lock; who waits looks again.
class Condition {
 public:
  Condition() = default;
  ~Condition() {
    if (!gate_.nobody_waits()) {
      StdEnv::Misuse("a Condition was destroyed while tasks wait for it");
    }
  }
  Condition(const Condition&) = delete;
  Condition& operator=(const Condition&) = delete;

  // co_await Wait(guard): gives the mutex up until it is notified, and has it
  // again when this ends, however it does: ok, or cancelled(), timeout(),
  // closing(). A notification that comes once the mutex is given up is not
  // missed, and one that was taken is not lost to a cancellation. Of a guard
  // that holds nothing it stops the process.
  internal::ConditionWait Wait(MutexGuard& guard) {
    return internal::ConditionWait(gate_, guard);
  }
  // Whoever waits longest; all who wait.
  void NotifyOne() {
    WaiterList wake;
    gate_.PassOne(wake);
    internal::WakeWaiters(wake);
  }
  void NotifyAll() {
    WaiterList wake;
    gate_.PassAll(wake);
    internal::WakeWaiters(wake);
  }

 private:
  internal::Gate<StdEnv> gate_;
};

// A number of permits. Who wants many is not overtaken by who wants few.
class Semaphore {
 public:
  explicit Semaphore(std::uint32_t permits) : permits_(permits) {}
  ~Semaphore() {
    if (!permits_.nobody_waits()) {
      StdEnv::Misuse("a Semaphore was destroyed while tasks wait for it");
    }
  }
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

  // co_await Acquire(): ok, and they are the caller's until Release; or
  // cancelled(), timeout(), closing(). More than there ever are is for ever.
  internal::PermitWait Acquire(std::uint32_t permits = 1) {
    return internal::PermitWait(permits_, permits);
  }
  bool TryAcquire(std::uint32_t permits = 1) {
    return permits_.TryTake(permits);
  }
  // More than 2^32 - 1 in all stop the process.
  void Release(std::uint32_t permits = 1) {
    WaiterList wake;
    permits_.Give(permits, wake);
    internal::WakeWaiters(wake);
  }
  std::uint32_t available() { return permits_.free(); }

 private:
  internal::Permits<StdEnv> permits_;
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_MUTEX_H_
