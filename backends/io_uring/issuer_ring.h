// SPDX-License-Identifier: Apache-2.0
//
// One io_uring (ring_memory.h) of one thread, which alone submits and takes
// completions: requests are gathered, and handed over by the call that waits.
// What the kernel has to do for them it does in that call as well (deferred
// task work), so no interrupt is sent to anybody. Needs Linux 6.1. Not
// thread-safe; its thread makes it, uses it, and destroys it.
//
// The words shared with the kernel:
//   submission tail   ours; release, after the requests are written
//   submission head   the kernel's; acquire, before their places are used again
//   submission flags  the kernel's; acquire
//   completion head   ours; release, after the completion was read
//   completion tail   the kernel's; acquire, before completions are read

#ifndef NETPOLL_BACKENDS_IO_URING_ISSUER_RING_H_
#define NETPOLL_BACKENDS_IO_URING_ISSUER_RING_H_

#include <linux/io_uring.h>

#include <algorithm>
#include <cstdint>

#include "netpoll/backends/io_uring/ring_memory.h"
#include "netpoll/backends/posix/time_limit.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"

namespace netpoll {

template <class Env, class Sys>
class IssuerRing : private RingMemory<Env, Sys> {
 public:
  IssuerRing() = default;
  ~IssuerRing() {
    if (registered_) {
      io_uring_rsrc_update place{};
      place.offset = static_cast<std::uint32_t>(entered_);
      Sys::Register(fd_, IORING_UNREGISTER_RING_FDS, &place, 1);
    }
  }

  // 0, or the errno; EINVAL or ENOSYS: the kernel has no such rings.
  int Init(unsigned requests, unsigned completions) {
    io_uring_params params{};
    params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                   IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL |
                   IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
    params.cq_entries = completions;
    constexpr unsigned kNeeded =
        IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG | IORING_FEAT_CQE_SKIP;
    const int error = this->Make(requests, &params, kNeeded);
    entered_ = fd_;
    if (error == 0) RegisterRing();
    return error;
  }

  // Registers something with the ring: 0 or more, or minus the errno.
  int Register(unsigned what, void* arg, unsigned count) {
    return Sys::Register(fd_, what, arg, count);
  }

  // An empty request, which the next Enter hands over. Null: there is no room
  // before that.
  io_uring_sqe* Next() {
    if (Unsubmitted() >= this->request_room()) return nullptr;
    io_uring_sqe* const request = &this->RequestAt(tail_++);
    *request = {};
    return request;
  }

  // Hands over what was gathered, as much as the kernel can take, and waits for
  // a completion as `delta` says, unless one is there. 0, or the errno: ETIME
  // for the limit.
  int Enter(Delta delta) {
    const bool waits = delta.blocking() && !Any();
    const std::uint32_t more = Unsubmitted();
    if (!waits && more == 0 && !Deferred()) return 0;
    request_tail_.Store("issuer.sq.tail", tail_, Order::kRelease);
    unsigned flags = IORING_ENTER_GETEVENTS;
    if (registered_) flags |= IORING_ENTER_REGISTERED_RING;
    if (!waits || delta.forever()) {
      return -std::min(
          0, Sys::Enter(entered_, more, waits ? 1 : 0, flags, nullptr));
    }
    const auto limit = TimeLimit<__kernel_timespec>(delta);
    io_uring_getevents_arg arg{};
    arg.ts = reinterpret_cast<std::uintptr_t>(&limit);
    flags |= IORING_ENTER_EXT_ARG;
    return -std::min(0, Sys::Enter(entered_, more, 1, flags, &arg));
  }

  // Takes the oldest completion. False: there is none.
  bool Take(io_uring_cqe* completion) {
    if (!Any()) return false;
    *completion = this->CompletionAt(head_);
    completion_head_.Store("issuer.cq.head", ++head_, Order::kRelease);
    return true;
  }

  // Whether an Enter that does not wait has something to do.
  bool Pending() const { return Unsubmitted() != 0 || Deferred(); }

 private:
  using Memory = RingMemory<Env, Sys>;
  using Memory::completion_head_;
  using Memory::completion_tail_;
  using Memory::fd_;
  using Memory::request_flags_;
  using Memory::request_head_;
  using Memory::request_tail_;

  bool Any() const {
    return head_ != completion_tail_.Load("issuer.cq.tail", Order::kAcquire);
  }
  std::uint32_t Unsubmitted() const {
    return tail_ - request_head_.Load("issuer.sq.head", Order::kAcquire);
  }
  // The kernel has work to do in an Enter, or completions for which there was
  // no room.
  bool Deferred() const {
    return (request_flags_.Load("issuer.sq.flags", Order::kAcquire) &
            (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
  }

  // So that the kernel need not look its file up for each Enter. Not if there
  // are too many of the thread's.
  void RegisterRing() {
    io_uring_rsrc_update place{};
    place.offset = ~0u;
    place.data = static_cast<std::uint64_t>(fd_);
    registered_ = Sys::Register(fd_, IORING_REGISTER_RING_FDS, &place, 1) == 1;
    if (registered_) entered_ = static_cast<int>(place.offset);
  }

  int entered_ = -1;  // By which number: the registered one, if it is.
  bool registered_ = false;
  std::uint32_t tail_ = 0;  // Of requests that were gathered.
  std::uint32_t head_ = 0;  // Of completions.
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_IO_URING_ISSUER_RING_H_
