// SPDX-License-Identifier: Apache-2.0
//
// Descriptor: a non-blocking descriptor whose operations are awaited. Sockets
// (socket.h) and pipes are built on it.
//
//   IoResult got = co_await descriptor.Read(buffer);
//   if (!got.ok()) ...            closing, timeout, or an errno
//   if (got.bytes == 0) ...       the end of the stream
//
// Threads: any member from any task or thread. Operations of one direction
// take turns; reads and writes don't disturb each other. The handle itself
// must not be destroyed or moved while a member call, or the await of what it
// returned, begins.
//
// An operation belongs to the descriptor that the handle had when it was made,
// wherever that is moved to. If it has been closed before the operation is
// awaited, with the handle destroyed or not, it ends with "closing". The
// runtime must outlive both.
//
// Buffers must stay valid until the operation has ended; when it has ended (by
// a deadline or a close too) the system does not touch them any more.

#ifndef NETPOLL_RUNTIME_DESCRIPTOR_H_
#define NETPOLL_RUNTIME_DESCRIPTOR_H_

#include "netpoll/core/cpp20.h"

#include <poll.h>
#include <sys/uio.h>

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/io_op.h"
#include "netpoll/runtime/io_status.h"

namespace netpoll {

class Descriptor;
class Runtime;

namespace internal {

FdState* StateOf(const Descriptor& descriptor);

// These two are what a message takes: their stages are compiled with their
// calls.
class ReadOp : public IoOp {
 public:
  ReadOp(FdState* fd, std::span<char> buffer)
      : IoOp(fd, Mode::kRead, &Attempt, buffer.empty()), buffer_(buffer) {}
  // A read mostly waits: it is begun where it may park, by one call.
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  [[gnu::always_inline]] bool await_suspend(
      std::coroutine_handle<Promise> task) {
    return BeginOrPause(task, ContextOf(task));
  }
  IoResult await_resume() const { return result(); }

 private:
  struct Own {
    static constexpr bool kMovesOnce = true;
    static bool Try(IoOp* op) { return Attempt(op); }
  };
  static bool Attempt(IoOp* op);
  [[gnu::noinline, gnu::flatten]] bool BeginOrPause(
      std::coroutine_handle<> task, const TaskContext* context);
  [[gnu::noinline]] bool GotNothing(int error);
  bool AttemptOtherwise();
  bool AttemptByRing();  // In ring_attempts.cc.
  [[gnu::cold, gnu::noinline]] bool AtEnd(bool grounded);
  bool Plainly();
  [[gnu::cold, gnu::noinline]] bool PlainlyElsewhere();
  std::span<char> buffer_;
};

// Until the buffer is full.
class ReadExactlyOp : public IoOp {
 public:
  ReadExactlyOp(FdState* fd, std::span<char> buffer)
      : IoOp(fd, Mode::kRead, &Attempt, buffer.empty()), buffer_(buffer) {}
  IoResult await_resume() const { return result(); }

 private:
  static bool Attempt(IoOp* op);
  std::span<char> buffer_;
};

class ReadvOp : public IoOp {
 public:
  ReadvOp(FdState* fd, std::span<const iovec> buffers)
      : IoOp(fd, Mode::kRead, &Attempt), buffers_(buffers) {
    never_blocks_ = true;
    for (const iovec& buffer : buffers) {
      if (buffer.iov_len > 0) never_blocks_ = false;
    }
  }
  IoResult await_resume() const { return result(); }

 private:
  static bool Attempt(IoOp* op);
  std::span<const iovec> buffers_;
};

class WriteOp : public IoOp {
 public:
  WriteOp(FdState* fd, std::string_view data)
      : IoOp(fd, Mode::kWrite, &Attempt), data_(data) {}
  bool await_ready();
  template <class Promise>
  [[gnu::always_inline]] bool await_suspend(
      std::coroutine_handle<Promise> task) {
    return Pause(task, ContextOf(task));
  }
  IoResult await_resume() const { return result(); }

 private:
  struct Own {
    static constexpr bool kMovesOnce = false;
    static bool Try(IoOp* op) { return Attempt(op); }
  };
  static bool Attempt(IoOp* op);
  [[gnu::noinline, gnu::flatten]] bool Pause(std::coroutine_handle<> task,
                                             const TaskContext* context);
  bool AttemptOtherwise();
  bool AttemptByRing();  // In ring_attempts.cc.
  bool AttemptEmpty();
  bool Plainly();
  [[gnu::cold, gnu::noinline]] bool PlainlyElsewhere();
  [[gnu::noinline]] bool PutNothing(int error);
  std::string_view data_;
};

class WritevOp : public IoOp {
 public:
  WritevOp(FdState* fd, std::span<iovec> buffers)
      : IoOp(fd, Mode::kWrite, &Attempt), buffers_(buffers) {}
  IoResult await_resume() const { return result(); }

 private:
  static bool Attempt(IoOp* op);
  std::span<iovec> buffers_;
};

// Waits for readiness without consuming anything.
class ReadyOp : public IoOp {
 public:
  ReadyOp(FdState* fd, Mode direction)
      : IoOp(fd, direction, &Attempt),
        events_(direction == Mode::kRead ? POLLIN : POLLOUT) {}
  IoStatus await_resume() const { return result().status; }

 private:
  static constexpr std::int64_t kErrorPace = 100'000'000;

  static bool Attempt(IoOp* op);
  bool ErrorIsNews();
  short events_;
};

// Closes, and waits until every operation has left and the system's close is
// done.
class CloseOp : public ResumeWaiter {
 public:
  CloseOp(FdState* fd, SystemFd at_end) : fd_(fd), at_end_(at_end) {
    if (fd_ != nullptr) fd_->Ref();
  }
  CloseOp(const CloseOp&) = delete;
  CloseOp& operator=(const CloseOp&) = delete;
  ~CloseOp() {
    if (fd_ != nullptr) fd_->Unref();
  }
  bool await_ready();
  [[gnu::noinline]] bool await_suspend(std::coroutine_handle<> task);
  IoStatus await_resume() const;

 protected:
  FdState* fd_;
  IoStatus status_;

 private:
  SystemFd at_end_;
  bool begun_ = false;
};

class DetachOp : public CloseOp {
 public:
  explicit DetachOp(FdState* fd) : CloseOp(fd, SystemFd::kKeep) {}
  // The descriptor, now the caller's, or an error.
  absl::StatusOr<int> await_resume() const;
};

// Gives back a reference that was taken, however the scope is left.
class HeldOpen {
 public:
  explicit HeldOpen(FdState* fd) : fd_(fd) {}
  HeldOpen(const HeldOpen&) = delete;
  HeldOpen& operator=(const HeldOpen&) = delete;
  ~HeldOpen() { fd_->DropReference(); }

 private:
  FdState* const fd_;
};

}  // namespace internal

class Descriptor {
 public:
  // Holds nothing; operations answer EBADF.
  Descriptor() = default;
  // For the pieces of the runtime: takes over the handle's reference.
  explicit Descriptor(internal::FdState* state) : state_(state) {}
  Descriptor(Descriptor&& other) noexcept
      : state_(std::exchange(other.state_, nullptr)) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  // Closes, without waiting for operations under way to leave.
  ~Descriptor() { Drop(); }

  // Takes over `fd`, which must be open, non-blocking, and something that can
  // be polled: no file, directory, block device, or device without events
  // (/dev/null); the error says which, alike on every backend. It stays the
  // caller's then. kCancelled: the runtime is stopping.
  static absl::StatusOr<Descriptor> Adopt(Runtime& runtime, int fd);

  // The two ends of a new pipe.
  struct PipeEnds;
  static absl::StatusOr<PipeEnds> Pipe(Runtime& runtime);

  bool valid() const { return state_ != nullptr; }
  // The system's number, -1 if none. It may be closed at any time, and be
  // another's, unless the caller knows that nobody closes or stops: see WithFd.
  int fd() const { return state_ != nullptr ? state_->fd : -1; }

  // --- Operations: co_await them --------------------------------------------

  // At least one byte, the end of the stream (0 bytes), or an error. An empty
  // buffer ends at once with 0.
  //
  // Where messages are read (datagrams, SOCK_SEQPACKET): one message. 0 bytes
  // are a message of no bytes, not an end; only SOCK_SEQPACKET has an end,
  // which looks alike: see DatagramResult. A message that is longer than the
  // buffer fills it and is EMSGSIZE, with `bytes`; its rest is lost. (Go cuts
  // it without a word.)
  internal::ReadOp Read(std::span<char> buffer) {
    return internal::ReadOp(state_, buffer);
  }
  template <std::convertible_to<std::span<std::byte>> Bytes>
  internal::ReadOp Read(Bytes&& buffer) {
    return Read(Chars(buffer));
  }
  // All of `buffer`, or why not: `bytes` says how much is in it. A stream that
  // ends before is ENODATA; so its bytes are never taken for all. Messages fill
  // it one after the other; one that is longer than what is left is EMSGSIZE.
  internal::ReadExactlyOp ReadExactly(std::span<char> buffer) {
    return internal::ReadExactlyOp(state_, buffer);
  }
  template <std::convertible_to<std::span<std::byte>> Bytes>
  internal::ReadExactlyOp ReadExactly(Bytes&& buffer) {
    return ReadExactly(Chars(buffer));
  }
  internal::ReadvOp Readv(std::span<const iovec> buffers) {
    return internal::ReadvOp(state_, buffers);
  }
  // All of `data`, unless there is an error: `bytes` says how much was sent.
  // Where messages are written: one message, also one of no bytes; all of it or
  // nothing (EMSGSIZE: longer than the socket takes).
  internal::WriteOp Write(std::string_view data) {
    return internal::WriteOp(state_, data);
  }
  template <std::convertible_to<std::span<const std::byte>> Bytes>
  internal::WriteOp Write(const Bytes& bytes) {
    const std::span<const std::byte> data = bytes;
    return Write(std::string_view(reinterpret_cast<const char*>(data.data()),
                                  data.size()));
  }
  // The same; changes `buffers` as it goes. A message has at most IOV_MAX
  // (1,024) parts: more are EMSGSIZE.
  internal::WritevOp Writev(std::span<iovec> buffers) {
    return internal::WritevOp(state_, buffers);
  }
  // Until a read (write) would not block. Another task may be faster: be ready
  // to wait again. An error that the system reports counts as readiness, since
  // a call may have to tell it. One that stays, such as an error queue that
  // nobody reads, counts again every 100 ms.
  internal::ReadyOp WaitReadable() {
    return internal::ReadyOp(state_, Mode::kRead);
  }
  internal::ReadyOp WaitWritable() {
    return internal::ReadyOp(state_, Mode::kWrite);
  }

  // --- Deadlines ------------------------------------------------------------
  //
  // Absolute, for all operations of the direction, under way or to come, until
  // another is set: runtime.After(5s), Deadline::None(), Deadline::Past() to
  // cancel what is under way. Do not block.

  void SetReadDeadline(Deadline deadline) { Set(Mode::kRead, deadline); }
  void SetWriteDeadline(Deadline deadline) { Set(Mode::kWrite, deadline); }
  void SetDeadline(Deadline deadline) { Set(Mode::kReadWrite, deadline); }

  // --- Other system calls ---------------------------------------------------

  // Calls use(fd) and keeps the descriptor open meanwhile, for system calls
  // that neither block nor close. False, without a call, if it is closed. What
  // use(fd) throws comes out here.
  template <class Use>
  bool WithFd(Use use) const {
    if (state_ == nullptr || !state_->lock.AddReference()) return false;
    const internal::HeldOpen held(state_);
    use(state_->fd);
    return true;
  }

  // --- Closing --------------------------------------------------------------

  // co_await Close(): every operation ends with "closing", and when this ends
  // the system's descriptor is closed. "closing" if it was closed already. Any
  // other error is the system's, of a close that is done all the same: EBADF,
  // ENOENT, somebody else had closed the descriptor; EIO, what was written may
  // be lost; EAGAIN, EBUSY, ENOMEM (io_uring), the kernel may hold it for a
  // while yet.
  // No close blocks a worker: that of a socket with SO_LINGER and a time is
  // made by a thread of its own, and awaited all the same. If no thread can be
  // had (64 at most), the option is taken off first: then the system sends the
  // rest when the close has returned.
  internal::CloseOp Close() {
    return internal::CloseOp(state_, internal::SystemFd::kClose);
  }
  // The same without waiting; closed by the last operation that leaves.
  void CloseNow();
  // co_await Detach(): as Close, but the system's descriptor is left open and
  // handed back, still non-blocking.
  internal::DetachOp Detach() { return internal::DetachOp(state_); }

 protected:
  void Set(Mode mode, Deadline deadline) {
    if (state_ != nullptr) state_->SetDeadline(mode, deadline);
  }
  void Drop();
  static std::span<char> Chars(std::span<std::byte> bytes) {
    return {reinterpret_cast<char*>(bytes.data()), bytes.size()};
  }

  internal::FdState* state_ = nullptr;

 private:
  friend internal::FdState* internal::StateOf(const Descriptor& descriptor);
};

namespace internal {
// For operations that have files of their own.
inline FdState* StateOf(const Descriptor& descriptor) {
  return descriptor.state_;
}
}  // namespace internal

struct Descriptor::PipeEnds {
  Descriptor read;
  Descriptor write;
};

// Why a descriptor was refused, in one sentence.
absl::Status OpenError(Runtime& runtime, int fd, int error);

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_DESCRIPTOR_H_
