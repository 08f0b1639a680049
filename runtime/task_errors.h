// SPDX-License-Identifier: Apache-2.0
//
// How tasks that ran beside each other ended, with none of their exceptions
// lost.

#ifndef NETPOLL_RUNTIME_TASK_ERRORS_H_
#define NETPOLL_RUNTIME_TASK_ERRORS_H_

#include "netpoll/core/cpp20.h"

#include <exception>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace netpoll {

// Thrown where more than one failed: the first one in front.
class TaskErrors : public std::exception {
 public:
  explicit TaskErrors(std::vector<std::exception_ptr> errors)
      : errors_(std::move(errors)),
        what_("netpoll: " + std::to_string(errors_.size()) + " tasks failed") {}
  const char* what() const noexcept override { return what_.c_str(); }
  const std::vector<std::exception_ptr>& errors() const { return errors_; }

 private:
  std::vector<std::exception_ptr> errors_;
  std::string what_;
};

// What a task came to: a value (std::monostate for none), or an exception.
template <class T>
struct Outcome {
  using Value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

  std::optional<Value> value;
  std::exception_ptr error;

  bool ok() const { return value.has_value(); }
  // The value, or throws the exception.
  Value& Get() {
    if (error) std::rethrow_exception(error);
    return *value;
  }
};

namespace internal {

// Throws what is in there, the first that failed in front; nothing if nothing
// is. What was only cancelled because another failed is no failure.
void ThrowErrors(std::vector<std::exception_ptr> errors);

}  // namespace internal
}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_TASK_ERRORS_H_
