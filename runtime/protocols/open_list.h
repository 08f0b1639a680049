// SPDX-License-Identifier: Apache-2.0
//
// What is open in a runtime, so that Stop finds it.

#ifndef NETPOLL_RUNTIME_PROTOCOLS_OPEN_LIST_H_
#define NETPOLL_RUNTIME_PROTOCOLS_OPEN_LIST_H_

#include <type_traits>

#include "netpoll/core/concurrency.h"

namespace netpoll::internal {

template <class Env>
class OpenList {
 public:
  // Both fields are guarded by the list's lock while the entry is in it, and
  // whoever took it out has them.
  struct Entry {
    using Link = typename Env::template Var<Entry*>;
    Link next;
    // What points to this one; null: in no list.
    typename Env::template Var<Link*> link;
  };
  // Has it made before what refers to it: clang looks into it there.
  using EntryIsMade = std::bool_constant<(sizeof(Entry) > 0)>;

  // False: the list has been shut.
  bool Add(Entry* entry) {
    const LockHolder hold(lock_, "open.add.lock");
    if (shut_.Get()) return false;
    Entry* const second = first_.Get();
    entry->next.Set(second);
    entry->link.Set(&first_);
    if (second != nullptr) second->link.Set(&entry->next);
    first_.Set(entry);
    return true;
  }

  // Nothing if it was taken out.
  void Remove(Entry* entry) {
    const LockHolder hold(lock_, "open.remove.lock");
    if (entry->link.Get() != nullptr) Unlink(entry);
  }

  // Nothing is added any more, until it is opened again.
  void Shut() {
    const LockHolder hold(lock_, "open.shut.lock");
    shut_.Set(true);
  }
  void OpenAgain() {
    const LockHolder hold(lock_, "open.again.lock");
    shut_.Set(false);
  }

  // Takes one out; null if none is left. `keep` is called for it under the
  // lock, so that its owner, who may be about to remove it, does not free it.
  template <class Keep>
  Entry* Take(Keep keep) {
    const LockHolder hold(lock_, "open.take.lock");
    Entry* const entry = first_.Get();
    if (entry == nullptr) return nullptr;
    Unlink(entry);
    keep(entry);
    return entry;
  }

  // Calls `f` with each, under the lock: it stays while `f` looks at it. `f`
  // answers whether to go on.
  template <class F>
  void Visit(F f) {
    const LockHolder hold(lock_, "open.visit.lock");
    Entry* entry = first_.Get();
    while (entry != nullptr && f(entry)) entry = entry->next.Get();
  }

 private:
  static void Unlink(Entry* entry) {
    Entry* const next = entry->next.Get();
    typename Entry::Link* const link = entry->link.Get();
    link->Set(next);
    if (next != nullptr) next->link.Set(link);
    entry->next.Set(nullptr);
    entry->link.Set(nullptr);
  }

  typename Env::Lock lock_;
  typename Env::template Var<Entry*> first_;
  typename Env::template Var<bool> shut_;
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_OPEN_LIST_H_
