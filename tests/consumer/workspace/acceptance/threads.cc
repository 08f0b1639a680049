// SPDX-License-Identifier: Apache-2.0
//
// Tasks are OS threads; one more polls.

#include <semaphore.h>

#include <atomic>
#include <thread>

#include "netpoll/core/worker_glue.h"
#include "talk.h"

struct Task : Waiter {
  Task() { ::sem_init(&woken, 0, 0); }
  sem_t woken;
};

void Run(Poller& poller, Side& side) {
  Task task;
  PollError error = poller.Reset(side.desc, side.mode);
  while (side.Again(error) && !side.Try()) {
    netpoll::WaitResult wait = poller.Park(side.desc, side.mode, &task);
    while (wait.parked()) {
      while (::sem_wait(&task.woken) != 0) {
      }
      wait = poller.Resume(side.desc, side.mode, &task);
    }
    error = wait.error();
  }
}

int main() {
  Poller poller;
  Check(poller.Init() == 0, "Init");
  std::atomic<bool> end{false};
  const auto deliver = [&poller](netpoll::PollResult result) {
    while (Waiter* const waiter = result.ready.Pop()) {
      ::sem_post(&static_cast<Task*>(waiter)->woken);
    }
    poller.AdjustWaiters(result.waiters_delta);
  };
  std::thread polls([&] {
    while (!end) deliver(netpoll::PollTurn(poller, poller.NextDeadline(), Now));
  });
  {
    Ends ends(poller);
    Side sender(ends, true), reader(ends, false);
    std::thread sends([&] { Run(poller, sender); });
    std::thread reads([&] { Run(poller, reader); });
    sends.join();
    const netpoll::DeadlineResult set = poller.SetDeadline(
        reader.desc, Mode::kRead, netpoll::Deadline::At(Now() + kMillisecond));
    deliver(set.wake);
    if (set.earliest_moved) poller.Break();
    reads.join();
  }
  end = true;
  poller.Break();
  polls.join();
}
