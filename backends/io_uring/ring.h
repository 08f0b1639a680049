// SPDX-License-Identifier: Apache-2.0
//
// One io_uring (ring_memory.h), and its two system calls.
// The backend's lock protects everything but Wait, which touches nothing of
// it. A request is handed over in the call that takes it, so the submission
// queue is empty whenever the lock is free.
//
// The words shared with the kernel, all read or written under the lock:
//   submission tail   ours; release, after the request is written. Taken back
//                     when the kernel refused.
//   submission flags  the kernel's; acquire
//   completion head   ours; release, after the completion was read
//   completion tail   the kernel's; acquire, before completions are read

#ifndef NETPOLL_BACKENDS_IO_URING_RING_H_
#define NETPOLL_BACKENDS_IO_URING_RING_H_

#include <linux/io_uring.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "netpoll/backends/io_uring/ring_memory.h"
#include "netpoll/backends/posix/time_limit.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"

namespace netpoll {

template <class Env, class Sys>
class Ring : private RingMemory<Env, Sys> {
 public:
  // `completions`: how many fit before the kernel keeps them elsewhere. 0, or
  // the errno; ENOSYS also for a kernel before 5.13, which has no multishot
  // poll. Where the ring can be made but not entered, what entering it says.
  int Init(unsigned completions) {
    io_uring_params params{};
    params.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
    params.cq_entries = completions;
    // The last is of 5.13, as multishot polls are.
    constexpr unsigned kNeeded =
        IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG | IORING_FEAT_RSRC_TAGS;
    const int error = this->Make(1, &params, kNeeded);
    skip_success_ = (params.features & IORING_FEAT_CQE_SKIP) != 0
                        ? IOSQE_CQE_SKIP_SUCCESS
                        : 0;
    return error;
  }

  int fd() const { return fd_; }

  // The flag of a request whose success is not worth a completion, or 0 where
  // the kernel (before 5.17) can't leave it out.
  std::uint8_t skip_success() const { return skip_success_; }

  // Hands over one request. 0, or the errno: then the kernel has not got it.
  int Submit(const io_uring_sqe& request) {
    this->RequestAt(tail_) = request;
    request_tail_.Store("uring.sq.tail", tail_ + 1, Order::kRelease);
    const int taken = Sys::Enter(fd_, 1, 0, 0, nullptr);
    if (taken == 1) {
      ++tail_;
      return 0;
    }
    request_tail_.Store("uring.sq.take_back", tail_, Order::kRelease);
    return taken < 0 ? -taken : EAGAIN;
  }

  // Waits until there are `count` completions that nobody has fetched, or the
  // limit is over. 0, or the errno, ETIME for the limit. From any thread,
  // without the lock; `fd` is the ring's.
  static int Wait(int fd, Delta delta, unsigned count = 1) {
    if (delta.forever()) {
      return -std::min(
          0, Sys::Enter(fd, 0, count, IORING_ENTER_GETEVENTS, nullptr));
    }
    const auto limit = TimeLimit<__kernel_timespec>(delta);
    io_uring_getevents_arg arg{};
    arg.ts = reinterpret_cast<std::uintptr_t>(&limit);
    return -std::min(
        0, Sys::Enter(fd, 0, count,
                      IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg));
  }

  // Takes the oldest completion. False: there is none.
  bool Next(io_uring_cqe* completion) {
    if (head_ == LoadTail() && !Flush()) return false;
    *completion = this->CompletionAt(head_);
    completion_head_.Store("uring.cq.head", ++head_, Order::kRelease);
    return true;
  }

  // The kernel keeps completions elsewhere, for which there was no room. Next
  // fetches them too.
  bool Overflown() const {
    return (request_flags_.Load("uring.sq.flags", Order::kAcquire) &
            IORING_SQ_CQ_OVERFLOW) != 0;
  }
  bool Full() const { return Unfetched() >= this->completion_room(); }
  // How many completions are in the ring.
  std::uint32_t Unfetched() const { return LoadTail() - head_; }

  std::uint32_t LoadTail() const {
    return completion_tail_.Load("uring.cq.tail", Order::kAcquire);
  }

  // Whether the last completion of the poll `user_data` is among those that
  // came since LoadTail said `since`. Takes none.
  bool HasEnd(std::uint64_t user_data, std::uint32_t since) const {
    const std::uint32_t tail = LoadTail();
    // What was taken in between is not looked at again.
    std::uint32_t at = tail - since < tail - head_ ? since : head_;
    for (; at != tail; ++at) {
      const io_uring_cqe& one = this->CompletionAt(at);
      if (one.user_data == user_data && (one.flags & IORING_CQE_F_MORE) == 0) {
        return true;
      }
    }
    return false;
  }

  // What the lock protects, beyond what is shared with the kernel.
  template <class Visit>
  void EachField(Visit& visit) {
    visit(tail_);
    visit(head_);
  }

 private:
  using Memory = RingMemory<Env, Sys>;
  using Memory::completion_head_;
  using Memory::completion_tail_;
  using Memory::fd_;
  using Memory::request_flags_;
  using Memory::request_tail_;

  // Lets the kernel put what it kept elsewhere into the empty ring. True if
  // there is something then.
  bool Flush() {
    if (!Overflown()) return false;
    Sys::Enter(fd_, 0, 0, IORING_ENTER_GETEVENTS, nullptr);
    return head_ != LoadTail();
  }

  std::uint8_t skip_success_ = 0;
  std::uint32_t tail_ = 0;  // Of requests that the kernel has taken.
  std::uint32_t head_ = 0;  // Of completions.
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_IO_URING_RING_H_
