// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/mutex.h"

#include <coroutine>

#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/queue_wait.h"
#include "netpoll/runtime/suspend.h"

namespace netpoll::internal {
namespace {

// A lock that nothing cancels is granted.
bool NeverLeaves() { return true; }

}  // namespace

ConditionWait::ConditionWait(Gate<StdEnv>& gate, const MutexGuard& guard)
    : gate_(gate), mutex_(guard.mutex_) {
  if (!guard.ok()) {
    StdEnv::Misuse("a Condition was awaited with a guard that holds nothing");
  }
  news_entry_.wakeup = &wakeup_;
  lock_entry_.wakeup = &lock_wakeup_;
}

// Who notifies after the mutex was given up finds it in the queue.
bool ConditionWait::JoinAndUnlock() {
  const bool waits = gate_.Join(&news_entry_);
  mutex_->Unlock();
  return waits;
}

// False: it has the mutex.
bool ConditionWait::BeginLock(TaskWaiter* waiter) {
  return lock_.Begin(
      waiter, nullptr, nullptr, nullptr,
      [this] { return mutex_->permits_.Join(&lock_entry_); }, NeverLeaves);
}

bool ConditionWait::Suspend(std::coroutine_handle<> task,
                            const TaskContext* context) {
  task_ = task;
  SettleIn(*this, context);
  note_.Write(__builtin_return_address(0), context);
  run = &ConditionWait::Woken;
  if (news_.Begin(
          this, &SeatFor(*this, context, own_seat_), this,
          &ConditionWait::Interrupt, [this] { return JoinAndUnlock(); },
          [this] { return gate_.Leave(&news_entry_); })) {
    return true;
  }
  run = &ConditionWait::Locked;
  if (BeginLock(this)) return true;
  if (Pay()) return false;
  run = [](TaskWaiter* self) {
    ResumeHere(static_cast<ConditionWait*>(self)->task_);
  };
  GoLast(*this);
  return true;
}

void ConditionWait::Interrupt(void* self, CancelReason) {
  Waiter* const waiter = static_cast<ConditionWait*>(self)->news_.Cancel();
  if (waiter != nullptr) WakeWaiter(waiter);
}

void ConditionWait::Woken(TaskWaiter* self) {
  auto* const wait = static_cast<ConditionWait*>(self);
  wait->news_.End([wait] { return wait->gate_.Leave(&wait->news_entry_); });
  wait->run = &ConditionWait::Locked;
  if (!wait->BeginLock(wait)) ResumeHere(wait->task_);
}

void ConditionWait::Locked(TaskWaiter* self) {
  auto* const wait = static_cast<ConditionWait*>(self);
  wait->lock_.End(NeverLeaves);
  ResumeHere(wait->task_);
}

void ConditionWait::Block() {
  ThreadWaiter thread;
  const auto leave = [this] { return gate_.Leave(&news_entry_); };
  if (news_.Begin(
          &thread, nullptr, nullptr, nullptr,
          [this] { return JoinAndUnlock(); }, leave)) {
    thread.parker.Park("condition.park");
    news_.End(leave);
  }
  if (!BeginLock(&thread)) return;
  thread.parker.Park("condition.lock");
  lock_.End(NeverLeaves);
}

}  // namespace netpoll::internal
