// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/task_errors.h"

#include <exception>
#include <utility>
#include <vector>

#include "netpoll/runtime/cancelled.h"
#include "netpoll/runtime/exceptions.h"

namespace netpoll::internal {
namespace {

bool OnlyCancelled(const std::exception_ptr& error) {
  NETPOLL_TRY { std::rethrow_exception(error); }
  NETPOLL_CATCH(const Cancelled&) { return true; }
  NETPOLL_CATCH(...) { return false; }
}

}  // namespace

void ThrowErrors(std::vector<std::exception_ptr> errors) {
  if (errors.empty()) return;
  std::vector<std::exception_ptr> failures;
  for (const std::exception_ptr& error : errors) {
    if (!OnlyCancelled(error)) failures.push_back(error);
  }
  if (failures.empty()) std::rethrow_exception(errors.front());
  if (failures.size() == 1) std::rethrow_exception(failures.front());
  NETPOLL_THROW("tasks have failed", TaskErrors(std::move(failures)));
}

}  // namespace netpoll::internal
