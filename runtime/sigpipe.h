// SPDX-License-Identifier: Apache-2.0
//
// A write to a pipe that nobody reads raises SIGPIPE, and no flag of the call
// prevents it. While one of these lives the signal is blocked in this thread,
// and Raised takes the one that the write raised; a signal of somebody else's
// stays. Neither the process's handler nor the thread's mask is changed
// afterwards.

#ifndef NETPOLL_RUNTIME_SIGPIPE_H_
#define NETPOLL_RUNTIME_SIGPIPE_H_

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "netpoll/runtime/sys.h"

namespace netpoll::internal {

class SigpipeBlock {
 public:
  SigpipeBlock() {
    const sigset_t pipe = PipeSet();
    sys.thread_sigmask(SIG_BLOCK, &pipe, &before_);
    // Where the signal was not blocked none can have been pending.
    was_blocked_ = sigismember(&before_, SIGPIPE) == 1;
    was_pending_ = was_blocked_ && Pending();
  }
  ~SigpipeBlock() {
    if (!was_blocked_) sys.thread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  SigpipeBlock(const SigpipeBlock&) = delete;
  SigpipeBlock& operator=(const SigpipeBlock&) = delete;

  // The write has failed with EPIPE.
  void Raised() const {
    const sigset_t pipe = PipeSet();
    const timespec now{};
    if (!was_pending_) sys.sigtimedwait(&pipe, nullptr, &now);
  }

 private:
  static sigset_t PipeSet() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    return set;
  }
  static bool Pending() {
    sigset_t pending;
    sys.sigpending(&pending);
    return sigismember(&pending, SIGPIPE) == 1;
  }

  sigset_t before_;
  bool was_blocked_;
  bool was_pending_;
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_SIGPIPE_H_
