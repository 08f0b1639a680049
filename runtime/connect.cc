// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/connect.h"

#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/fd_state.h"

namespace netpoll {

ConnectCanceller::ConnectCanceller(ConnectCanceller* parent) {
  if (parent == nullptr) return;
  in_parent_.child = this;
  if (parent->Enter(&in_parent_)) {
    parent_ = parent;
  } else {
    cancelled_ = true;
  }
}

ConnectCanceller::~ConnectCanceller() {
  if (parent_ != nullptr) parent_->Leave(&in_parent_);
  const LockHolder hold(lock_, "canceller.destroy");
  if (entries_ != nullptr) {
    StdEnv::Misuse(
        "a ConnectCanceller was destroyed before its connects had ended");
  }
}

bool ConnectCanceller::Enter(Entry* entry) {
  const LockHolder hold(lock_, "canceller.enter");
  if (cancelled_) return false;
  entry->next = entries_;
  entries_ = entry;
  return true;
}

void ConnectCanceller::Leave(Entry* entry) {
  const LockHolder hold(lock_, "canceller.leave");
  Entry** link = &entries_;
  while (*link != entry) link = &(*link)->next;
  *link = entry->next;
}

// Closes under the lock: whoever is woken leaves by it, and so does not end
// before. Locks are taken from the top downwards.
void ConnectCanceller::Cancel() {
  const LockHolder hold(lock_, "canceller.cancel");
  cancelled_ = true;
  for (Entry* entry = entries_; entry != nullptr; entry = entry->next) {
    if (entry->child != nullptr) {
      entry->child->Cancel();
    } else {
      entry->fd->CloseNow(internal::SystemFd::kClose);
    }
  }
}

bool ConnectCanceller::cancelled() const {
  const LockHolder hold(lock_, "canceller.cancelled");
  return cancelled_;
}

}  // namespace netpoll
