// SPDX-License-Identifier: Apache-2.0
//
// The kernel's side of an io_uring, as far as the backend uses it: it carries
// the requests out, keeps what does not fit into the ring, and tells what a
// script says. For one thread.

#ifndef NETPOLL_TESTS_FUZZ_FUZZED_RING_H_
#define NETPOLL_TESTS_FUZZ_FUZZED_RING_H_

#include <linux/io_uring.h>
#include <poll.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <set>
#include <vector>

#include "netpoll/core/event_key.h"
#include "netpoll/tests/fuzz/decode.h"

namespace netpoll::fuzz {

struct Completion {
  EventKey key;
  std::int32_t res;
  std::uint32_t flags;
};

// What the next poll meets: so many interrupts, then these completions. A wait
// after that is refused.
struct RingScript {
  std::vector<Completion> late;
  int interrupts = 0;
  int interrupt = -EINTR;
  int refusals = 0;  // Of requests.
  int refusal = -EAGAIN;
  short truth = 0;  // What poll(2) answers.
  bool no_truth = false;
  int waits = 0;
  bool woke = false;  // A completion of the wake-up was in the ring.
};

inline RingScript& script() {
  static RingScript instance;
  return instance;
}

class KernelRing {
 public:
  static constexpr EventKey kWakeKey = EventKey::Internal(0);

  void Restart(bool can_skip) {
    can_skip_ = can_skip;
    memory_ = Memory{};
    kept_.clear();
    polls_.clear();
    dead_.clear();
    taken_ = 0;
  }

  int Setup(io_uring_params* params) {
    params->sq_entries = 1;
    params->cq_entries = kEntries;
    params->features = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP |
                       IORING_FEAT_EXT_ARG | IORING_FEAT_RSRC_TAGS;
    if (can_skip_) params->features |= IORING_FEAT_CQE_SKIP;
    params->sq_off.tail = offsetof(Memory, request_tail);
    params->sq_off.flags = offsetof(Memory, request_flags);
    params->sq_off.array = offsetof(Memory, order);
    params->cq_off.head = offsetof(Memory, head);
    params->cq_off.tail = offsetof(Memory, tail);
    params->cq_off.cqes = offsetof(Memory, completions);
    return 3;
  }
  void* At(std::uint64_t offset) {
    if (offset == IORING_OFF_SQES) return memory_.request;
    return &memory_;
  }

  // Carries out what was handed over.
  void Take() {
    Require(memory_.request_tail == taken_ + 1, "not one request at a time");
    ++taken_;
    io_uring_sqe request;
    std::memcpy(&request, memory_.request, sizeof(request));
    const bool skip = (request.flags & IOSQE_CQE_SKIP_SUCCESS) != 0;
    int result = 0;
    if (request.opcode == IORING_OP_POLL_ADD) {
      Require(polls_.insert(request.user_data).second, "armed twice");
      Require(request.len == IORING_POLL_ADD_MULTI, "not a multishot poll");
      return;
    }
    if (request.opcode == IORING_OP_ASYNC_CANCEL) {
      result = polls_.erase(request.addr) == 1 ? 0 : -ENOENT;
      if (result == 0) Post({request.addr, -ECANCELED, 0});
    }
    if (!skip || result != 0) Post({request.user_data, result, 0});
  }

  // The script's completions.
  void Tell() {
    for (const Completion& one : script().late) {
      const std::uint64_t bits = one.key.bits();
      if ((one.flags & IORING_CQE_F_MORE) == 0) {
        polls_.erase(bits);
        if (one.res == -EBADF || one.res == -EINVAL) dead_.insert(bits);
      }
      Post({bits, one.res, one.flags});
    }
    script().late.clear();
  }

  // Puts what was kept elsewhere into the ring, as far as there is room.
  void Flush() {
    while (!kept_.empty() && memory_.tail - memory_.head < kEntries) {
      Put(kept_.front());
      kept_.pop_front();
    }
    memory_.request_flags = kept_.empty() ? 0 : IORING_SQ_CQ_OVERFLOW;
  }

  bool Empty() const { return memory_.tail == memory_.head; }

  // A completion under `key` that nobody has fetched.
  bool Holds(EventKey key) const {
    for (const Raw& one : kept_) {
      if (one.user_data == key.bits()) return true;
    }
    for (std::uint32_t at = memory_.head; at != memory_.tail; ++at) {
      if (memory_.completions[at % kEntries].user_data == key.bits()) {
        return true;
      }
    }
    return false;
  }

  // It has a poll, or has said that there can't be one.
  bool Watches(EventKey key) const {
    return polls_.count(key.bits()) == 1 || dead_.count(key.bits()) == 1;
  }

 private:
  static constexpr std::uint32_t kEntries = 4;

  // As io_uring_cqe, which ends in an array without a size.
  struct Raw {
    std::uint64_t user_data;
    std::int32_t res;
    std::uint32_t flags;
  };
  static_assert(sizeof(Raw) == sizeof(io_uring_cqe));

  struct Memory {
    std::uint32_t request_tail = 0;
    std::uint32_t request_flags = 0;
    std::uint32_t head = 0;
    std::uint32_t tail = 0;
    std::uint32_t order[4] = {};
    Raw completions[kEntries] = {};
    alignas(io_uring_sqe) char request[sizeof(io_uring_sqe)] = {};
  };

  void Post(const Raw& one) {
    Flush();
    if (!kept_.empty() || memory_.tail - memory_.head == kEntries) {
      kept_.push_back(one);
      memory_.request_flags = IORING_SQ_CQ_OVERFLOW;
    } else {
      Put(one);
    }
  }
  void Put(const Raw& one) {
    memory_.completions[memory_.tail % kEntries] = one;
    ++memory_.tail;
  }

  bool can_skip_ = true;
  Memory memory_;
  std::deque<Raw> kept_;
  std::set<std::uint64_t> polls_;
  std::set<std::uint64_t> dead_;
  std::uint32_t taken_ = 0;
};

inline KernelRing& ring() {
  static KernelRing instance;
  return instance;
}

struct FuzzedRing {
  static int Setup(unsigned, io_uring_params* params) {
    return ring().Setup(params);
  }
  static int Enter(int, unsigned submit, unsigned wait, unsigned,
                   const io_uring_getevents_arg*) {
    if (submit != 0) return Submit();
    if (wait == 0) {
      ring().Flush();
      return 0;
    }
    return Wait();
  }
  static int Map(int, std::uint64_t offset, std::size_t, void** at) {
    *at = ring().At(offset);
    return 0;
  }
  static void Unmap(void*, std::size_t) {}
  static int Poll(pollfd* asked, unsigned count) {
    if (script().no_truth) return -ENOMEM;
    for (unsigned i = 0; i < count; ++i) asked[i].revents = script().truth;
    return static_cast<int>(count);
  }
  static void Pause(std::int64_t) {}
  static void Close(int) {}
  static std::uint64_t Thread() { return 1; }

 private:
  static int Submit() {
    if (script().refusals > 0) {
      --script().refusals;
      return script().refusal;
    }
    ring().Take();
    return 1;
  }
  static int Wait() {
    RingScript& now = script();
    CountWait(now.waits);
    if (now.interrupts > 0) {
      --now.interrupts;
      return now.interrupt;
    }
    if (!ring().Empty()) return 0;
    if (now.late.empty()) return -EAGAIN;
    ring().Tell();
    now.woke |= ring().Holds(KernelRing::kWakeKey);
    return 0;
  }
};

}  // namespace netpoll::fuzz

#endif  // NETPOLL_TESTS_FUZZ_FUZZED_RING_H_
