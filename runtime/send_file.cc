// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/send_file.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "netpoll/core/types.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/io_op.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/sigpipe.h"
#include "netpoll/runtime/sys.h"

namespace netpoll {
namespace internal {
namespace {

// What one system call may move: with a fast reader it has no end otherwise.
constexpr std::size_t kMostBytes = 256 << 10;

}  // namespace

bool SendFileOp::Attempt(IoOp* op) {
  auto* const self = static_cast<SendFileOp*>(op);
  const std::size_t rest = self->count_ - self->bytes_;
  if (rest == 0) return true;
  if (self->fd_->messages) return self->FailOrBlock(EINVAL);
  const SigpipeBlock block;
  ssize_t put;
  do {
    put = sys.sendfile(self->fd(), self->file_, &self->offset_,
                       std::min(rest, kMostBytes));
  } while (put < 0 && errno == EINTR);
  if (put < 0) {
    const int error = errno;
    if (error == EPIPE) block.Raised();
    return self->FailOrBlock(error);
  }
  if (put == 0) return self->FailOrBlock(ENODATA);
  self->bytes_ += static_cast<std::size_t>(put);
  return self->bytes_ == self->count_ || self->Continue();
}

}  // namespace internal
}  // namespace netpoll
