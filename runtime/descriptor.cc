// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/descriptor.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <coroutine>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "netpoll/backends/posix/check_pollable.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/errno_status.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/io_host.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/message.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/sigpipe.h"
#include "netpoll/runtime/suspend.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task_context.h"

namespace netpoll {
namespace internal {

// A message; into no room nothing, and none is lost.
[[gnu::noinline]] bool ReadOp::AttemptOtherwise() {
  if (buffer_.empty()) return true;
  const iovec room{buffer_.data(), buffer_.size()};
  return ReceivedMessage(ReceiveMessage(fd(), {&room, 1}, &bytes_));
}

inline bool ReadOp::Plainly() {
  const ssize_t got = sys.read(fd(), buffer_.data(), buffer_.size());
  if (got < 0) [[unlikely]]
    return GotNothing(errno);
  Received(static_cast<std::size_t>(got), buffer_.size());
  return true;
}

bool ReadOp::GotNothing(int error) {
  while (error == EINTR) {
    const ssize_t got = sys.read(fd(), buffer_.data(), buffer_.size());
    if (got >= 0) {
      Received(static_cast<std::size_t>(got), buffer_.size());
      return true;
    }
    error = errno;
  }
  return FailOrBlock(error);
}

bool ReadOp::Attempt(IoOp* op) {
  auto* const self = static_cast<ReadOp*>(op);
  if (self->fd_->reads_plainly) return self->Plainly();
  return self->fd_->calls != nullptr ? self->AttemptByRing()
                                     : self->AttemptOtherwise();
}

bool ReadOp::PlainlyElsewhere() { return Plainly(); }

bool ReadOp::BeginOrPause(std::coroutine_handle<> task,
                          const TaskContext* context) {
  const void* const where = __builtin_return_address(0);
  return !BeginIn<Mode::kRead, Own>() &&
         PauseIn<Mode::kRead, Own>(task, context, where);
}

bool ReadExactlyOp::Attempt(IoOp* op) {
  auto* const self = static_cast<ReadExactlyOp*>(op);
  const std::span<char> rest = self->buffer_.subspan(self->bytes_);
  if (rest.empty()) return true;
  std::size_t got = 0;
  int error = 0;
  if (self->fd_->messages) {
    const iovec room{rest.data(), rest.size()};
    error = ReceiveMessage(self->fd(), {&room, 1}, &got);
  } else {
    ssize_t read;
    do {
      read = sys.read(self->fd(), rest.data(), rest.size());
    } while (read < 0 && errno == EINTR);
    if (read < 0) error = errno;
    if (read > 0) got = static_cast<std::size_t>(read);
  }
  const std::size_t before = self->bytes_;
  if (error == 0 && !self->fd_->messages) self->Received(got, rest.size());
  self->bytes_ = before + got;
  if (error != 0) return self->FailOrBlock(error);
  if (!self->status_.ok() || self->bytes_ == self->buffer_.size()) return true;
  if (got > 0) return self->fd_->drained ? false : self->Continue();
  return self->FailOrBlock(ENODATA);
}

bool ReadvOp::Attempt(IoOp* op) {
  auto* const self = static_cast<ReadvOp*>(op);
  if (self->fd_->messages && !self->never_blocks_) {
    return self->ReceivedMessage(
        ReceiveMessage(self->fd(), self->buffers_, &self->bytes_));
  }
  const auto count = std::min<std::size_t>(self->buffers_.size(), IOV_MAX);
  for (;;) {
    const ssize_t got =
        sys.readv(self->fd(), self->buffers_.data(), static_cast<int>(count));
    if (got >= 0) {
      // How much room there was is not asked: it counts as filled.
      const auto bytes = static_cast<std::size_t>(got);
      self->Received(bytes, bytes > 0 || self->never_blocks_ ? bytes : 1);
      return true;
    }
    if (errno != EINTR) return self->FailOrBlock(errno);
  }
}

namespace {

// What one system call may take of a stream: with a fast reader a write without
// a limit has no end.
constexpr std::size_t kMostBytes = 256 << 10;

// As write and writev, but SIGPIPE is not raised.
[[gnu::cold, gnu::noinline]] ssize_t PutElsewhere(int fd, const char* data,
                                                  std::size_t size) {
  const SigpipeBlock block;
  const ssize_t put = sys.write(fd, data, size);
  if (put < 0 && errno == EPIPE) block.Raised();
  return put;
}
ssize_t Put(const FdState& fd, std::span<iovec> parts) {
  if (fd.socket) {
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    return sys.sendmsg(fd.fd, &message, MSG_NOSIGNAL);
  }
  const SigpipeBlock block;
  const ssize_t put =
      sys.writev(fd.fd, parts.data(), static_cast<int>(parts.size()));
  if (put < 0 && errno == EPIPE) block.Raised();
  return put;
}

// The first parts, up to IOV_MAX, and the first of them always, that are not
// too much for one call.
std::span<iovec> Front(std::span<iovec> parts) {
  std::size_t count = 0;
  std::size_t bytes = 0;
  while (count < parts.size() && count < IOV_MAX) {
    bytes += parts[count].iov_len;
    if (count > 0 && bytes > kMostBytes) break;
    ++count;
  }
  return parts.first(count);
}

// Takes what was written off the front.
std::span<iovec> After(std::span<iovec> parts, std::size_t put) {
  while (!parts.empty() && parts.front().iov_len <= put) {
    put -= parts.front().iov_len;
    parts = parts.subspan(1);
  }
  if (put > 0) {
    iovec& first = parts.front();
    first.iov_base = static_cast<char*>(first.iov_base) + put;
    first.iov_len -= put;
  }
  return parts;
}

}  // namespace

// A message of no bytes; of a stream, nothing.
[[gnu::noinline]] bool WriteOp::AttemptEmpty() {
  if (!fd_->messages) return true;
  const int error = SendMessage(fd(), {}, &bytes_);
  return error == 0 || FailOrBlock(error);
}

inline bool WriteOp::Plainly() {
  const FdState& fd = *fd_;
  const char* const rest = data_.data() + bytes_;
  std::size_t size = data_.size() - bytes_;
  if (size > kMostBytes && !fd.messages) size = kMostBytes;
  const ssize_t put = sys.send(fd.fd, rest, size, MSG_NOSIGNAL);
  if (put < 0) [[unlikely]]
    return PutNothing(errno);
  bytes_ += static_cast<std::size_t>(put);
  const bool whole = bytes_ == data_.size() || fd.messages;
  return whole || Continue();
}

bool WriteOp::PutNothing(int error) {
  return error == EINTR ? Continue() : FailOrBlock(error);
}

bool WriteOp::Attempt(IoOp* op) {
  auto* const self = static_cast<WriteOp*>(op);
  if (self->data_.empty()) return self->AttemptEmpty();
  if (self->fd_->sends_plainly) return self->Plainly();
  return self->fd_->calls != nullptr ? self->AttemptByRing()
                                     : self->AttemptOtherwise();
}

bool WriteOp::PlainlyElsewhere() { return Plainly(); }

// Of what is no socket.
[[gnu::noinline]] bool WriteOp::AttemptOtherwise() {
  const std::size_t size = std::min(data_.size() - bytes_, kMostBytes);
  for (;;) {
    const ssize_t put = PutElsewhere(fd(), data_.data() + bytes_, size);
    if (put >= 0) {
      bytes_ += static_cast<std::size_t>(put);
      return bytes_ == data_.size() || Continue();
    }
    if (errno != EINTR) return FailOrBlock(errno);
  }
}

bool WriteOp::await_ready() { return BeginIn<Mode::kWrite, Own>(); }

bool WriteOp::Pause(std::coroutine_handle<> task, const TaskContext* context) {
  return PauseIn<Mode::kWrite, Own>(task, context, __builtin_return_address(0));
}

bool WritevOp::Attempt(IoOp* op) {
  auto* const self = static_cast<WritevOp*>(op);
  if (self->fd_->messages) {
    const int error = SendMessage(self->fd(), self->buffers_, &self->bytes_);
    return error == 0 || self->FailOrBlock(error);
  }
  std::span<iovec>& rest = self->buffers_;
  rest = After(rest, 0);
  if (rest.empty()) return true;
  std::span<iovec> front = Front(rest);
  iovec part;
  if (front.front().iov_len > kMostBytes) {
    part = {front.front().iov_base, kMostBytes};
    front = {&part, 1};
  }
  for (;;) {
    const ssize_t put = Put(*self->fd_, front);
    if (put >= 0) {
      self->bytes_ += static_cast<std::size_t>(put);
      rest = After(rest, static_cast<std::size_t>(put));
      return rest.empty() || self->Continue();
    }
    if (errno != EINTR) return self->FailOrBlock(errno);
  }
}

bool ReadyOp::Attempt(IoOp* op) {
  auto* const self = static_cast<ReadyOp*>(op);
  pollfd query{.fd = self->fd(), .events = self->events_, .revents = 0};
  for (;;) {
    const int count = sys.poll(&query, 1, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return self->FailOrBlock(errno);
    self->no_event_ = false;
    if (query.revents != POLLERR) return count > 0;
    return self->ErrorIsNews();
  }
}

// Nothing but an error. A call may have to tell it, or an error queue has news
// for somebody else and the call would block: that can't be seen from outside.
// So it counts as ready, but not again and again at full speed.
bool ReadyOp::ErrorIsNews() {
  RetryTimer* const timer =
      fd_->Retry(events_ == POLLIN ? Mode::kRead : Mode::kWrite);
  if (timer == nullptr) return FailOrBlock(ENOMEM);
  std::int64_t& told = timer->error_told;
  const std::int64_t now = sys.now();
  if (told != 0 && now - told < kErrorPace) {
    no_event_ = true;  // It stays: nothing would be reported when time is up.
    return false;
  }
  told = now;
  return true;
}

bool CloseOp::await_ready() {
  if (begun_) StdEnv::Misuse("a Close or Detach was awaited twice");
  begun_ = true;
  const bool paid = Pay();
  if (fd_ == nullptr) {
    status_ = IoStatus::FromErrno(EBADF);
    return paid;
  }
  if (!fd_->CloseNow(at_end_)) {
    status_ = IoStatus::FromPoll(PollError::kClosing);
    return paid;
  }
  return paid && fd_->ended();
}

bool CloseOp::await_suspend(std::coroutine_handle<> task) {
  Resumes(task);
  Settle(*this, fd_ != nullptr ? &fd_->scheduler : nullptr);
  if (status_.ok() && fd_->ParkCloser(this)) return true;
  GoLast(*this);
  return true;
}

IoStatus CloseOp::await_resume() const {
  if (!status_.ok() || fd_->end_error == 0) return status_;
  return IoStatus::FromErrno(fd_->end_error);
}

absl::StatusOr<int> DetachOp::await_resume() const {
  if (!status_.ok()) return ToStatus(status_);
  return fd_->fd;
}

}  // namespace internal

absl::Status OpenError(Runtime& runtime, int fd, int error) {
  const std::string what =
      absl::StrCat("descriptor ", fd, " can't be opened: ");
  if (error == ECANCELED) {
    return absl::CancelledError(
        absl::StrCat(what, "closing, the runtime is stopping"));
  }
  // What the descriptor is says more than the number of the error.
  const bool own = internal::SchedulerOf(runtime).IsPollDescriptor(fd);
  const PollableCheck check =
      own ? PollableCheck{error, "it is the poller's own"}
          : internal::sys.examine_pollable(fd);
  const char* why = check.error == error ? check.why : nullptr;
  if (why == nullptr && error == EEXIST) {
    why = "it is open in this runtime already";
  }
  if (why == nullptr)
    return ErrnoStatus(error, absl::StrCat(what, ErrnoName(error)));
  return ErrnoStatus(error,
                     absl::StrCat(what, why, " (", ErrnoName(error), ")"));
}

absl::StatusOr<Descriptor> Descriptor::Adopt(Runtime& runtime, int fd) {
  if (!runtime.status().ok()) return runtime.status();
  internal::FdState* state = nullptr;
  const int error = internal::FdState::Open(internal::SchedulerOf(runtime), fd,
                                            internal::Origin::kProgram, &state);
  if (error != 0) return OpenError(runtime, fd, error);
  return Descriptor(state);
}

absl::StatusOr<Descriptor::PipeEnds> Descriptor::Pipe(Runtime& runtime) {
  int fds[2];
  if (internal::sys.pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0) {
    const int error = errno;
    return ErrnoStatus(
        error, absl::StrCat("a pipe can't be made: ", ErrnoName(error)));
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
  if (state_ != nullptr) state_->CloseNow(internal::SystemFd::kClose);
}

void Descriptor::Drop() {
  if (state_ == nullptr) return;
  state_->CloseNow(internal::SystemFd::kClose);
  std::exchange(state_, nullptr)->Unref();
}

}  // namespace netpoll
