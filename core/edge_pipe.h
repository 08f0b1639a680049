// SPDX-License-Identifier: Apache-2.0
//
// A pipe that wakes whoever blocks in a poll, on a system that has nothing
// better: what is written, read and passed on, without the system's calls. The
// token (wake_token.h) says when; the checker explores both together.
//
// The reading end is registered for its edges. Not for its level: kernels of
// NetBSD before 10 take a level off the queue while a poll that does not block
// looks at it, and put it back without a signal; the poll that blocks beside
// it, woken meanwhile, finds nothing and sleeps on.
//
// So whichever poll fetches the event has consumed it. One that does not block
// empties the pipe and writes again: into an empty pipe, so the byte is an
// edge, and wakes the poll that blocks. Of a break that is pending there is
// always one holder, and all but the kernel pass it on at once:
//
//   its poster     has moved the token; writes a byte -> the kernel
//   the kernel     a byte, and its event -> the poll that fetches the event
//   a passing poll has fetched it; empties, writes again -> the kernel
//   the blocking   has fetched it; empties, clears the token -> nobody
//
// Nobody writes but a poster, of whom the token lets one be, and a passing poll
// that holds it. So none of them empties the pipe of a byte that another will
// need: while the token is pending there is no second byte, and a byte that
// comes after the token was cleared is an edge of its own.
//
// Ends are the system's side; neither call blocks:
//   int Write()      writes one byte: 1, or -errno
//   int Read()       takes at most kMostRead bytes: how many, 0 if the other
//                    end is gone, or -errno
//   kMostRead

#ifndef NETPOLL_CORE_EDGE_PIPE_H_
#define NETPOLL_CORE_EDGE_PIPE_H_

#include "netpoll/core/cpp20.h"

#include <cerrno>

namespace netpoll::edge_pipe {

// How the reading end is registered.
inline constexpr bool kByEdges = true;

// Takes all that is in it. 0, or -errno.
template <class Ends>
int Empty(Ends& ends) {
  for (;;) {
    const int count = ends.Read();
    if (count == -EINTR || count == Ends::kMostRead) continue;
    // The end of the pipe that is written to is gone.
    if (count == 0) return -EPIPE;
    return count > 0 || count == -EAGAIN ? 0 : count;
  }
}

// Makes a wake-up pending. 0, or -errno.
template <class Ends>
int Post(Ends& ends) {
  for (bool emptied = false;;) {
    const int result = ends.Write();
    if (result == 1) return 0;
    if (result == -EINTR) continue;
    // Full: the event of what is in it may be used up, so it says nothing of
    // a wake-up. Room makes the byte an edge.
    if (result != -EAGAIN || emptied) return result < 0 ? result : -EIO;
    if (const int error = Empty(ends); error < 0) return error;
    emptied = true;
  }
}

// By a poll that has fetched the event: the wake-up is used up if it blocks,
// and still pending if not. 0, or -errno.
template <class Ends>
int Take(Ends& ends, bool blocking) {
  const int result = Empty(ends);
  return blocking || result < 0 ? result : Post(ends);
}

}  // namespace netpoll::edge_pipe

#endif  // NETPOLL_CORE_EDGE_PIPE_H_
