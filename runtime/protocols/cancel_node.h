// SPDX-License-Identifier: Apache-2.0
//
// What can be cancelled, and who must hear of it: a tree. A node has seats;
// whoever waits under it sits in one while it waits, and so does, as long as it
// lives, a node below it.
//
//   reason_  kNone -> why, once, under the lock, by Cancel; looked at without
//            the lock. seq_cst: who is told may have been told already of
//            something else, and just be taking that, before it looks here
//   lock_    guards the seats; held while those who sit are told. So whoever
//            has left its seat is told no more, and may go. Taken from the top
//            of the tree downwards
//
// Who sits down after Cancel is refused, and has the reason. `tell` is called
// once for each who sits, by the thread that cancels and with the lock held: it
// wakes, and runs nothing of the program's.

#ifndef NETPOLL_RUNTIME_PROTOCOLS_CANCEL_NODE_H_
#define NETPOLL_RUNTIME_PROTOCOLS_CANCEL_NODE_H_

#include <cstdint>
#include <type_traits>

#include "netpoll/core/concurrency.h"

namespace netpoll::internal {

// Why waits end early.
enum class CancelReason : std::uint8_t {
  kNone = 0,
  kCancelled = 1,
  kTimeout = 2,
  kClosing = 3,  // The runtime stops.
};

template <class Env>
class CancelNode {
 public:
  using Tell = void (*)(void* whom, CancelReason reason);

  struct Sitter {
    void* whom = nullptr;
    Tell tell = nullptr;
    friend bool operator==(const Sitter&, const Sitter&) = default;
  };

  // Guarded by the node's lock while somebody sits in it; before and after, the
  // sitter's own.
  class Seat {
   public:
    // Where to sit. Not while somebody does.
    CancelNode* node = nullptr;

   private:
    friend CancelNode;
    using Link = typename Env::template Var<Seat*>;
    Link next_;
    // What points to this one; null: nobody sits here.
    typename Env::template Var<Link*> link_;
    typename Env::template Var<Sitter> sitter_;
  };
  // Has it made before what refers to it: clang looks into it there.
  using SeatIsMade = std::bool_constant<(sizeof(Seat) > 0)>;

  CancelReason reason() const {
    return static_cast<CancelReason>(
        reason_.Load("cancel.reason", Order::kSeqCst));
  }

  // kNone: `tell(whom, reason)` is called if this is cancelled, until Leave. Or
  // why it was: nobody sits.
  [[nodiscard]] CancelReason Sit(Seat& seat, void* whom, Tell tell) {
    return Sit(seat, whom, tell, [] {});
  }
  // The same; `park()` is called before anybody can be told. Whoever it parks
  // may run, but not leave the seat, before this returns.
  template <class F>
  [[nodiscard]] CancelReason Sit(Seat& seat, void* whom, Tell tell, F park) {
    const LockHolder hold(lock_, "cancel.sit.lock");
    const CancelReason why = Why();
    if (why != CancelReason::kNone) return why;
    seat.sitter_.Set({whom, tell});
    Seat* const second = first_.Get();
    seat.next_.Set(second);
    seat.link_.Set(&first_);
    if (second != nullptr) second->link_.Set(&seat.next_);
    first_.Set(&seat);
    park();
    return CancelReason::kNone;
  }

  // Nothing if nobody sits there. Waits for a Cancel that is telling.
  void Leave(Seat& seat) {
    const LockHolder hold(lock_, "cancel.leave.lock");
    auto* const link = seat.link_.Get();
    if (link == nullptr) return;
    Seat* const next = seat.next_.Get();
    link->Set(next);
    if (next != nullptr) next->link_.Set(link);
    seat.next_.Set(nullptr);
    seat.link_.Set(nullptr);
  }

  // False: it was cancelled before, and the first reason stays.
  bool Cancel(CancelReason why) {
    const LockHolder hold(lock_, "cancel.lock");
    if (Why() != CancelReason::kNone) return false;
    reason_.Store("cancel.store", static_cast<std::uint32_t>(why),
                  Order::kSeqCst);
    Seat* seat = first_.Get();
    while (seat != nullptr) {
      const Sitter sitter = seat->sitter_.Get();
      sitter.tell(sitter.whom, why);
      seat = seat->next_.Get();
    }
    return true;
  }

  // Calls `f(whom, tell)` for each who sits, under the lock: they stay while
  // `f` looks at them. `f` answers whether to go on.
  template <class F>
  void Visit(F f) {
    const LockHolder hold(lock_, "cancel.visit.lock");
    const Seat* seat = first_.Get();
    while (seat != nullptr) {
      const Sitter sitter = seat->sitter_.Get();
      if (!f(sitter.whom, sitter.tell)) return;
      seat = seat->next_.Get();
    }
  }

  // As if it had never been cancelled. While nobody sits here, or is about to.
  void Renew() { reason_.Store("cancel.again", 0, Order::kRelease); }

  // Whether anybody sits here.
  bool Empty() {
    const LockHolder hold(lock_, "cancel.empty.lock");
    return first_.Get() == nullptr;
  }

 private:
  // Under the lock.
  CancelReason Why() const {
    return static_cast<CancelReason>(
        reason_.Load("cancel.why", Order::kRelaxed));
  }

  typename Env::Lock lock_;
  typename Env::template Atomic<std::uint32_t> reason_{0};
  typename Env::template Var<Seat*> first_;
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_CANCEL_NODE_H_
