// SPDX-License-Identifier: Apache-2.0
//
// A poller of a runtime, with what is open in it. There is one for all workers,
// or each has its own (RuntimeOptions::sharded), in cache lines of its own.

#ifndef NETPOLL_RUNTIME_SHARD_H_
#define NETPOLL_RUNTIME_SHARD_H_

#include <string>

#include "netpoll/runtime/host_poller.h"

namespace netpoll::internal {

struct alignas(64) Shard : HostPoller {
  Shard(const std::string& backend, int number)
      : HostPoller(backend), worker(number) {}

  const int worker;  // Whose it is; 0 of the one for all.
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_SHARD_H_
