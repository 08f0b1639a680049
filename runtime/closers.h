// SPDX-License-Identifier: Apache-2.0
//
// Threads that close descriptors whose close may block, so that no worker does.

#ifndef NETPOLL_RUNTIME_CLOSERS_H_
#define NETPOLL_RUNTIME_CLOSERS_H_

#include <pthread.h>
#include <signal.h>

#include <cstdint>

#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/sys.h"

namespace netpoll::internal {

class Closers {
 public:
  // A thread of its own calls close(argument), which begins with Quiet and ends
  // with Done. False: there are too many, or no thread can be had.
  bool Start(void* (*close)(void*), void* argument) {
    constexpr std::int32_t kMost = 64;
    if (count_.FetchAdd("closers.add", 1, Order::kAcqRel) < kMost) {
      pthread_attr_t detached;
      pthread_attr_init(&detached);
      pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
      pthread_t thread;
      const int error = sys.thread_create(&thread, &detached, close, argument);
      pthread_attr_destroy(&detached);
      if (error == 0) return true;
    }
    count_.FetchAdd("closers.undo", -1, Order::kAcqRel);
    return false;
  }

  // The program's signals are for its own threads.
  static void Quiet() {
    sigset_t all;
    sigfillset(&all);
    sys.thread_sigmask(SIG_SETMASK, &all, nullptr);
  }

  // The last that the thread does: the runtime may go.
  void Done() { count_.FetchAdd("closers.done", -1, Order::kAcqRel); }

  // They end when the system says so.
  void WaitForAll() {
    while (count_.Load("closers.wait", Order::kAcquire) != 0) {
      sys.poll(nullptr, 0, 1);
    }
  }

 private:
  StdEnv::Atomic<std::int32_t> count_{0};
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_CLOSERS_H_
