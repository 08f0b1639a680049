// SPDX-License-Identifier: Apache-2.0
//
// An io_uring's descriptor, the memory that it shares with the kernel, and what
// is where in it. Who uses it says in which order (ring.h, issuer_ring.h).
//
// The words shared with the kernel:
//   request_tail      ours: how many requests it may have
//   request_head      the kernel's: how many it has taken
//   request_flags     the kernel's
//   completion_tail   the kernel's: how many completions there are
//   completion_head   ours: how many were read

#ifndef NETPOLL_BACKENDS_IO_URING_RING_MEMORY_H_
#define NETPOLL_BACKENDS_IO_URING_RING_MEMORY_H_

#include "netpoll/core/cpp20.h"

#include <linux/io_uring.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace netpoll {

template <class Env, class Sys>
class RingMemory {
 public:
  RingMemory(const RingMemory&) = delete;
  RingMemory& operator=(const RingMemory&) = delete;

 protected:
  using Word = typename Env::template Shared<std::uint32_t>;

  RingMemory() = default;
  ~RingMemory() {
    if (requests_ != nullptr) Sys::Unmap(requests_, requests_size_);
    if (memory_ != nullptr) Sys::Unmap(memory_, memory_size_);
    if (fd_ >= 0) Sys::Close(fd_);
  }

  // 0, or the errno; ENOSYS: the kernel lacks one of the features `needed`.
  // Where a ring can be made and not entered (a filter of system calls may be
  // so), what entering it says.
  int Make(unsigned requests, io_uring_params* params, unsigned needed) {
    const int fd = Sys::Setup(requests, params);
    if (fd < 0) return -fd;
    fd_ = fd;
    needed |= IORING_FEAT_SINGLE_MMAP;
    if ((params->features & needed) != needed) return ENOSYS;
    if (const int error = MapAll(*params); error != 0) return error;
    return -std::min(0, Sys::Enter(fd_, 0, 0, 0, nullptr));
  }

  io_uring_sqe& RequestAt(std::uint32_t at) {
    return requests_[at & request_mask_];
  }
  const io_uring_cqe& CompletionAt(std::uint32_t at) const {
    return completions_[at & completion_mask_];
  }
  // How many there is room for.
  std::uint32_t request_room() const { return request_mask_ + 1; }
  std::uint32_t completion_room() const { return completion_mask_ + 1; }

  int fd_ = -1;
  Word request_head_;
  Word request_tail_;
  Word request_flags_;
  Word completion_head_;
  Word completion_tail_;

 private:
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
    request_head_ = Word(At<std::uint32_t>(params.sq_off.head));
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

  std::size_t memory_size_ = 0;
  std::size_t requests_size_ = 0;
  char* memory_ = nullptr;
  io_uring_sqe* requests_ = nullptr;
  const io_uring_cqe* completions_ = nullptr;
  std::uint32_t request_mask_ = 0;
  std::uint32_t completion_mask_ = 0;
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_IO_URING_RING_MEMORY_H_
