// SPDX-License-Identifier: Apache-2.0
//
// A pool of things that tasks borrow, connections say: first come, first
// served, with a timeout around the wait if one likes.
//
//   Pool<Socket> pool(std::move(sockets));
//   auto lease = co_await WithTimeout(1s, pool.Borrow());
//   if (!lease.ok()) co_return;        nobody gave one back in time
//   co_await lease->Write("...");      goes back when the lease does

#ifndef NETPOLL_EXAMPLES_POOL_H_
#define NETPOLL_EXAMPLES_POOL_H_

#include <optional>
#include <utility>
#include <vector>

#include "netpoll/runtime/channel.h"
#include "netpoll/runtime/task.h"

template <class T>
class Pool {
 public:
  class [[nodiscard]] Lease {
   public:
    Lease(Pool* pool, netpoll::Received<T> got)
        : pool_(pool), got_(std::move(got)) {}
    Lease(Lease&& other) noexcept
        : pool_(other.pool_), got_(std::exchange(other.got_, {})) {}
    ~Lease() {
      if (ok()) (void)pool_->idle_.TrySend(*std::move(got_.item));
    }
    bool ok() const { return got_.item.has_value(); }
    T* operator->() { return &*got_.item; }
    T& operator*() { return *got_.item; }
    // It is broken: it does not go back, `better` does.
    void Replace(T better) { got_.item.emplace(std::move(better)); }

   private:
    Pool* const pool_;
    netpoll::Received<T> got_;
  };

  explicit Pool(std::vector<T> all) : idle_(all.size()) {
    for (T& one : all) (void)idle_.TrySend(std::move(one));
  }

  netpoll::Task<Lease> Borrow() {
    co_return Lease(this, co_await idle_.Receive());
  }

 private:
  netpoll::Channel<T> idle_;
};

#endif  // NETPOLL_EXAMPLES_POOL_H_
