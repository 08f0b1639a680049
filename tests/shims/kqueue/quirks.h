// SPDX-License-Identifier: Apache-2.0
//
// What some systems' kernels do that their manuals don't say. For tests only: a
// queue of the shim has none of it unless it is asked to.

#ifndef NETPOLL_TESTS_SHIMS_KQUEUE_QUIRKS_H_
#define NETPOLL_TESTS_SHIMS_KQUEUE_QUIRKS_H_

#include <cerrno>

namespace netpoll::shim {

struct Quirks {
  // A kevent that does not block takes an event without EV_CLEAR off the queue
  // while it looks at it, and puts it back without a signal: a kevent that
  // sleeps meanwhile, or was just woken by it, sleeps on. The next call sees
  // the event again.
  bool levels_lose_signals = false;
  // What EV_ADD of a pipe's write filter says once the other end is closed; 0:
  // nothing, the filter reports the end.
  int write_filter_of_an_ended_pipe = 0;
  // The read filter of a pipe's writing end, and the write filter of its
  // reading end, can be added and never report.
  bool wrong_ends_are_silent = false;
};

// NetBSD before 10.
inline constexpr Quirks kOldNetBsd{.levels_lose_signals = true,
                                   .write_filter_of_an_ended_pipe = EBADF};
// FreeBSD, from its source.
inline constexpr Quirks kFreeBsd{.write_filter_of_an_ended_pipe = EPIPE,
                                 .wrong_ends_are_silent = true};

// For a queue that nothing was asked of yet. False: `kq` is no queue.
bool SetQuirks(int kq, const Quirks& quirks);

}  // namespace netpoll::shim

#endif  // NETPOLL_TESTS_SHIMS_KQUEUE_QUIRKS_H_
