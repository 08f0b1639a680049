// SPDX-License-Identifier: Apache-2.0
//
// How an operation on a descriptor ended, in four bytes: success, one of the
// poller's errors, that it was cancelled, or an errno.

#ifndef NETPOLL_RUNTIME_IO_STATUS_H_
#define NETPOLL_RUNTIME_IO_STATUS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "netpoll/core/types.h"

namespace netpoll {

class IoStatus {
 public:
  constexpr IoStatus() = default;  // Success.
  static constexpr IoStatus FromErrno(int error) { return IoStatus(error); }
  static constexpr IoStatus FromPoll(PollError error) {
    return IoStatus(-static_cast<int>(error));
  }

  static constexpr IoStatus Cancelled() { return IoStatus(kCancelled); }

  constexpr bool ok() const { return code_ == 0; }
  // The descriptor was closed, or the runtime stopped.
  constexpr bool closing() const { return poll_error() == PollError::kClosing; }
  // The deadline of the direction has passed. The system's own patience with a
  // peer is error_number() ETIMEDOUT.
  constexpr bool timeout() const { return poll_error() == PollError::kTimeout; }
  // Whoever waits was cancelled (cancel.h). The system's own ECANCELED is an
  // error_number().
  constexpr bool cancelled() const { return code_ == kCancelled; }
  // 0, or the errno of the system call.
  constexpr int error_number() const { return code_ > 0 ? code_ : 0; }
  constexpr PollError poll_error() const {
    return code_ < 0 && code_ != kCancelled ? static_cast<PollError>(-code_)
                                            : PollError::kNone;
  }

  // "ok", "closing", "timeout", "not-pollable", "cancelled", or the errno's
  // name.
  std::string ToString() const;

  friend constexpr bool operator==(IoStatus, IoStatus) = default;

 private:
  static constexpr int kCancelled = INT32_MIN;

  explicit constexpr IoStatus(int code) : code_(code) {}

  std::int32_t code_ = 0;
};

// Bytes moved, and how it ended. Both may be set: a write that moved a part
// before it failed says so.
struct [[nodiscard]] IoResult {
  std::size_t bytes = 0;
  IoStatus status;

  bool ok() const { return status.ok(); }
};

// The symbolic name of an errno, "EPIPE"; its number if it has none.
std::string ErrnoName(int error);

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_IO_STATUS_H_
