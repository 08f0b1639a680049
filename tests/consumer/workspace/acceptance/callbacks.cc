// SPDX-License-Identifier: Apache-2.0
//
// Tasks are callbacks on one thread, which polls when none is runnable.

#include <deque>

#include "netpoll/core/worker_glue.h"
#include "talk.h"

struct Task : Waiter {
  explicit Task(Side& does) : side(does) {}
  Side& side;
  bool waits = false;
};

void Call(Poller& poller, Task& task) {
  Side& side = task.side;
  PollError error = PollError::kNone;
  if (task.waits) {
    const netpoll::WaitResult wait = poller.Resume(side.desc, side.mode, &task);
    if (wait.parked()) return;
    error = wait.error();
  } else {
    error = poller.Reset(side.desc, side.mode);
  }
  task.waits = false;
  while (side.Again(error) && !side.Try()) {
    task.waits = true;  // Before it may be parked.
    const netpoll::WaitResult wait = poller.Park(side.desc, side.mode, &task);
    if (wait.parked()) return;
    task.waits = false;
    error = wait.error();
  }
}

int main() {
  Poller poller;
  Check(poller.Init() == 0, "Init");
  Ends ends(poller);
  Side sender(ends, true), reader(ends, false);
  Task sends(sender), reads(reader);
  std::deque<Task*> runnable = {&sends, &reads};
  const auto deliver = [&](netpoll::PollResult result) {
    while (Waiter* const waiter = result.ready.Pop()) {
      runnable.push_back(static_cast<Task*>(waiter));
    }
    poller.AdjustWaiters(result.waiters_delta);
  };
  bool set = false;
  while (!reader.ended) {
    if (sender.ended && !set) {
      set = true;
      deliver(poller
                  .SetDeadline(reader.desc, Mode::kRead,
                               netpoll::Deadline::At(Now() + kMillisecond))
                  .wake);
    }
    if (runnable.empty()) {
      deliver(netpoll::PollTurn(poller, poller.NextDeadline(), Now));
      continue;
    }
    Task* const task = runnable.front();
    runnable.pop_front();
    Call(poller, *task);
  }
}
