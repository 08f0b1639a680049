// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/connect.h"

#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/fd_state.h"

namespace netpoll {

ConnectCanceller::~ConnectCanceller() {
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
// before.
void ConnectCanceller::Cancel() {
  const LockHolder hold(lock_, "canceller.cancel");
  cancelled_ = true;
  for (Entry* entry = entries_; entry != nullptr; entry = entry->next) {
    entry->fd->CloseNow(internal::SystemFd::kClose);
  }
}

bool ConnectCanceller::cancelled() const {
  const LockHolder hold(lock_, "canceller.cancelled");
  return cancelled_;
}

}  // namespace netpoll
