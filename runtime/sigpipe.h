// SPDX-License-Identifier: Apache-2.0
//
// Keeps SIGPIPE from this thread for a scope, without changing what the
// process does with it elsewhere.

#ifndef NETPOLL_RUNTIME_SIGPIPE_H_
#define NETPOLL_RUNTIME_SIGPIPE_H_

#include <pthread.h>
#include <signal.h>
#include <time.h>

namespace netpoll::internal {

class SigpipeBlock {
 public:
  SigpipeBlock() {
    sigset_t pipe = PipeSet();
    was_pending_ = Pending();
    pthread_sigmask(SIG_BLOCK, &pipe, &before_);
  }
  ~SigpipeBlock() {
    // What our writes raised must not go off once the mask is lifted.
    const sigset_t pipe = PipeSet();
    const timespec now{};
    if (!was_pending_ && Pending()) sigtimedwait(&pipe, nullptr, &now);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  SigpipeBlock(const SigpipeBlock&) = delete;
  SigpipeBlock& operator=(const SigpipeBlock&) = delete;

 private:
  static sigset_t PipeSet() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    return set;
  }
  static bool Pending() {
    sigset_t pending;
    sigpending(&pending);
    return sigismember(&pending, SIGPIPE) == 1;
  }

  sigset_t before_;
  bool was_pending_;
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_SIGPIPE_H_
