// SPDX-License-Identifier: Apache-2.0
//
// How an open descriptor lives and ends: what a handle, the operations under
// way, a rest's timer and Stop share.
//
// Two lifetimes. The *descriptor* is open while the lock's references last:
// closing refuses new ones, and the last to go ends it. The *memory* lasts
// while `refs` are held: by the handle, by the open descriptor, by each
// operation as long as it exists, by a rest's timer until it is due, and by
// Stop while it closes.
//
//   refs_     acq_rel: who takes the last away frees what the others wrote
//   closer_   0 nobody waits for the end; a Waiter's address: a task does, and
//             the end wakes it; kEnded: it has come. Park: 0 -> the address,
//             the end exchanges kEnded. acq_rel, for what the end met
//
// A Self, the class that derives from this:
//   bool LeftBehind()              this process is a child of its own's: what
//   it
//                                  closes is its copy, and it takes no lock
//   OpenList<Env>& open_list()
//   void Runnable(Waiter* | WaiterList& | PollResult&)
//   PollResult Unblock()           Poller::Unblock
//   void Nudge(Mode)               Poller::Nudge, and what it wakes
//   bool CloseByStop()             CloseNow, and the system's descriptor goes
//   void EndInPoller()             Poller::Close
//   bool EndElsewhere()            another thread calls EndHere
//   void CloseSystem()             the system's close
//   void Free()                    the memory goes

#ifndef NETPOLL_RUNTIME_PROTOCOLS_FD_LIFE_H_
#define NETPOLL_RUNTIME_PROTOCOLS_FD_LIFE_H_

#include <cstdint>
#include <utility>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/descriptor_lock.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/protocols/open_list.h"

namespace netpoll::internal {

enum class [[nodiscard]] DirectionTurn : std::uint8_t{
    kTaken,      // It has the direction.
    kParked,     // Touch nothing of the waiter.
    kAgain,      // Try again at once.
    kClosed,     // The descriptor is.
    kCancelled,  // It waits no more.
};

template <class Env, class Self>
class FdLife : public OpenList<Env>::Entry {
  // Before the lock, whose word so lies beside what each operation touches.
  typename Env::template Atomic<std::uintptr_t> closer_{0};

 public:
  using Entry = typename OpenList<Env>::Entry;

  // --- The memory -----------------------------------------------------------

  void Ref() { refs_.FetchAdd("fd.ref", 1, Order::kAcqRel); }
  void Unref() {
    if (refs_.FetchAdd("fd.unref", -1, Order::kAcqRel) == 1) self().Free();
  }

  // --- The descriptor -------------------------------------------------------

  // Gives up a direction, or a reference; ends the descriptor if it was the
  // last.
  void Release(Mode direction) {
    if (!lock.ReleaseAlone(direction)) [[unlikely]]
      ReleaseBeside(direction);
  }
  void DropReference() {
    if (lock.DropReference()) End();
  }

  // Takes the direction, or parks `waiter` until it may try again. `queued`: it
  // was refused, and is counted as waiting. One that is cancelled leaves, and
  // may have been woken for others that wait.
  template <class W, class F>
  DirectionTurn TakeTurn(Mode direction, W* waiter, bool queued, F cancelled) {
    auto& queue = self().lock;
    if (!queued) {
      if (cancelled()) {
        WaiterList wake;
        const bool last = queue.PassOn(direction, wake);
        Released(last, wake);
        return DirectionTurn::kCancelled;
      }
      const LockOutcome outcome = queue.Acquire(direction);
      if (outcome == LockOutcome::kDone) return DirectionTurn::kTaken;
      if (outcome == LockOutcome::kClosed) return DirectionTurn::kClosed;
    }
    const ParkOutcome parks = queue.Park(direction, waiter, cancelled);
    if (parks == ParkOutcome::kParked) return DirectionTurn::kParked;
    return parks == ParkOutcome::kAgain ? DirectionTurn::kAgain
                                        : DirectionTurn::kCancelled;
  }
  // The operation that waits there is cancelled, and may be at work: takes it
  // out of the queue, or has whoever waits in the direction look again.
  void Interrupt(Mode direction, Waiter* waiter) {
    if (lock.Withdraw(direction, waiter)) return self().Runnable(waiter);
    if (!lock.AddReference()) return;
    self().Nudge(direction);
    DropReference();
  }

  // Stop finds it from now on. False: Stop was called. Then it has ended, as
  // CloseNow says, and the handle's reference is gone.
  template <class F>
  bool Enter(F closing) {
    if (self().open_list().Add(this)) return true;
    CloseNow(closing);
    Unref();
    return false;
  }

  // Lets nobody in any more and wakes everybody. The descriptor ends when the
  // last operation has left: at once if there is none. False if it was closed
  // already. `closing` comes before anybody is told, and while it is open.
  template <class F>
  bool CloseNow(F closing) {
    WaiterList wake;
    if (!lock.Close(wake)) return false;
    closing();
    if (!self().LeftBehind()) {
      PollResult parked = self().Unblock();
      self().Runnable(wake);
      self().Runnable(parked);
    }
    DropReference();
    return true;
  }

  // What Stop closes, when nothing is added any more: all that is open.
  // Everybody is told "closing" before the first descriptor goes, or the ends
  // of this runtime's own connections would be told that the peer has left.
  static void CloseAll(OpenList<Env>& open) {
    const auto keep = [](Entry* entry) { Of(entry)->Ref(); };
    Entry* told = nullptr;
    while (Entry* const entry = open.Take(keep)) {
      FdLife* const fd = Of(entry);
      const bool held = fd->lock.AddReference();
      fd->self().CloseByStop();
      if (!held) {
        fd->Unref();
        continue;
      }
      entry->next.Set(told);  // Nobody else's, once it was taken out.
      told = entry;
    }
    while (told != nullptr) {
      FdLife* const fd = Of(told);
      told = told->next.Get();
      fd->next.Set(nullptr);
      fd->DropReference();
      fd->Unref();
    }
  }

  // --- Who waits for the end ------------------------------------------------

  // Parks a task until the end. False if it has come.
  bool ParkCloser(Waiter* waiter) {
    return closer_.CompareExchange("closer.park", 0,
                                   reinterpret_cast<std::uintptr_t>(waiter),
                                   Order::kAcqRel);
  }
  bool ended() const {
    return closer_.Load("closer.ended", Order::kAcquire) == kEnded;
  }

  // --- A rest ---------------------------------------------------------------

  // Its timer is due: wakes the operation, if there is one.
  void RestIsDue(Mode direction) {
    if (lock.AddReference()) {
      self().Nudge(direction);
      DropReference();
    }
    Unref();
  }

  DescriptorLock<Env> lock;

  // Where that lies which each operation touches.
  void* Hot() { return &refs_; }

  // The system's close, and the end. The last call.
  void EndHere() {
    self().CloseSystem();
    const std::uintptr_t parked =
        closer_.Exchange("closer.end", kEnded, Order::kAcqRel);
    if (parked != 0) self().Runnable(reinterpret_cast<Waiter*>(parked));
    Unref();
  }

 private:
  static constexpr std::uintptr_t kEnded = 1;

  static FdLife* Of(Entry* entry) { return static_cast<FdLife*>(entry); }
  Self& self() { return static_cast<Self&>(*this); }

  // Out of line, as what is rare on the path of every operation.
  [[gnu::noinline]] void ReleaseBeside(Mode direction) {
    WaiterList wake;
    const bool last = lock.ReleaseBeside(direction, wake);
    if (last || !wake.empty()) Released(last, wake);
  }
  [[gnu::noinline]] void Released(bool last, WaiterList& wake) {
    if (!wake.empty()) self().Runnable(wake);
    if (last) End();
  }

  [[gnu::noinline]] void End() {
    if (self().LeftBehind()) return Unref();
    self().open_list().Remove(this);
    self().EndInPoller();
    if (!self().EndElsewhere()) EndHere();
  }

  // Handle, descriptor. Last: what derives begins in the same word.
  typename Env::template Atomic<std::int32_t> refs_{2};
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_FD_LIFE_H_
