// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/join.h"

#include <coroutine>
#include <exception>
#include <new>
#include <stdexcept>
#include <utility>

#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/exceptions.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/suspend.h"

namespace netpoll::internal {

void Unheard::Report(std::exception_ptr exception) {
  hearing_.Tell([&] { scheduler->Unhandled(std::move(exception)); });
}

void SpawnedTask::Start(Scheduler& scheduler, SpawnOptions options,
                        bool keeps_nobody) {
  if (options.name != nullptr) {
    name = options.name;
    scheduler.HasNames();
  }
  background = keeps_nobody;
  scheduler.Start(this, options.worker, keeps_nobody);
}

void SpawnedTask::Begin(TaskWaiter* self) {
  body_begun = false;
  ResumeHere(static_cast<SpawnedTask*>(self)->frame());
  // It would be asleep for ever.
  if (!body_begun) NotBegun();
}

std::coroutine_handle<> SpawnedTask::Ended(TaskPromiseBase& task) {
  Scheduler& scheduler = *home->scheduler;
  const bool keeps_nobody = background;
  std::exception_ptr exception;
  NETPOLL_TRY { Keep(task); }
  NETPOLL_CATCH(...) { exception = std::current_exception(); }
  // The task's frame goes before anybody learns that it has ended.
  frame().destroy();
  End(std::move(exception));
  keeps_nobody ? scheduler.BackgroundEnded() : scheduler.TaskEnded();
  return nullptr;
}

bool JoinStateBase::Park(ResumeWaiter* waiter) { return word_.Park(waiter); }

bool JoinStateBase::Withdraw(ResumeWaiter* waiter) {
  return word_.Withdraw(waiter);
}

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
  Unref();
}

void JoinStateBase::NeverRan() {
  std::exception_ptr why;
  NETPOLL_TRY {
    why = std::make_exception_ptr(
        std::runtime_error("netpoll: the runtime went before the task could "
                           "start"));
  }
  NETPOLL_CATCH(const std::bad_alloc&) { why = std::current_exception(); }
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
                              std::coroutine_handle<> task,
                              const TaskContext* context) {
  Resumes(task);
  Settle(*this, state.scheduler());
  if (state.ended()) {
    GoLast(*this);
    return true;
  }
  CancelSeat* const seat = context != nullptr ? context->seat : nullptr;
  if (seat == nullptr && !ListedWait::Wanted()) [[likely]]
    return state.Park(this);
  listed_.emplace("a task").note.Write(__builtin_return_address(0), context);
  return seat != nullptr ? ParkInScope(state, seat) : ParkListed(state);
}

bool JoinAwaiterBase::ParkListed(JoinStateBase& state) {
  seat_ = &listed_->seat;
  bool parked = false;
  const CancelReason why =
      listed_->Sit(*this, [&] { parked = state.Park(this); });
  return why == CancelReason::kNone ? parked : state.Park(this);
}

// It parks as it sits down, so that whoever is told finds it parked. If it was
// refused, or has nobody to wait for, it goes on at once.
bool JoinAwaiterBase::ParkInScope(JoinStateBase& state, CancelSeat* seat) {
  joined_ = &state;
  seat_ = seat;
  bool parked = false;
  const CancelReason why =
      seat->node->Sit(*seat, this, &JoinAwaiterBase::Interrupt,
                      [&] { parked = state.Park(this); });
  return why == CancelReason::kNone && parked;
}

void JoinAwaiterBase::Interrupt(void* self, CancelReason) {
  auto* const join = static_cast<JoinAwaiterBase*>(self);
  if (join->joined_->Withdraw(join)) Scheduler::MakeRunnable(join);
}

IoStatus JoinAwaiterBase::Left(const JoinStateBase& state) {
  if (seat_ == nullptr) return {};
  seat_->node->Leave(*seat_);
  return state.ended() ? IoStatus() : StatusOf(seat_->node->reason());
}

TaskPlace::TaskPlace(Scheduler& scheduler) : scheduler_(&scheduler) {
  if (!scheduler.TakePlace()) {
    NETPOLL_THROW("there is no memory for a task", std::bad_alloc());
  }
}

TaskPlace::~TaskPlace() {
  if (scheduler_ != nullptr) scheduler_->GivePlace();
}

}  // namespace netpoll::internal
