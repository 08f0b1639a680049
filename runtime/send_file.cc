// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/send_file.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>

#include "netpoll/core/types.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/io_op.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/sigpipe.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task.h"

namespace netpoll {
namespace internal {
namespace {

// What one system call may move: with a fast reader it has no end otherwise.
constexpr std::size_t kMostBytes = 256 << 10;

// The pipe of a Forward: nothing waits for it, so the runtime does not know it.
struct Pipe {
  Pipe() { error = sys.pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0 ? 0 : errno; }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    if (error != 0) return;
    sys.close(ends[0]);
    sys.close(ends[1]);
  }
  int ends[2];
  int error;
};

// As splice, and SIGPIPE is not raised.
ssize_t Splice(int from, int to, std::size_t count) {
  constexpr unsigned kFlags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
  const SigpipeBlock block;
  ssize_t moved;
  do {
    moved = sys.splice(from, nullptr, to, nullptr, count, kFlags);
  } while (moved < 0 && errno == EINTR);
  if (moved < 0 && errno == EPIPE) block.Raised();
  return moved;
}

// Into the empty pipe, what there is: never blocked by the pipe.
class FillPipeOp : public IoOp {
 public:
  FillPipeOp(FdState* fd, int pipe)
      : IoOp(fd, Mode::kRead, &Attempt), pipe_(pipe) {}
  IoResult await_resume() const { return result(); }

 private:
  static bool Attempt(IoOp* op) {
    auto* const self = static_cast<FillPipeOp*>(op);
    const ssize_t moved = Splice(self->fd(), self->pipe_, kMostBytes);
    if (moved < 0) return self->FailOrBlock(errno);
    // How much room the pipe had is not known: it counts as filled.
    const auto bytes = static_cast<std::size_t>(moved);
    self->Received(bytes, bytes > 0 ? bytes : 1);
    return true;
  }
  const int pipe_;
};

// All that is in the pipe.
class EmptyPipeOp : public IoOp {
 public:
  EmptyPipeOp(FdState* fd, int pipe, std::size_t count)
      : IoOp(fd, Mode::kWrite, &Attempt), pipe_(pipe), count_(count) {}
  IoResult await_resume() const { return result(); }

 private:
  static bool Attempt(IoOp* op) {
    auto* const self = static_cast<EmptyPipeOp*>(op);
    const std::size_t rest = self->count_ - self->bytes_;
    const ssize_t moved = Splice(self->pipe_, self->fd(), rest);
    if (moved < 0) return self->FailOrBlock(errno);
    self->bytes_ += static_cast<std::size_t>(moved);
    return self->bytes_ == self->count_ || self->Continue();
  }
  const int pipe_;
  const std::size_t count_;
};

// `to` can't be spliced: what the pipe has is written.
Task<IoResult> WriteOut(int pipe, Descriptor& to, std::size_t count) {
  std::array<char, 16 << 10> buffer;
  IoResult all;
  while (all.ok() && all.bytes < count) {
    const ssize_t got = sys.read(pipe, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) co_return IoResult{all.bytes, IoStatus::FromErrno(EIO)};
    const IoResult put =
        co_await to.Write({buffer.data(), static_cast<std::size_t>(got)});
    all = {all.bytes + put.bytes, put.status};
  }
  co_return all;
}

Task<IoResult> Copy(Descriptor& from, Descriptor& to, std::size_t before) {
  std::array<char, 16 << 10> buffer;
  IoResult all{before, {}};
  for (;;) {
    const IoResult got = co_await from.Read(buffer);
    all.status = got.status;
    if (!got.ok() || got.bytes == 0) co_return all;
    const IoResult put = co_await to.Write({buffer.data(), got.bytes});
    all.bytes += put.bytes;
    all.status = put.status;
    if (!put.ok()) co_return all;
  }
}

}  // namespace

bool SendFileOp::Attempt(IoOp* op) {
  auto* const self = static_cast<SendFileOp*>(op);
  const std::size_t rest = self->count_ - self->bytes_;
  if (rest == 0) return true;
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

Task<IoResult> Forward(Runtime&, Descriptor& from, Descriptor& to) {
  using namespace internal;
  const Pipe pipe;
  IoResult all;
  all.status = IoStatus::FromErrno(pipe.error);
  while (all.ok()) {
    const IoResult got = co_await FillPipeOp(StateOf(from), pipe.ends[1]);
    // EINVAL: one of the two can't be spliced. Nothing is in the pipe.
    if (got.status.error_number() == EINVAL) {
      co_return co_await Copy(from, to, all.bytes);
    }
    all.status = got.status;
    if (!got.ok() || got.bytes == 0) break;
    IoResult put = co_await EmptyPipeOp(StateOf(to), pipe.ends[0], got.bytes);
    if (put.bytes == 0 && put.status.error_number() == EINVAL) {
      put = co_await WriteOut(pipe.ends[0], to, got.bytes);
    }
    all.bytes += put.bytes;
    all.status = put.status;
  }
  co_return all;
}

}  // namespace netpoll
