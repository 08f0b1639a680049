// SPDX-License-Identifier: Apache-2.0
//
// ZeroCopyWriter: large buffers that are sent without being copied
// (MSG_ZEROCOPY), and when they are the caller's again.
//
//   ZeroCopyWriter out(socket);
//   IoResult put = co_await out.Write(block);
//   ... other blocks ...
//   IoStatus done = co_await out.Released();  // all that was written is ours
//
// What Write was given must stay as it is until Released says so: the peer gets
// whatever is there when it is sent, or sent again. Who lets go of a buffer
// earlier, by an error too, sends what comes to its place; so a connection that
// is given up is first waited for, or reset.
//
// It pays from some tens of KiB a call on, over a network device that gathers
// what it sends. It does not pay, and so is not done, for less than `least`,
// where the system has none (Unix sockets), and where it copies all the same
// and says so, as between two sockets of one host: after a few of those the
// rest is sent as by Socket::Write. Nor where the locked memory that this
// process may have is used up (RLIMIT_MEMLOCK) or the socket's memory for what
// it reports (net.core.optmem_max): that part is copied.
//
// For one task at a time, one writer a socket, whose error queue is this one's:
// it is no place for timestamps. Socket::Write may be used between.

#ifndef NETPOLL_RUNTIME_ZERO_COPY_H_
#define NETPOLL_RUNTIME_ZERO_COPY_H_

#include "netpoll/core/cpp20.h"

#include <sys/types.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "netpoll/core/types.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/io_op.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/stream.h"

namespace netpoll {

namespace internal {

// What is under way. The system numbers the calls that it does not copy, from
// 0 on, and reports ranges of them, in any order.
class ZeroCopyCalls {
 public:
  // So many may be under way; what is sent beyond is copied.
  static constexpr std::uint32_t kMost = 128;

  std::uint64_t written() const { return written_; }
  // Everything before is the caller's again.
  std::uint64_t released() const {
    return first_ == next_ ? written_ : ends_[first_ % kMost].begin;
  }
  bool full() const { return next_ - first_ == kMost; }
  // Every so many it is time to look what was reported.
  bool look() const { return next_ - first_ != 0 && next_ % kLook == 0; }
  bool idle() const { return first_ == next_; }
  // The last that were reported were all copied.
  bool in_vain() const { return copies_in_a_row_ >= kPatience; }

  // `bytes` were sent, and copied, or not.
  void Copied(std::size_t bytes) { written_ += bytes; }
  void Sent(std::size_t bytes) {
    ends_[next_++ % kMost] = {written_, false};
    written_ += bytes;
  }
  // The system is through with the calls of these numbers.
  void Report(std::uint32_t first, std::uint32_t last, bool copied);

 private:
  static constexpr std::uint32_t kLook = 8;
  static constexpr std::uint32_t kPatience = 8;

  struct Call {
    std::uint64_t begin;  // What was written before it.
    bool done;
  };

  std::uint64_t written_ = 0;
  // Those from first_ on, before next_, are under way.
  std::uint32_t first_ = 0;
  std::uint32_t next_ = 0;
  std::uint32_t copies_in_a_row_ = 0;
  std::array<Call, kMost> ends_;
};

class ZeroCopyWriteOp : public IoOp {
 public:
  ZeroCopyWriteOp(FdState* fd, ZeroCopyCalls* calls, std::size_t least,
                  std::string_view data)
      : IoOp(fd, Mode::kWrite, &Attempt),
        calls_(calls),
        least_(least),
        data_(data) {}
  IoResult await_resume() const { return result(); }

 private:
  static bool Attempt(IoOp* op);
  ssize_t Send(const char* data, std::size_t size, bool* copied);
  ZeroCopyCalls* const calls_;
  const std::size_t least_;
  const std::string_view data_;
};

class ReleasedOp : public IoOp {
 public:
  ReleasedOp(FdState* fd, ZeroCopyCalls* calls, std::uint64_t position)
      : IoOp(fd, Mode::kWrite, &Attempt),
        calls_(calls),
        position_(std::min(position, calls->written())) {}
  IoStatus await_resume() const { return result().status; }

 private:
  static bool Attempt(IoOp* op);
  ZeroCopyCalls* const calls_;
  const std::uint64_t position_;
};

}  // namespace internal

class ZeroCopyWriter {
 public:
  static constexpr std::size_t kLeast = 32 << 10;

  // The socket must outlive it, and stay where it is.
  explicit ZeroCopyWriter(Socket& socket, std::size_t least = kLeast);
  ZeroCopyWriter(const ZeroCopyWriter&) = delete;
  ZeroCopyWriter& operator=(const ZeroCopyWriter&) = delete;

  // co_await: as Socket::Write. What was sent of `data` must stay as it is.
  internal::ZeroCopyWriteOp Write(std::string_view data) {
    return {internal::StateOf(socket_), &calls_, least_, data};
  }

  // How many bytes all Writes have sent, and how many of these, from the first
  // on, are known to be the caller's again.
  std::uint64_t written() const { return calls_.written(); }
  std::uint64_t released() const { return calls_.released(); }
  // co_await: until released() is `position` or more, or all that was written
  // if that is less; or why not: the write deadline, a cancellation, closing.
  // May be called again then.
  internal::ReleasedOp Released(std::uint64_t position) {
    return {internal::StateOf(socket_), &calls_, position};
  }
  internal::ReleasedOp Released() { return Released(written()); }

  // Whether it copies nothing, as far as it knows. False for good where that
  // does not pay.
  bool pays() const { return least_ != kNever && !calls_.in_vain(); }

 private:
  static constexpr std::size_t kNever = ~std::size_t{0};

  Socket& socket_;
  std::size_t least_;
  internal::ZeroCopyCalls calls_;
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_ZERO_COPY_H_
