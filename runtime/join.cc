// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/join.h"

#include <coroutine>
#include <exception>
#include <utility>

#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/runtime.h"

namespace netpoll::internal {

bool JoinStateBase::Park(ResumeWaiter* waiter) {
  return word_.CompareExchange("join.park", kRunning,
                               reinterpret_cast<std::uintptr_t>(waiter),
                               Order::kAcqRel);
}

void JoinStateBase::Detach() {
  if (word_.CompareExchange("join.detach", kRunning, kDetached,
                            Order::kAcqRel)) {
    return;
  }
  // It had ended, and nobody will see its exception any more.
  if (exception_) runtime_.Unhandled(std::exchange(exception_, nullptr));
}

void JoinStateBase::End(std::exception_ptr exception) {
  exception_ = std::move(exception);
  const std::uintptr_t before =
      word_.Exchange("join.end", kEnded, Order::kAcqRel);
  if (before == kRunning) return;
  if (before != kDetached) {
    runtime_.MakeRunnable(reinterpret_cast<ResumeWaiter*>(before));
  } else if (exception_) {
    runtime_.Unhandled(std::exchange(exception_, nullptr));
  }
}

std::suspend_never SpawnedTask::promise_type::final_suspend() noexcept {
  runtime->TaskEnded();
  return {};
}

}  // namespace netpoll::internal
