// SPDX-License-Identifier: Apache-2.0
//
// A poller of a runtime, with what is open in it. There is one for all workers,
// or each has its own (RuntimeOptions::sharded), in cache lines of its own.

#ifndef NETPOLL_RUNTIME_SHARD_H_
#define NETPOLL_RUNTIME_SHARD_H_

#include <string>

#include "netpoll/backends/posix/open_set.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/event_key.h"
#include "netpoll/runtime/host_poller.h"

namespace netpoll::internal {

// The numbers of what is open and carried out by rings, of which the poller may
// not know: so that none is opened twice.
class InRings {
 public:
  // 0, or: EEXIST it is in it; ENOMEM; EBADF.
  int Insert(int fd) {
    const LockHolder hold(lock_, "rings.insert.lock");
    return numbers_.Insert(fd, kPresent);
  }
  void Erase(int fd) {
    const LockHolder hold(lock_, "rings.erase.lock");
    numbers_.Erase(fd, kPresent);
  }

 private:
  static constexpr EventKey kPresent = EventKey::FromBits(1);

  StdEnv::Lock lock_;
  OpenSet numbers_;
};

struct alignas(64) Shard : HostPoller {
  Shard(const std::string& backend, int number)
      : HostPoller(backend), worker(number) {}

  const int worker;  // Whose it is; 0 of the one for all.
  InRings in_rings;  // Of the numbers that are this one's (PollerFor).
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_SHARD_H_
