// SPDX-License-Identifier: Apache-2.0
//
// An operation (io_stages.h) and the scope in which it waits.

#ifndef NETPOLL_RUNTIME_PROTOCOLS_IO_SCOPES_H_
#define NETPOLL_RUNTIME_PROTOCOLS_IO_SCOPES_H_

#include "netpoll/core/types.h"
#include "netpoll/runtime/protocols/cancel_node.h"
#include "netpoll/runtime/protocols/io_stages.h"

namespace netpoll::internal {

// If the scope was cancelled before, Heed sees that.
template <class Types>
void IoStages<Types>::SitDown() {
  if (fd_ == nullptr) {
    seat_ = nullptr;
  } else {
    static_cast<void>(seat_->node->Sit(*seat_, this, &IoStages::Interrupt));
  }
}

template <class Types>
bool IoStages<Types>::Cancelled() const {
  return seat_ != nullptr && seat_->node->reason() != CancelReason::kNone;
}

template <class Types>
typename IoStages<Types>::Status IoStages<Types>::WhyCancelled() const {
  return Types::Host::StatusOf(seat_->node->reason());
}

// The scope is cancelled: this waits for its turn no more, or whoever waits in
// this direction tries once more, and then looks why. Touches what never
// changes alone: the operation may be at work.
template <class Types>
void IoStages<Types>::Interrupt(void* self, CancelReason) {
  IoStages* const op = static_cast<IoStages*>(self);
  op->fd_->Interrupt(op->direction_, op);
}

// About to wait. Ended: the scope is cancelled.
template <class Types>
typename IoStages<Types>::Step IoStages<Types>::Heed() {
  return Cancelled() ? GiveUp(WhyCancelled()) : Step::kOn;
}

// What had come before wins over what ends the wait: the last try may have been
// earlier, or none.
template <class Types>
typename IoStages<Types>::Step IoStages<Types>::GiveUp(Status status) {
  if (flies_) return Recall();
  recalled_ = true;
  if (direction_ == Mode::kRead) fd_->drained = false;
  return End(attempt_(static_cast<Op*>(this)) ? status_ : status);
}

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_IO_SCOPES_H_
