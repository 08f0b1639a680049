// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/io_status.h"

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace netpoll {

std::string ErrnoName(int error) {
  const char* const name = ::strerrorname_np(error);
  return name != nullptr ? name : absl::StrCat("errno ", error);
}

absl::Status ErrnoStatus(int error, std::string_view message) {
  const absl::Status status = absl::ErrnoToStatus(error, std::string(message));
  const absl::string_view text = status.message();
  if (status.code() == absl::StatusCode::kDeadlineExceeded) {
    return absl::UnavailableError(text);
  }
  if (status.code() == absl::StatusCode::kCancelled) {
    return absl::AbortedError(text);
  }
  return status;
}

std::string IoStatus::ToString() const {
  const int error = error_number();
  return error != 0 ? ErrnoName(error) : Name(poll_error());
}

absl::Status IoStatus::ToStatus() const {
  if (const int error = error_number(); error != 0) {
    return ErrnoStatus(error, ErrnoName(error));
  }
  switch (poll_error()) {
    case PollError::kNone:
      break;
    case PollError::kClosing:
      return absl::CancelledError("the descriptor is closed");
    case PollError::kTimeout:
      return absl::DeadlineExceededError("the deadline has passed");
    case PollError::kNotPollable:
      return absl::InternalError(
          "the descriptor keeps reporting an error that no call tells");
  }
  return absl::OkStatus();
}

}  // namespace netpoll
