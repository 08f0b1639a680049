// SPDX-License-Identifier: Apache-2.0
//
// A wait for one of several operations on channels: in what order it joins
// their queues, decides, and leaves them. The operations are the caller's, by
// number:
//   join(i)           ChannelCore's Send or Receive, with an entry whose choice
//                     is this one's, and whose number is i + 1
//   leave(i, chosen)  LeaveSend or LeaveReceive
//
// The plain fields are the waiter's own.

#ifndef NETPOLL_RUNTIME_PROTOCOLS_SELECT_CORE_H_
#define NETPOLL_RUNTIME_PROTOCOLS_SELECT_CORE_H_

#include <cstdint>

#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/protocols/channel_core.h"
#include "netpoll/runtime/protocols/wait_queue.h"

namespace netpoll::internal {

template <class Env>
class SelectCore {
 public:
  // True: it waits. False: one was done at once. Whoever grants one while this
  // joins the others has decided: then the wake-up comes.
  template <class F>
  bool Join(int count, F join) {
    for (joined_ = 0; joined_ < count; ++joined_) {
      const ChannelOutcome now = join(joined_);
      if (now == ChannelOutcome::kDecided) return true;
      if (now != ChannelOutcome::kWaits) return false;
    }
    return true;
  }

  // It was not woken. True: it was granted all the same. False: it is decided
  // that it was not, and will not be.
  bool Leave() { return !choice_.Take(kNone); }

  // The last: out of all queues. Under the lock of each, so what was granted
  // has been done whole. The number of what was done, or -1.
  template <class F>
  int LeaveAll(F leave) {
    const std::uint32_t taken = choice_.taken();
    for (int i = 0; i < joined_; ++i) {
      leave(i, static_cast<std::uint32_t>(i) + 1 == taken);
    }
    return taken == 0 || taken == kNone ? -1 : static_cast<int>(taken) - 1;
  }

  Choice<Env>& choice() { return choice_; }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  int joined_ = 0;
  Choice<Env> choice_;
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_SELECT_CORE_H_
