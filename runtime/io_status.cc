// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/io_status.h"

#include <cstring>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace netpoll {

std::string ErrnoName(int error) {
  const char* const name = ::strerrorname_np(error);
  return name != nullptr ? name : absl::StrCat("errno ", error);
}

std::string IoStatus::ToString() const {
  const int error = error_number();
  return error != 0 ? ErrnoName(error) : Name(poll_error());
}

absl::Status IoStatus::ToStatus() const {
  if (const int error = error_number(); error != 0) {
    return absl::ErrnoToStatus(error, ErrnoName(error));
  }
  switch (poll_error()) {
    case PollError::kNone:
      break;
    case PollError::kClosing:
      return absl::CancelledError("the descriptor is closed");
    case PollError::kTimeout:
      return absl::DeadlineExceededError("the deadline has passed");
    case PollError::kNotPollable:
      return absl::InternalError("the descriptor can't be polled");
  }
  return absl::OkStatus();
}

}  // namespace netpoll
