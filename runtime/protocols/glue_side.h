// SPDX-License-Identifier: Apache-2.0
//
// A scheduler's side of core/worker_glue.h, of dispatch.h: `worker` calls, and
// `of` is the one whose poller it is.

#ifndef NETPOLL_RUNTIME_PROTOCOLS_GLUE_SIDE_H_
#define NETPOLL_RUNTIME_PROTOCOLS_GLUE_SIDE_H_

#include <algorithm>
#include <cstdint>

#include "netpoll/core/delta.h"
#include "netpoll/runtime/protocols/shards.h"

namespace netpoll::internal {

template <class Dispatch, class Worker>
struct GlueSide {
  std::int64_t Now() { return dispatch.host().Now(); }
  std::int64_t NextTime() {
    const std::int64_t own = dispatch.host().NextDeadline(of);
    const std::int64_t sleep = dispatch.host().NextSleep();
    if (round == nullptr) return std::min(own, sleep);
    return dispatch.shards().RestUntil(worker, own, sleep, *round);
  }
  void Poll(Delta delta) { dispatch.host().Poll(worker, of, delta); }
  void PollAll() { dispatch.host().PollAll(worker, of); }
  void Expire(std::int64_t now) { dispatch.host().Expire(worker, of, now); }
  bool WorkVisible() { return dispatch.WorkVisible(worker); }
  void Break() { dispatch.host().Break(of); }

  Dispatch& dispatch;
  Worker& worker;
  Worker& of;
  Round* round = nullptr;  // Of one that rests, and has a poller of its own.
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_GLUE_SIDE_H_
