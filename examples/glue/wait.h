// SPDX-License-Identifier: Apache-2.0
//
// How a task waits for readiness, in the four ways in which schedulers keep
// tasks. Each is written once, over what the scheduler supplies: the examples
// run these lines with threads, fibers, coroutines and callbacks of their own,
// and the explorer runs them with tasks of its own (glue_test.cc).
//
//   thread      the task sleeps where it is, and is woken there
//   fiber       the task is left for another stack, which then commits
//   coroutine   the task is left before await_suspend is called; what resumes
//               it asks first whether the wait is over
//   callback    there is nothing to leave: what comes next is written down
//
// In all of them: from a Park (or Commit) that says "parked" on, nothing of the
// task is touched by whoever called it, not even to keep the answer: another
// thread may be running the task, or have ended it.

#ifndef NETPOLL_EXAMPLES_GLUE_WAIT_H_
#define NETPOLL_EXAMPLES_GLUE_WAIT_H_

#include "netpoll/core/types.h"
#include "netpoll/core/wait.h"

namespace netpoll::examples {

// A Task: a Waiter, and
//   void Sleep()   until somebody called Wake, before or meanwhile
// The frame that calls this is the thread's own and stays; so "touch nothing"
// binds the others: who has called Wake is done with the task.
template <class Poller, class Task>
PollError WaitOnThread(Poller& poller, typename Poller::Desc* desc,
                       Mode direction, Task& task) {
  WaitResult wait = poller.Park(desc, direction, &task);
  while (wait.parked()) {
    task.Sleep();
    wait = poller.Resume(desc, direction, &task);
  }
  return wait.error();
}

// A Task: a Waiter, and
//   void LeaveFor(commit)   saves the task such that any thread may go on with
//                           it, calls commit() on another stack, and returns
//                           when the task goes on: at once if that was false
template <class Poller, class Task>
PollError WaitOnFiber(Poller& poller, typename Poller::Desc* desc,
                      Mode direction, Task& task) {
  for (;;) {
    const WaitStep begun = poller.Prepare(desc, direction);
    if (begun.ended) return begun.error;
    // On the other stack: by value, for the fiber's frame may go on meanwhile.
    task.LeaveFor([poller_ = &poller, desc, direction, task_ = &task] {
      return poller_->Commit(desc, direction, task_);
    });
    const WaitStep over = poller.Finish(desc, direction);
    if (over.ended) return over.error;
  }
}

// An awaitable. A Task: a Waiter, and
//   bool SetAnswer(PollError)   keeps it for await_resume
// Suspend is await_suspend: true, the coroutine stays suspended. Whoever takes
// the waiter from a list calls GoOn: true, resume the coroutine.
template <class Poller, class Task>
struct CoroutineWait {
  Poller& poller;
  typename Poller::Desc* const desc;
  const Mode direction;
  Task& task;

  bool Suspend() {
    // Not into the frame: it may be gone.
    const WaitResult wait = poller.Park(desc, direction, &task);
    if (wait.parked()) return true;
    task.SetAnswer(wait.error());
    return false;
  }
  bool GoOn() {
    const WaitResult wait = poller.Resume(desc, direction, &task);
    if (wait.parked()) return false;
    task.SetAnswer(wait.error());
    return true;
  }
};

// A Task: a Waiter, and
//   bool waits()           whether it was parked when it ran last
//   void SetWaits(bool)
// Once per run of the callback, before it tries its call; and Again when that
// would block. parked(): return from the callback, it is called again.
template <class Poller, class Task>
WaitResult BeginCallback(Poller& poller, typename Poller::Desc* desc,
                         Mode direction, Task& task) {
  if (!task.waits()) {
    return WaitResult::Ended(poller.Reset(desc, direction));
  }
  const WaitResult wait = poller.Resume(desc, direction, &task);
  if (!wait.parked()) task.SetWaits(false);
  return wait;
}
template <class Poller, class Task>
WaitResult WaitInCallback(Poller& poller, typename Poller::Desc* desc,
                          Mode direction, Task& task) {
  task.SetWaits(true);  // Before it may be parked.
  const WaitResult wait = poller.Park(desc, direction, &task);
  if (!wait.parked()) task.SetWaits(false);
  return wait;
}

}  // namespace netpoll::examples

#endif  // NETPOLL_EXAMPLES_GLUE_WAIT_H_
