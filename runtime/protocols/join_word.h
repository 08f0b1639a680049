// SPDX-License-Identifier: Apache-2.0
//
// What a spawned task and its handle share. The word:
//   kRunning    the task lives, nobody awaits it. Park -> waiter; Detach, when
//               the handle is dropped -> kDetached; the task's end -> kEnded.
//   waiter      a Waiter's address: the task lives, another awaits it. The end
//               -> kEnded, and wakes it; Withdraw, by who cancels the other,
//               -> kRunning, and wakes it.
//   kDetached   nobody will ask. The end -> kEnded; an exception is reported.
//   kEnded      result and exception are set. Final.
// All exchanges are acq_rel: the result is written before, read after.
//
// The exception is the task's until the end, then whoever has the handle has
// it, or, if nobody has, the end itself.

#ifndef NETPOLL_RUNTIME_PROTOCOLS_JOIN_WORD_H_
#define NETPOLL_RUNTIME_PROTOCOLS_JOIN_WORD_H_

#include <cstdint>
#include <utility>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/types.h"

namespace netpoll::internal {

// `Exception`: false if there is none.
template <class Env, class Exception>
class JoinWord {
 public:
  bool ended() const {
    return word_.Load("join.ended", Order::kAcquire) == kEnded;
  }

  // False: it has ended already.
  bool Park(Waiter* waiter) {
    if (word_.CompareExchange("join.park", kRunning,
                              reinterpret_cast<std::uintptr_t>(waiter),
                              Order::kAcqRel)) {
      return true;
    }
    if (!ended()) Env::Misuse("two tasks await one spawned task");
    return false;
  }

  // Whoever waits does so no more. True: the caller makes it runnable. False:
  // it was not parked, or the end wakes it.
  [[nodiscard]] bool Withdraw(Waiter* waiter) {
    return word_.CompareExchange("join.withdraw",
                                 reinterpret_cast<std::uintptr_t>(waiter),
                                 kRunning, Order::kAcqRel);
  }

  // The handle goes. `report` is told an exception that nobody will see.
  template <class Report>
  void Detach(Report report) {
    if (word_.CompareExchange("join.detach", kRunning, kDetached,
                              Order::kAcqRel)) {
      return;
    }
    // It had ended.
    ReportIfAny(report);
  }

  // The task ends. `wake` is given whoever awaits it.
  template <class Wake, class Report>
  void End(Exception exception, Wake wake, Report report) {
    exception_.Set(std::move(exception));
    const std::uintptr_t before =
        word_.Exchange("join.end", kEnded, Order::kAcqRel);
    if (before == kRunning) return;
    if (before != kDetached) {
      wake(reinterpret_cast<Waiter*>(before));
    } else {
      ReportIfAny(report);
    }
  }

  // Once it has ended, for whoever has the handle.
  decltype(auto) exception() const { return exception_.Get(); }

 private:
  static constexpr std::uintptr_t kRunning = 0;
  static constexpr std::uintptr_t kDetached = 1;
  static constexpr std::uintptr_t kEnded = 2;

  template <class Report>
  void ReportIfAny(Report report) {
    if (!exception()) return;
    report(exception_.Change([](Exception& exception) {
      return std::exchange(exception, Exception());
    }));
  }

  typename Env::template Atomic<std::uintptr_t> word_{kRunning};
  typename Env::template Var<Exception> exception_;
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_JOIN_WORD_H_
