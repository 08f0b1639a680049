// SPDX-License-Identifier: Apache-2.0
//
// LoopRest: what a loop of somebody else's does after Runtime::RunOnce.

#ifndef NETPOLL_RUNTIME_LOOP_REST_H_
#define NETPOLL_RUNTIME_LOOP_REST_H_

#include "netpoll/core/cpp20.h"

#include <cstdint>

#include "netpoll/core/deadline.h"

namespace netpoll {

struct LoopRest {
  // Every task has ended: as if Run had returned. There is nothing to wait for.
  bool ended = false;
  // There is more to run than a turn may: do not sleep, call RunOnce again.
  bool work = false;
  // Else sleep until this time of Runtime::Now(), kNever for ever; or until
  // Runtime::descriptor() is readable; or as short as the loop likes.
  std::int64_t until = kNever;

  // The same for a loop that counts milliseconds, as poll(2) does: 0 not at
  // all, -1 for ever. Rounded up, for a loop that is early would find nothing.
  int Milliseconds() const;
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_LOOP_REST_H_
