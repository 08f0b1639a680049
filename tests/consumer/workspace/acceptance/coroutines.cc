// SPDX-License-Identifier: Apache-2.0
//
// Tasks are coroutines on three workers, of which one polls while it has no
// task: the sleep protocol, by WorkerGlue.

#include <atomic>
#include <coroutine>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "netpoll/core/sleep_protocol.h"
#include "netpoll/core/worker_glue.h"
#include "talk.h"

struct Scheduler;

struct Task {
  struct promise_type {
    Task get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::abort(); }
  };
  std::coroutine_handle<> handle;
};

struct Parked : Waiter {
  std::coroutine_handle<> task;
  Side* side = nullptr;
  PollError error = PollError::kNone;
};

struct Scheduler {
  static constexpr int kWorkers = 3;

  // --- A worker's host (worker_glue.h).
  std::int64_t Now() { return ::Now(); }
  std::int64_t NextTime() { return poller.NextDeadline(); }
  void Poll(netpoll::Delta delta) { Deliver(poller.Poll(delta)); }
  void PollAll() { Deliver(poller.PollAll()); }
  void Expire(std::int64_t now) {
    netpoll::DeadlineResult result = poller.ExpireTimers(now);
    const bool any = !result.wake.ready.empty();
    Deliver(result.wake);
    if (any && protocol.Wake()) Break();
    if (result.earliest_moved && protocol.DeadlineMoved(NextTime())) Break();
  }
  bool WorkVisible() {
    const std::lock_guard hold(lock);
    return !runnable.empty() || end;
  }
  void Break() { poller.Break(); }

  void Deliver(netpoll::PollResult result) {
    {
      const std::lock_guard hold(lock);
      while (Waiter* const waiter = result.ready.Pop()) {
        runnable.push_back(static_cast<Parked*>(waiter));
      }
    }
    poller.AdjustWaiters(result.waiters_delta);
  }
  void Push(Parked* parked) {
    {
      const std::lock_guard hold(lock);
      runnable.push_back(parked);
    }
    if (protocol.Wake()) Break();
  }
  Parked* Pop() {
    const std::lock_guard hold(lock);
    if (runnable.empty()) return nullptr;
    Parked* const first = runnable.front();
    runnable.pop_front();
    return first;
  }
  // A parked task has been woken: it goes on, unless it is to wait again.
  void Run(Parked* parked) {
    if (parked->side != nullptr) {
      const netpoll::WaitResult wait =
          poller.Resume(parked->side->desc, parked->side->mode, parked);
      if (wait.parked()) return;
      parked->error = wait.error();
    }
    parked->task.resume();
  }
  void Work(int number) {
    netpoll::WorkerGlue<netpoll::StdEnv, Scheduler> glue(protocol, number,
                                                         *this);
    while (!end) {
      if (Parked* const next = Pop()) {
        Run(next);
      } else {
        glue.Idle();
      }
    }
    // Each that leaves lets another find out.
    if (protocol.Wake()) Break();
  }

  Poller poller;
  netpoll::SleepProtocol<netpoll::StdEnv> protocol;
  std::mutex lock;
  std::deque<Parked*> runnable;
  std::atomic<bool> end{false};
  std::atomic<bool> sent{false};
};

struct Wait {
  Scheduler& scheduler;
  Side& side;
  Parked parked = {};

  bool await_ready() { return false; }
  bool await_suspend(std::coroutine_handle<> task) {
    parked.task = task;
    parked.side = &side;
    const netpoll::WaitResult wait =
        scheduler.poller.Park(side.desc, side.mode, &parked);
    if (wait.parked()) return true;  // Nothing of this is touched any more.
    parked.error = wait.error();
    return false;
  }
  PollError await_resume() { return parked.error; }
};

Task Go(Scheduler& scheduler, Side& side) {
  PollError error = scheduler.poller.Reset(side.desc, side.mode);
  while (side.Again(error) && !side.Try()) {
    error = co_await Wait{scheduler, side};
  }
  if (side.mode == Mode::kWrite) {
    scheduler.sent = true;
    scheduler.sent.notify_one();
    co_return;
  }
  scheduler.end = true;
  if (scheduler.protocol.Wake()) scheduler.Break();
}

int main() {
  Scheduler scheduler;
  Check(scheduler.poller.Init() == 0, "Init");
  {
    Ends ends(scheduler.poller);
    Side sender(ends, true), reader(ends, false);
    Parked first, second;
    first.task = Go(scheduler, sender).handle;
    second.task = Go(scheduler, reader).handle;
    scheduler.Push(&first);
    scheduler.Push(&second);
    std::vector<std::thread> workers;
    for (int i = 0; i < Scheduler::kWorkers; ++i) {
      workers.emplace_back([&scheduler, i] { scheduler.Work(i); });
    }
    scheduler.sent.wait(false);
    netpoll::DeadlineResult set = scheduler.poller.SetDeadline(
        reader.desc, Mode::kRead, netpoll::Deadline::At(Now() + kMillisecond));
    const bool any = !set.wake.ready.empty();
    scheduler.Deliver(set.wake);
    if (any && scheduler.protocol.Wake()) scheduler.Break();
    if (set.earliest_moved &&
        scheduler.protocol.DeadlineMoved(scheduler.NextTime())) {
      scheduler.Break();
    }
    for (std::thread& worker : workers) worker.join();
  }
}
