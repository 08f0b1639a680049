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
  hearing_.Tell([&] { scheduler->Unhandled(std::move(exception)); });
}

bool JoinStateBase::Park(ResumeWaiter* waiter) { return word_.Park(waiter); }

void JoinStateBase::Detach() {
  word_.Detach([this](std::exception_ptr exception) {
    unheard_.Report(std::move(exception));
  });
}

void JoinStateBase::End(std::exception_ptr exception) {
  word_.End(
      std::move(exception),
      [](Waiter* waiter) { Scheduler::MakeRunnable(waiter); },
      [this](std::exception_ptr unheard) {
        unheard_.Report(std::move(unheard));
      });
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
