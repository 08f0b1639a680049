// SPDX-License-Identifier: Apache-2.0
//
// Refuses what nobody may do with a poller: use it before its Init, call that
// again, or use it in a child of fork.

#ifndef NETPOLL_BACKENDS_POSIX_USE_GUARD_H_
#define NETPOLL_BACKENDS_POSIX_USE_GUARD_H_

#include "netpoll/backends/posix/fork_guard.h"
#include "netpoll/core/concurrency.h"

namespace netpoll {

class UseGuard {
 public:
  UseGuard() = default;
  UseGuard(const UseGuard&) = delete;
  UseGuard& operator=(const UseGuard&) = delete;

  // What Init does: `make()`, once. 0, or its errno; then there may be
  // something half made, and nothing but the destructor may follow.
  template <class Make>
  int Init(Make make) {
    if (begun_) StdEnv::Misuse("Init was called twice on a Poller");
    begun_ = true;
    const int error = make();
    ready_ = error == 0;
    return error;
  }

  // Every other call begins with it.
  void Check() const {
    if (!ready_) [[unlikely]] {
      StdEnv::Misuse("a Poller was used before its Init had succeeded");
    }
    fork_guard_.Check();
  }

  // Whether this is a child of fork of the process that made it.
  bool InChild() const { return fork_guard_.InChild(); }

 private:
  ForkGuard fork_guard_;
  // Written before any other thread knows the poller.
  bool begun_ = false;
  bool ready_ = false;
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_POSIX_USE_GUARD_H_
