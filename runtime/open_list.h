// SPDX-License-Identifier: Apache-2.0
//
// What is open in a runtime, so that Stop finds it.

#ifndef NETPOLL_RUNTIME_OPEN_LIST_H_
#define NETPOLL_RUNTIME_OPEN_LIST_H_

#include "netpoll/core/concurrency.h"

namespace netpoll::internal {

class OpenList {
 public:
  // Both fields are guarded by the list's lock while the entry is in it, and
  // whoever took it out has them.
  struct Entry {
    Entry* next = nullptr;
    Entry** link = nullptr;  // What points to this one; null: in no list.
  };

  // False: the list has been shut.
  bool Add(Entry* entry) {
    const LockHolder hold(lock_, "open.add.lock");
    if (shut_) return false;
    entry->next = first_;
    entry->link = &first_;
    if (first_ != nullptr) first_->link = &entry->next;
    first_ = entry;
    return true;
  }

  // Nothing if it was taken out.
  void Remove(Entry* entry) {
    const LockHolder hold(lock_, "open.remove.lock");
    if (entry->link != nullptr) Unlink(entry);
  }

  // For good: nothing is added any more.
  void Shut() {
    const LockHolder hold(lock_, "open.shut.lock");
    shut_ = true;
  }

  // Takes one out; null if none is left. `keep` is called for it under the
  // lock, so that its owner, who may be about to remove it, does not free it.
  template <class Keep>
  Entry* Take(Keep keep) {
    const LockHolder hold(lock_, "open.take.lock");
    Entry* const entry = first_;
    if (entry == nullptr) return nullptr;
    Unlink(entry);
    keep(entry);
    return entry;
  }

 private:
  static void Unlink(Entry* entry) {
    *entry->link = entry->next;
    if (entry->next != nullptr) entry->next->link = entry->link;
    entry->next = nullptr;
    entry->link = nullptr;
  }

  StdEnv::Lock lock_;
  Entry* first_ = nullptr;
  bool shut_ = false;
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_OPEN_LIST_H_
