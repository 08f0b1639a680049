// SPDX-License-Identifier: Apache-2.0
//
// A scheduler whose tasks are threads: one more thread polls, and each task
// sleeps until it is woken.

#ifndef NETPOLL_RUNTIME_IOCP_THREAD_DRIVER_H_
#define NETPOLL_RUNTIME_IOCP_THREAD_DRIVER_H_

#include <chrono>
#include <cstdint>
#include <thread>
#include <utility>

#include "netpoll/backends/iocp/iocp_backend.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/poll_desc.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/types.h"
#include "netpoll/core/worker_glue.h"

namespace netpoll::windows {

// A thread that waits, on its own stack.
struct ThreadWaiter : Waiter {
  StdEnv::Parker parker;
};

// Wakes the threads of a list.
inline void Wake(WaiterList& list) {
  while (Waiter* const waiter = list.Pop()) {
    static_cast<ThreadWaiter*>(waiter)->parker.Unpark("driver.unpark");
  }
}

template <class Backend = IocpBackend<>>
class Driver {
 public:
  using ThePoller = Poller<Backend>;
  using Desc = typename ThePoller::Desc;
  using Operation = typename Backend::Operation;

  Driver() = default;
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;
  ~Driver() {
    if (!thread_.joinable()) return;
    stop_.Store("driver.stop", true, Order::kSeqCst);
    poller_.Break();
    thread_.join();
  }

  // 0, or the errno of the poller's Init.
  int Start() {
    const int error = poller_.Init();
    if (error == 0) thread_ = std::thread([this] { Serve(); });
    return error;
  }

  ThePoller& poller() { return poller_; }

  static std::int64_t Now() {
    return std::chrono::steady_clock::now().time_since_epoch() /
           std::chrono::nanoseconds(1);
  }

  // Blocks the thread until `direction` is ready or an error ends the wait.
  PollError Wait(Desc* desc, Mode direction, WaitKind kind) {
    ThreadWaiter waiter;
    WaitResult wait = poller_.Park(desc, direction, &waiter, kind);
    while (wait.parked()) {
      waiter.parker.Park("driver.park");
      wait = poller_.Resume(desc, direction, &waiter, kind);
    }
    return wait.error();
  }

  void SetDeadline(Desc* desc, Mode mode, Deadline deadline) {
    DeadlineResult result = poller_.SetDeadline(desc, mode, deadline);
    Run(std::move(result.wake));
    if (result.earliest_moved) poller_.Break();
  }

  void Unblock(Desc* desc) { Run(poller_.Unblock(desc)); }

 private:
  void Run(PollResult result) {
    Wake(result.ready);
    poller_.AdjustWaiters(result.waiters_delta);
  }

  // A deadline that is set after NextDeadline was read breaks the poll.
  void Serve() {
    while (!stop_.Load("driver.stop", Order::kSeqCst)) {
      Run(PollTurn(poller_, poller_.NextDeadline(), Now));
    }
  }

  ThePoller poller_;
  StdEnv::Atomic<bool> stop_;
  std::thread thread_;
};

}  // namespace netpoll::windows

#endif  // NETPOLL_RUNTIME_IOCP_THREAD_DRIVER_H_
