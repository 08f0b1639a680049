// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/splice.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/errno_status.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/io_op.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/sigpipe.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task.h"

namespace netpoll {
namespace internal {
namespace {

// What one system call may move: with a fast reader it has no end otherwise.
constexpr std::size_t kMostBytes = 256 << 10;

ssize_t Splice(int from, int to, std::size_t count) {
  constexpr unsigned kFlags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
  ssize_t moved;
  do {
    moved = sys.splice(from, nullptr, to, nullptr, count, kFlags);
  } while (moved < 0 && errno == EINTR);
  return moved;
}

// Into the empty pipe, what there is: never blocked by the pipe, which has a
// reader. EINVAL: it must be read. That is so of what can't be spliced, and
// where a TCP stream has an urgent byte: splice stays before it for ever, and
// calls that would-block, or an end.
class FillPipeOp : public IoOp {
 public:
  FillPipeOp(FdState* fd, int pipe, std::size_t most)
      : IoOp(fd, Mode::kRead, &Attempt), pipe_(pipe), most_(most) {}
  IoResult await_resume() const { return result(); }

 private:
  static bool Attempt(IoOp* op) {
    auto* const self = static_cast<FillPipeOp*>(op);
    const ssize_t moved =
        Splice(self->fd(), self->pipe_, std::min(self->most_, kMostBytes));
    const int error = moved < 0 ? errno : 0;
    if ((moved == 0 || error == EAGAIN) && self->fd_->socket &&
        sys.sockatmark(self->fd()) == 1) {
      return self->FailOrBlock(EINVAL);
    }
    if (error != 0) return self->FailOrBlock(error);
    // How much room the pipe had is not known: it counts as filled.
    const auto bytes = static_cast<std::size_t>(moved);
    self->Received(bytes, bytes > 0 ? bytes : 1);
    return true;
  }
  const int pipe_;
  const std::size_t most_;
};

// `count` of the bytes that are in the pipe.
class EmptyPipeOp : public IoOp {
 public:
  EmptyPipeOp(FdState* fd, int pipe, std::size_t count)
      : IoOp(fd, Mode::kWrite, &Attempt), pipe_(pipe), count_(count) {}
  IoResult await_resume() const { return result(); }

 private:
  static bool Attempt(IoOp* op) {
    auto* const self = static_cast<EmptyPipeOp*>(op);
    const std::size_t rest = self->count_ - self->bytes_;
    const SigpipeBlock block;
    const ssize_t moved = Splice(self->pipe_, self->fd(), rest);
    if (moved < 0) {
      const int error = errno;
      if (error == EPIPE) block.Raised();
      return self->FailOrBlock(error);
    }
    self->bytes_ += static_cast<std::size_t>(moved);
    return self->bytes_ == self->count_ || self->Continue();
  }
  const int pipe_;
  const std::size_t count_;
};

bool IsOfMessages(const Descriptor& descriptor) {
  const FdState* const fd = StateOf(descriptor);
  return fd != nullptr && fd->messages;
}

}  // namespace
}  // namespace internal

int SplicePipe::Open() {
  int ends[2];
  if (internal::sys.pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return errno;
  read_ = ends[0];
  write_ = ends[1];
  return 0;
}

absl::StatusOr<SplicePipe> SplicePipe::Make(std::size_t capacity) {
  SplicePipe pipe;
  if (const int error = pipe.Open(); error != 0) {
    return ErrnoStatus(error,
                       absl::StrCat("a pipe to splice through can't be made: ",
                                    ErrnoName(error)));
  }
  if (capacity > 0) {
    // More than the system allows: what it gives unasked will do.
    constexpr std::size_t kMost = std::numeric_limits<int>::max();
    internal::sys.set_pipe_size(pipe.write_,
                                static_cast<int>(std::min(capacity, kMost)));
  }
  return pipe;
}

SplicePipe::~SplicePipe() {
  if (read_ < 0) return;
  internal::sys.close(read_);
  internal::sys.close(write_);
}

char* SplicePipe::Buffer() {
  if (buffer_ == nullptr) {
    buffer_ = std::make_unique_for_overwrite<char[]>(kBuffer);
  }
  return buffer_.get();
}

// Of the pipe. An errno: somebody else has taken what was in it.
int SplicePipe::ReadPipe(std::span<char> into, std::size_t* bytes) {
  ssize_t got;
  do {
    got = internal::sys.read(read_, into.data(), std::min(into.size(), piped_));
  } while (got < 0 && errno == EINTR);
  if (got < 0) return errno;
  if (got == 0) return EIO;
  *bytes = static_cast<std::size_t>(got);
  piped_ -= *bytes;
  return 0;
}

std::size_t SplicePipe::Take(std::span<char> buffer) {
  const std::size_t copied = std::min(copied_, buffer.size());
  if (copied > 0) std::memcpy(buffer.data(), buffer_.get() + begin_, copied);
  begin_ += copied;
  copied_ -= copied;
  std::size_t taken = copied;
  while (taken < buffer.size() && piped_ > 0) {
    std::size_t got = 0;
    if (ReadPipe(buffer.subspan(taken), &got) != 0) break;
    taken += got;
  }
  return taken;
}

Task<IoResult> SplicePipe::CopyIn(Descriptor& from, std::size_t most) {
  const IoResult got =
      co_await from.Read(std::span(Buffer(), std::min(most, kBuffer)));
  begin_ = 0;
  copied_ = got.bytes;
  co_return got;
}

// Those in the buffer are the first.
Task<IoResult> SplicePipe::CopyOut(Descriptor& to, std::size_t most) {
  if (copied_ == 0) {
    begin_ = 0;
    const int error = ReadPipe({Buffer(), kBuffer}, &copied_);
    if (error != 0) co_return IoResult{0, IoStatus::FromErrno(error)};
  }
  const IoResult put =
      co_await to.Write({buffer_.get() + begin_, std::min(most, copied_)});
  begin_ += put.bytes;
  copied_ -= put.bytes;
  co_return put;
}

Task<SpliceResult> SplicePipe::Move(Descriptor& from, Descriptor& to,
                                    std::size_t most) {
  using namespace internal;
  SpliceResult all;
  if (IsOfMessages(from) || IsOfMessages(to)) {
    all.status = IoStatus::FromErrno(EINVAL);
    if (!IsOfMessages(from)) all.failed = SpliceEnd::kTo;
    co_return all;
  }
  // EINVAL, which moves nothing: that one is to be read, or written.
  bool copies_from = false;
  bool copies_to = false;
  while (all.bytes < most) {
    const std::size_t rest = most - all.bytes;
    if (held() == 0) {
      IoResult got;
      if (copies_from) {
        got = co_await CopyIn(from, rest);
      } else {
        got = co_await FillPipeOp(StateOf(from), write_, rest);
        copies_from = got.status.error_number() == EINVAL;
        if (copies_from) continue;
        piped_ = got.bytes;
      }
      all.status = got.status;
      all.ended = got.ok() && got.bytes == 0;
      if (!got.ok() || all.ended) break;
    }
    IoResult put;
    if (copied_ > 0 || copies_to) {
      put = co_await CopyOut(to, rest);
    } else {
      put = co_await EmptyPipeOp(StateOf(to), read_, std::min(rest, piped_));
      piped_ -= put.bytes;
      copies_to = put.status.error_number() == EINVAL;
      if (copies_to) put.status = {};
    }
    all.bytes += put.bytes;
    all.status = put.status;
    if (put.ok()) continue;
    all.failed = SpliceEnd::kTo;
    break;
  }
  co_return all;
}

Task<SpliceResult> Forward(Descriptor& from, Descriptor& to) {
  SplicePipe pipe;
  if (const int error = pipe.Open(); error != 0) {
    co_return SpliceResult{.status = IoStatus::FromErrno(error)};
  }
  co_return co_await pipe.Move(from, to);
}

}  // namespace netpoll
