// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/errno_status.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/io_status.h"

namespace netpoll {

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

absl::Status ToStatus(IoStatus status) {
  if (const int error = status.error_number(); error != 0) {
    return ErrnoStatus(error, ErrnoName(error));
  }
  if (status.cancelled()) {
    return absl::CancelledError("what waited was cancelled");
  }
  switch (status.poll_error()) {
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
