// SPDX-License-Identifier: Apache-2.0
//
// One wait of a task between tasks, from first to last: in what order it
// prepares its wake-up, joins a queue, sits down in its scope and parks, and
// takes all that back. Whatever it waits for is the caller's:
//   bool join()    true: it waits in a queue, which may grant it from now on.
//                  False: it need not wait, it has what it wanted
//   bool leave()   takes it out of the queue. True: it was granted before
// The wake-up is one of its own, or that which it waits for (then join and
// leave have nothing to do).
//
// The plain fields are the waiter's own: written before it is parked, read when
// it runs again.

#ifndef NETPOLL_RUNTIME_PROTOCOLS_PARKED_WAIT_H_
#define NETPOLL_RUNTIME_PROTOCOLS_PARKED_WAIT_H_

#include "netpoll/core/types.h"
#include "netpoll/runtime/protocols/cancel_node.h"
#include "netpoll/runtime/protocols/wakeup.h"

namespace netpoll::internal {

template <class Env>
class ParkedWait {
 public:
  using Node = CancelNode<Env>;
  using Seat = typename Node::Seat;

  explicit ParkedWait(Wakeup<Env>& wakeup) : wakeup_(wakeup) {}

  // True: parked. The task runs again when it is granted or cancelled; `End`
  // comes next. False: it has ended. `seat` null: nothing cancels it. Whoever
  // is told takes the waiter by Cancel.
  template <class Join, class Leave>
  [[nodiscard]] bool Begin(Waiter* waiter, Seat* seat, void* whom,
                           typename Node::Tell tell, Join join, Leave leave) {
    if (wakeup_.Prepare()) {
      granted_ = true;
      return false;
    }
    if (!join()) {
      granted_ = true;
      wakeup_.Finish();
      return false;
    }
    if (seat != nullptr) {
      reason_ = seat->node->Sit(*seat, whom, tell);
      if (reason_ != CancelReason::kNone) {
        granted_ = wakeup_.Finish() || leave();
        return false;
      }
    }
    seat_ = seat;
    if (wakeup_.Commit(waiter)) return true;
    End(leave);
    return false;
  }

  // The task runs again, or was not parked.
  template <class Leave>
  void End(Leave leave) {
    granted_ = wakeup_.Finish();
    if (seat_ != nullptr) {
      seat_->node->Leave(*seat_);
      reason_ = seat_->node->reason();
    }
    if (!granted_) granted_ = leave();
  }

  // Whether it has what it waited for; if not, why.
  bool granted() const { return granted_; }
  CancelReason reason() const { return reason_; }

  // For who is told. Whom to make runnable; null: nobody.
  [[nodiscard]] Waiter* Cancel() { return wakeup_.Cancel(); }

 private:
  Wakeup<Env>& wakeup_;
  Seat* seat_ = nullptr;
  bool granted_ = false;
  CancelReason reason_ = CancelReason::kNone;
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_PARKED_WAIT_H_
