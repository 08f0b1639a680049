// SPDX-License-Identifier: Apache-2.0
//
// One io_uring: the memory shared with the kernel, and its two system calls.
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
#include <cstddef>
#include <cstdint>

#include "netpoll/backends/posix/time_limit.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"

namespace netpoll {

template <class Env, class Sys>
class Ring {
 public:
  Ring() = default;
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring() {
    if (requests_ != nullptr) Sys::Unmap(requests_, requests_size_);
    if (memory_ != nullptr) Sys::Unmap(memory_, memory_size_);
    if (fd_ >= 0) Sys::Close(fd_);
  }

  // `completions`: how many fit before the kernel keeps them elsewhere. 0, or
  // the errno; ENOSYS also for a kernel before 5.13, which has no multishot
  // poll. Where the ring can be made but not entered, what entering it says.
  int Init(unsigned completions) {
    io_uring_params params{};
    params.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
    params.cq_entries = completions;
    const int fd = Sys::Setup(1, &params);
    if (fd < 0) return -fd;
    fd_ = fd;
    // The last is of 5.13, as multishot polls are.
    constexpr unsigned kNeeded = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP |
                                 IORING_FEAT_EXT_ARG | IORING_FEAT_RSRC_TAGS;
    if ((params.features & kNeeded) != kNeeded) return ENOSYS;
    skip_success_ = (params.features & IORING_FEAT_CQE_SKIP) != 0
                        ? IOSQE_CQE_SKIP_SUCCESS
                        : 0;
    if (const int error = MapAll(params); error != 0) return error;
    // A filter of system calls may allow a ring to be made, and no use of it.
    return -std::min(0, Sys::Enter(fd_, 0, 0, 0, nullptr));
  }

  int fd() const { return fd_; }

  // The flag of a request whose success is not worth a completion, or 0 where
  // the kernel (before 5.17) can't leave it out.
  std::uint8_t skip_success() const { return skip_success_; }

  // Hands over one request. 0, or the errno: then the kernel has not got it.
  int Submit(const io_uring_sqe& request) {
    requests_[tail_ & request_mask_] = request;
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
    *completion = completions_[head_ & completion_mask_];
    completion_head_.Store("uring.cq.head", ++head_, Order::kRelease);
    return true;
  }

  // The kernel keeps completions elsewhere, for which there was no room. Next
  // fetches them too.
  bool Overflown() const {
    return (request_flags_.Load("uring.sq.flags", Order::kAcquire) &
            IORING_SQ_CQ_OVERFLOW) != 0;
  }
  bool Full() const { return Unfetched() > completion_mask_; }
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
      const io_uring_cqe& one = completions_[at & completion_mask_];
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
  using Word = typename Env::template Shared<std::uint32_t>;

  int MapAll(const io_uring_params& params) {
    memory_size_ = std::max(
        params.sq_off.array + params.sq_entries * sizeof(std::uint32_t),
        params.cq_off.cqes + params.cq_entries * sizeof(io_uring_cqe));
    void* at = nullptr;
    int error = -Sys::Map(fd_, IORING_OFF_SQ_RING, memory_size_, &at);
    if (error != 0) return error;
    memory_ = static_cast<char*>(at);
    requests_size_ = params.sq_entries * sizeof(io_uring_sqe);
    error = -Sys::Map(fd_, IORING_OFF_SQES, requests_size_, &at);
    if (error != 0) return error;
    requests_ = static_cast<io_uring_sqe*>(at);
    request_mask_ = params.sq_entries - 1;
    completion_mask_ = params.cq_entries - 1;
    request_tail_ = Word(At<std::uint32_t>(params.sq_off.tail));
    request_flags_ = Word(At<std::uint32_t>(params.sq_off.flags));
    completion_head_ = Word(At<std::uint32_t>(params.cq_off.head));
    completion_tail_ = Word(At<std::uint32_t>(params.cq_off.tail));
    completions_ = At<io_uring_cqe>(params.cq_off.cqes);
    auto* const order = At<std::uint32_t>(params.sq_off.array);
    for (std::uint32_t i = 0; i <= request_mask_; ++i) order[i] = i;
    return 0;
  }

  template <class T>
  T* At(std::size_t offset) {
    return reinterpret_cast<T*>(memory_ + offset);
  }

  // Lets the kernel put what it kept elsewhere into the empty ring. True if
  // there is something then.
  bool Flush() {
    if (!Overflown()) return false;
    Sys::Enter(fd_, 0, 0, IORING_ENTER_GETEVENTS, nullptr);
    return head_ != LoadTail();
  }

  int fd_ = -1;
  std::uint8_t skip_success_ = 0;
  std::size_t memory_size_ = 0;
  std::size_t requests_size_ = 0;
  char* memory_ = nullptr;
  io_uring_sqe* requests_ = nullptr;
  const io_uring_cqe* completions_ = nullptr;
  std::uint32_t request_mask_ = 0;
  std::uint32_t completion_mask_ = 0;
  std::uint32_t tail_ = 0;  // Of requests that the kernel has taken.
  std::uint32_t head_ = 0;  // Of completions.
  Word request_tail_;
  Word request_flags_;
  Word completion_head_;
  Word completion_tail_;
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_IO_URING_RING_H_
