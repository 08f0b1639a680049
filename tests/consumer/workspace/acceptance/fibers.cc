// SPDX-License-Identifier: Apache-2.0
//
// Tasks are fibers (ucontext), on one thread: the scheduler's stack commits.

#include <ucontext.h>

#include <deque>
#include <vector>

#include "netpoll/core/wait.h"
#include "netpoll/core/worker_glue.h"
#include "talk.h"

struct Fiber;
Poller* poller;
ucontext_t outside;
Fiber* current;
std::deque<Fiber*> runnable;

struct Fiber : Waiter {
  explicit Fiber(Side& does) : side(does), stack(64 * 1024) {
    ::getcontext(&context);
    context.uc_stack.ss_sp = stack.data();
    context.uc_stack.ss_size = stack.size();
    context.uc_link = &outside;
    ::makecontext(
        &context, [] { current->Main(); }, 0);
  }
  void Main() {
    PollError error = poller->Reset(side.desc, side.mode);
    while (side.Again(error) && !side.Try()) error = Wait();
  }
  PollError Wait() {
    for (;;) {
      const netpoll::WaitStep begun = poller->Prepare(side.desc, side.mode);
      if (begun.ended) return begun.error;
      commits = true;
      ::swapcontext(&context, &outside);
      const netpoll::WaitStep over = poller->Finish(side.desc, side.mode);
      if (over.ended) return over.error;
    }
  }

  Side& side;
  std::vector<char> stack;
  ucontext_t context;
  bool commits = false;
};

void Deliver(netpoll::PollResult result) {
  while (Waiter* const waiter = result.ready.Pop()) {
    runnable.push_back(static_cast<Fiber*>(waiter));
  }
  poller->AdjustWaiters(result.waiters_delta);
}

int main() {
  Poller made;
  poller = &made;
  Check(made.Init() == 0, "Init");
  Ends ends(made);
  Side sender(ends, true), reader(ends, false);
  Fiber sends(sender), reads(reader);
  runnable = {&sends, &reads};
  bool set = false;
  while (!reader.ended) {
    if (sender.ended && !set) {
      set = true;
      Deliver(made.SetDeadline(reader.desc, Mode::kRead,
                               netpoll::Deadline::At(Now() + kMillisecond))
                  .wake);
    }
    if (runnable.empty()) {
      Deliver(netpoll::PollTurn(made, made.NextDeadline(), Now));
      continue;
    }
    current = runnable.front();
    runnable.pop_front();
    ::swapcontext(&outside, &current->context);
    // It has been left: from here on another thread might run it, if it parks.
    if (current->commits) {
      current->commits = false;
      if (!made.Commit(current->side.desc, current->side.mode, current)) {
        runnable.push_back(current);
      }
    }
  }
}
