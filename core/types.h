// SPDX-License-Identifier: Apache-2.0
//
// The words that every layer shares: directions, results, parked waiters and
// the list of those that a poll made ready.

#ifndef NETPOLL_CORE_TYPES_H_
#define NETPOLL_CORE_TYPES_H_

#include "netpoll/core/cpp20.h"

#include <cstddef>
#include <cstdint>

namespace netpoll {

// What the system calls a descriptor.
#if defined(_WIN32)
using Fd = std::uintptr_t;
#else
using Fd = int;
#endif

// A direction, or both. A bit mask: `kReadWrite` is the union.
enum class Mode : std::uint8_t { kRead = 1, kWrite = 2, kReadWrite = 3 };
inline constexpr Mode kNoMode{};

constexpr bool Has(Mode mode, Mode direction) {
  return (static_cast<unsigned>(mode) & static_cast<unsigned>(direction)) != 0;
}

// The outcomes that a wait on a descriptor may have. The values are part
// of the interface. When several hold, Closing wins over Timeout over
// NotPollable.
enum class [[nodiscard]] PollError : std::uint8_t{
    kNone = 0,
    // Unblock was called on the descriptor.
    kClosing = 1,
    // The direction's deadline has passed; sticky until another is set.
    kTimeout = 2,
    // The system reported nothing but "error" again and again while the call
    // would block (status.h has the number). Told once: the next operation
    // tries its call again. To readers only: a writer's own call has a better
    // answer.
    kNotPollable = 3,
};

// The name in lower case as scenario files print it: "ok", "closing", ...
constexpr const char* Name(PollError error) {
  switch (error) {
    case PollError::kNone:
      return "ok";
    case PollError::kClosing:
      return "closing";
    case PollError::kTimeout:
      return "timeout";
    case PollError::kNotPollable:
      return "not-pollable";
  }
  return "unknown";
}

// What an event says beyond the directions that it makes ready.
struct EventFlags {
  // The event was a pure error report.
  bool error = false;
  // No later edge will announce the end of the stream (hang-up, error or
  // urgent data was seen). Sticky for the descriptor's incarnation.
  bool no_more_edges = false;

  friend constexpr bool operator==(EventFlags, EventFlags) = default;
};

// One parked task, embedded by the scheduler into its own task object (derive
// from it). Between a Commit that says "parked" and the moment when somebody
// hands the waiter out in a WaiterList it belongs to the poller; afterwards to
// whoever took it from the list. The alignment keeps its address clear of the
// three small values of a semaphore's word.
struct alignas(8) Waiter {
  Waiter* next = nullptr;
};
static_assert(alignof(Waiter) > 2);

// A list of waiters that are to be made runnable. Intrusive, no allocation,
// first in first out. Not thread-safe: it lives on one thread's stack.
class WaiterList {
 public:
  constexpr WaiterList() = default;

  constexpr bool empty() const { return head_ == nullptr; }

  constexpr void Push(Waiter* waiter) {
    waiter->next = nullptr;
    if (head_ == nullptr) {
      head_ = waiter;
    } else {
      tail_->next = waiter;
    }
    tail_ = waiter;
  }

  // Takes the oldest waiter, or null when the list is empty.
  constexpr Waiter* Pop() {
    Waiter* const waiter = head_;
    if (waiter != nullptr) {
      head_ = waiter->next;
      waiter->next = nullptr;
    }
    return waiter;
  }

  // Moves all of `other` to the end of this list.
  constexpr void Append(WaiterList& other) {
    if (other.empty()) return;
    if (empty()) {
      head_ = other.head_;
    } else {
      tail_->next = other.head_;
    }
    tail_ = other.tail_;
    other.head_ = nullptr;
  }

  constexpr Waiter* front() const { return head_; }

  // Takes this one out, wherever it is; false if it is not here. Looks at those
  // before it.
  constexpr bool Remove(Waiter* waiter) {
    Waiter* before = nullptr;
    for (Waiter* at = head_; at != waiter; at = at->next) {
      if (at == nullptr) return false;
      before = at;
    }
    if (waiter == nullptr) return false;
    (before == nullptr ? head_ : before->next) = waiter->next;
    if (waiter == tail_) tail_ = before;
    waiter->next = nullptr;
    return true;
  }

 private:
  Waiter* head_ = nullptr;
  Waiter* tail_ = nullptr;  // Meaningful only while head_ is set.
};

// Waiters to make runnable, and the change of the waiter count that is due
// once they are. An empty list implies a zero delta; otherwise -waiters_delta
// is the length of the list.
//
// The rule of use: make every waiter of `ready` runnable, *then* call
// Poller::AdjustWaiters(waiters_delta). The other order opens a window in
// which a task is counted nowhere.
struct [[nodiscard]] PollResult {
  WaiterList ready;
  std::int32_t waiters_delta = 0;

  constexpr void Add(Waiter* waiter) {
    if (waiter == nullptr) return;
    ready.Push(waiter);
    --waiters_delta;
  }

  constexpr void Append(PollResult& other) {
    ready.Append(other.ready);
    waiters_delta += other.waiters_delta;
    other.waiters_delta = 0;
  }
};

}  // namespace netpoll

#endif  // NETPOLL_CORE_TYPES_H_
