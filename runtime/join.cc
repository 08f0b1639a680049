// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/join.h"

#include <coroutine>
#include <exception>
#include <new>
#include <stdexcept>
#include <utility>

#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/suspend.h"

namespace netpoll::internal {

void Unheard::Report(std::exception_ptr exception) {
  const LockHolder hold(lock_, "unheard.report.lock");
  if (!forgotten_) scheduler->Unhandled(std::move(exception));
}

void Unheard::Forget() {
  {
    const LockHolder hold(lock_, "unheard.forget.lock");
    forgotten_ = true;
  }
  Unref();
}

bool JoinStateBase::Park(ResumeWaiter* waiter) {
  if (word_.CompareExchange("join.park", kRunning,
                            reinterpret_cast<std::uintptr_t>(waiter),
                            Order::kAcqRel)) {
    return true;
  }
  if (!ended()) StdEnv::Misuse("two tasks await one spawned task");
  return false;
}

void JoinStateBase::Detach() {
  if (word_.CompareExchange("join.detach", kRunning, kDetached,
                            Order::kAcqRel)) {
    return;
  }
  // It had ended, and nobody will see its exception any more.
  if (exception_) unheard_.Report(std::exchange(exception_, nullptr));
}

void JoinStateBase::End(std::exception_ptr exception) {
  exception_ = std::move(exception);
  const std::uintptr_t before =
      word_.Exchange("join.end", kEnded, Order::kAcqRel);
  if (before == kRunning) return;
  if (before != kDetached) {
    Scheduler::MakeRunnable(reinterpret_cast<ResumeWaiter*>(before));
  } else if (exception_) {
    unheard_.Report(std::exchange(exception_, nullptr));
  }
}

void JoinStateBase::Abandon() {
  if (ended()) return;
  std::exception_ptr why;
  try {
    why = std::make_exception_ptr(
        std::runtime_error("netpoll: the runtime went before the task could "
                           "start"));
  } catch (const std::bad_alloc&) {
    // Spawn ran out of memory, and has said so.
    why = std::current_exception();
  }
  End(std::move(why));
}

bool JoinAwaiterBase::Ready(const JoinStateBase* state) {
  if (state == nullptr) {
    StdEnv::Misuse(
        "a JoinHandle was asked that was moved from, detached or awaited");
  }
  return state->ended();
}

bool JoinAwaiterBase::Suspend(JoinStateBase& state,
                              std::coroutine_handle<> task) {
  handle = task;
  Settle(*this, state.scheduler());
  if (state.ended()) {
    GoLast(*this);
    return true;
  }
  return state.Park(this);
}

TaskPlace::TaskPlace(Scheduler& scheduler) : scheduler_(&scheduler) {
  if (!scheduler.TakePlace()) throw std::bad_alloc();
}

TaskPlace::~TaskPlace() {
  if (scheduler_ != nullptr) scheduler_->GivePlace();
}

std::suspend_never SpawnedTask::promise_type::final_suspend() noexcept {
  home->TaskEnded();
  return {};
}

}  // namespace netpoll::internal
