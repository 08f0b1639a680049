// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/task_errors.h"

#include <exception>
#include <utility>
#include <vector>

#include "netpoll/runtime/cancelled.h"

namespace netpoll::internal {
namespace {

bool OnlyCancelled(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Cancelled&) {
    return true;
  } catch (...) {
    return false;
  }
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
  throw TaskErrors(std::move(failures));
}

}  // namespace netpoll::internal
