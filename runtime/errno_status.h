// SPDX-License-Identifier: Apache-2.0
//
// Errors for the edges of a program, as statuses with words.

#ifndef NETPOLL_RUNTIME_ERRNO_STATUS_H_
#define NETPOLL_RUNTIME_ERRNO_STATUS_H_

#include <string_view>

#include "absl/status/status.h"
#include "netpoll/runtime/io_status.h"

namespace netpoll {

// The status of a system call that failed, with `message` and the system's
// words. The code is the errno's canonical one, with two exceptions, so that
// kDeadlineExceeded and kCancelled are always the runtime's own: ETIMEDOUT (the
// peer did not answer in the time that the system gives it) is kUnavailable
// (as is ETIME), and ECANCELED is kAborted.
absl::Status ErrnoStatus(int error, std::string_view message);

// kCancelled for closing, kDeadlineExceeded for the deadline, kInternal for
// not-pollable, else as ErrnoStatus.
absl::Status ToStatus(IoStatus status);

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_ERRNO_STATUS_H_
