// SPDX-License-Identifier: Apache-2.0
//
// Wakeup: how a task parks and is woken from anywhere. What all else that waits
// between tasks is made of; for glue of one's own, such as an answer that other
// code will give.
//
//   Wakeup wakeup;
//   submit(request, [&wakeup] { wakeup.Wake(); });     any thread, any runtime
//   const IoStatus status = co_await wakeup.Wait();
//
// A wake that comes before the wait is remembered: one, however often it is
// given. What was written before Wake is visible when Wait has ended well.
//
// The task goes on in the runtime that runs it. A wait that was cancelled
// (cancel.h), or ended by Stop, has taken no wake: what would wake it is still
// to come, and must find the Wakeup there. Destroyed while a task waits, it
// stops the process.

#ifndef NETPOLL_RUNTIME_WAKEUP_H_
#define NETPOLL_RUNTIME_WAKEUP_H_

#include "netpoll/core/concurrency.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/protocols/wakeup.h"
#include "netpoll/runtime/queue_wait.h"

namespace netpoll {
namespace internal {

class WakeupWait : public QueueWait {
 public:
  explicit WakeupWait(Wakeup<StdEnv>& wakeup) : QueueWait(wakeup) {}
  IoStatus await_resume() { return Ended(); }

 private:
  bool TryNow() override { return false; }
  bool Join() override { return true; }
  bool Leave() override { return false; }
  const char* What() const override { return "a wake-up"; }
};

}  // namespace internal

class Wakeup {
 public:
  Wakeup() = default;
  ~Wakeup() {
    if (!word_.nobody_waits()) {
      StdEnv::Misuse("a Wakeup was destroyed while a task waits for it");
    }
  }
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  // co_await Wait(): ok once woken, or cancelled(), timeout(), closing(). By
  // one task at a time: a second one stops the process.
  internal::WakeupWait Wait() { return internal::WakeupWait(word_); }

  // From any thread, any number of times. Does not block. The task may destroy
  // this before it returns.
  void Wake() {
    Waiter* const waiter = word_.Wake();
    if (waiter != nullptr) internal::WakeWaiter(waiter);
  }

 private:
  internal::Wakeup<StdEnv> word_;
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_WAKEUP_H_
