// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/descriptor.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/message.h"
#include "netpoll/runtime/sys.h"

namespace netpoll {
namespace internal {

// A message; into no room nothing, and none is lost.
[[gnu::noinline]] bool ReadOp::AttemptMessage() {
  if (buffer_.empty()) return true;
  const iovec room{buffer_.data(), buffer_.size()};
  const int error = ReceiveMessage(fd(), {&room, 1}, &bytes_);
  return error == 0 || FailOrBlock(error);
}

bool ReadOp::Attempt(IoOp* op) {
  auto* const self = static_cast<ReadOp*>(op);
  if (self->fd_->messages) return self->AttemptMessage();
  for (;;) {
    const ssize_t got =
        sys.read(self->fd(), self->buffer_.data(), self->buffer_.size());
    if (got >= 0) {
      self->Received(static_cast<std::size_t>(got), self->buffer_.size());
      return true;
    }
    if (errno != EINTR) return self->FailOrBlock(errno);
  }
}

bool ReadvOp::Attempt(IoOp* op) {
  auto* const self = static_cast<ReadvOp*>(op);
  if (self->fd_->messages && !self->never_blocks_) {
    const int error = ReceiveMessage(self->fd(), self->buffers_, &self->bytes_);
    return error == 0 || self->FailOrBlock(error);
  }
  const auto count = std::min<std::size_t>(self->buffers_.size(), IOV_MAX);
  for (;;) {
    const ssize_t got =
        sys.readv(self->fd(), self->buffers_.data(), static_cast<int>(count));
    if (got >= 0) {
      self->bytes_ = static_cast<std::size_t>(got);
      return true;
    }
    if (errno != EINTR) return self->FailOrBlock(errno);
  }
}

// A message of no bytes; of a stream, nothing.
[[gnu::noinline]] bool WriteOp::AttemptEmpty() {
  if (!fd_->messages) return true;
  const int error = SendMessage(fd(), {}, &bytes_);
  return error == 0 || FailOrBlock(error);
}

bool WriteOp::Attempt(IoOp* op) {
  auto* const self = static_cast<WriteOp*>(op);
  if (self->data_.empty()) return self->AttemptEmpty();
  while (self->bytes_ < self->data_.size()) {
    const ssize_t put = sys.write(self->fd(), self->data_.data() + self->bytes_,
                                  self->data_.size() - self->bytes_);
    if (put >= 0) {
      self->bytes_ += static_cast<std::size_t>(put);
    } else if (errno != EINTR) {
      return self->FailOrBlock(errno);
    }
  }
  return true;
}

bool WritevOp::Attempt(IoOp* op) {
  auto* const self = static_cast<WritevOp*>(op);
  if (self->fd_->messages) {
    const int error = SendMessage(self->fd(), self->buffers_, &self->bytes_);
    return error == 0 || self->FailOrBlock(error);
  }
  std::span<iovec>& rest = self->buffers_;
  for (;;) {
    while (!rest.empty() && rest.front().iov_len == 0) rest = rest.subspan(1);
    if (rest.empty()) return true;
    const auto count = std::min<std::size_t>(rest.size(), IOV_MAX);
    const ssize_t put =
        sys.writev(self->fd(), rest.data(), static_cast<int>(count));
    if (put < 0) {
      if (errno != EINTR) return self->FailOrBlock(errno);
      continue;
    }
    self->bytes_ += static_cast<std::size_t>(put);
    for (auto left = static_cast<std::size_t>(put); left > 0;) {
      iovec& first = rest.front();
      const std::size_t part = std::min(left, first.iov_len);
      first.iov_base = static_cast<char*>(first.iov_base) + part;
      first.iov_len -= part;
      left -= part;
      if (first.iov_len == 0) rest = rest.subspan(1);
    }
  }
}

bool ReadyOp::Attempt(IoOp* op) {
  auto* const self = static_cast<ReadyOp*>(op);
  pollfd query{.fd = self->fd(), .events = self->events_, .revents = 0};
  for (;;) {
    const int count = sys.poll(&query, 1, 0);
    if (count >= 0) return count > 0;
    if (errno != EINTR) return self->FailOrBlock(errno);
  }
}

bool CloseOp::await_ready() {
  if (fd_ == nullptr) {
    status_ = IoStatus::FromErrno(EBADF);
    return true;
  }
  fd_->Ref();
  held_ = true;
  if (!fd_->CloseNow(keep_fd_)) {
    status_ = IoStatus::FromPoll(PollError::kClosing);
    return true;
  }
  return false;
}

absl::StatusOr<int> DetachOp::await_resume() const {
  const IoStatus status = CloseOp::await_resume();
  if (!status.ok()) return status.ToStatus();
  return fd_->fd;
}

}  // namespace internal

absl::Status OpenError(int fd, int error) {
  const char* why = nullptr;
  switch (error) {
    case EBADF:
      why = "it is not an open descriptor";
      break;
    case EINVAL:
      why =
          "it is in blocking mode (set O_NONBLOCK first), or the poller's own";
      break;
    case EPERM:
      why = "a regular file or a directory is always ready and can't be polled";
      break;
    case EEXIST:
      why = "it is open in this runtime already";
      break;
    case ECANCELED:
      why = "the runtime is stopping";
      break;
    default:
      break;
  }
  const std::string cause = why != nullptr
                                ? absl::StrCat(why, " (", ErrnoName(error), ")")
                                : ErrnoName(error);
  return absl::ErrnoToStatus(
      error, absl::StrCat("descriptor ", fd, " can't be opened: ", cause));
}

absl::StatusOr<Descriptor> Descriptor::Adopt(Runtime& runtime, int fd) {
  if (!runtime.status().ok()) return runtime.status();
  internal::FdState* state = nullptr;
  const int error = internal::FdState::Open(runtime, fd, true, &state);
  if (error != 0) return OpenError(fd, error);
  return Descriptor(state);
}

absl::StatusOr<Descriptor::PipeEnds> Descriptor::Pipe(Runtime& runtime) {
  int fds[2];
  if (internal::sys.pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0) {
    return absl::ErrnoToStatus(errno, "a pipe can't be made");
  }
  auto read = Adopt(runtime, fds[0]);
  if (!read.ok()) internal::sys.close(fds[0]);
  auto write = Adopt(runtime, fds[1]);
  if (!write.ok()) internal::sys.close(fds[1]);
  if (!read.ok()) return read.status();
  if (!write.ok()) return write.status();
  return PipeEnds{*std::move(read), *std::move(write)};
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    Drop();
    state_ = std::exchange(other.state_, nullptr);
  }
  return *this;
}

void Descriptor::CloseNow() {
  if (state_ != nullptr) state_->CloseNow(false);
}

void Descriptor::Drop() {
  if (state_ == nullptr) return;
  state_->CloseNow(false);
  std::exchange(state_, nullptr)->Unref();
}

}  // namespace netpoll
