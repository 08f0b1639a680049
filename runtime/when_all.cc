// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/when_all.h"

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <utility>
#include <vector>

#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/task_errors.h"
#include "netpoll/runtime/task_waiter.h"

namespace netpoll::internal {
namespace {

// On this thread, until it suspends or ends, and what completes by that.
void Begin(std::coroutine_handle<> task) {
  body_begun = false;
  ResumeAwaiter(task);
  if (!body_begun) NotBegun();
}

}  // namespace

void ThrowFailures(const Branch* branches, std::size_t count,
                   std::uint32_t first) {
  if (first == 0) return;
  std::vector<std::exception_ptr> errors = {
      branches[first - 1].promise->exception()};
  for (std::size_t i = 0; i < count; ++i) {
    const std::exception_ptr& error = branches[i].promise->exception();
    if (i + 1 != first && error) errors.push_back(error);
  }
  ThrowErrors(std::move(errors));
}

bool Branches::Start(Branch* branches, std::size_t count, TaskContext* context,
                     std::coroutine_handle<> parent) {
  branches_ = branches;
  count_ = count;
  parent_ = parent;
  scope_.Enter(context);
  for (std::size_t i = 0; i < count; ++i) core_.Add();
  for (std::size_t i = 0; i < count; ++i) {
    Branch& branch = branches[i];
    branch.seat.node = &scope_.node();
    branch.promise->context = {&branch.seat, context->carried};
    branch.promise->set_fork(this);
    Begin(branch.task);
  }
  return !core_.Drop();
}

std::coroutine_handle<> Branches::Ended(TaskPromiseBase& branch) {
  std::uint32_t number = 1;
  while (branches_[number - 1].promise != &branch) ++number;
  const std::coroutine_handle<> parent = parent_;
  const bool ends_others =
      until_ == Until::kFirstEnd || branch.exception() != nullptr;
  return core_.Ended(number, ends_others) ? parent : nullptr;
}

std::uint32_t Branches::Leave() {
  scope_.Leave();
  return core_.first();
}

}  // namespace netpoll::internal
