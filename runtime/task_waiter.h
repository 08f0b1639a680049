// SPDX-License-Identifier: Apache-2.0
//
// What the run queues hold: a waiter that knows how to go on, and where.

#ifndef NETPOLL_RUNTIME_TASK_WAITER_H_
#define NETPOLL_RUNTIME_TASK_WAITER_H_

#include "netpoll/core/cpp20.h"

#include <coroutine>
#include <cstdint>

#include "netpoll/core/types.h"

namespace netpoll::internal {

class Scheduler;
struct Worker;

// Where what waits is made runnable. A scheduler is one, and so is each of its
// workers, for tasks that stay there.
struct Home {
  Scheduler* scheduler = nullptr;
  Worker* worker = nullptr;  // Null: any.
};

// `run` is called once each time the waiter is taken from a run queue. It may
// resume a coroutine and so destroy the waiter.
struct TaskWaiter : Waiter {
  using Run = void (*)(TaskWaiter*);
  // Of one in which all are set before they are read.
  struct Later {};

  TaskWaiter() : run(nullptr), home(nullptr), about(nullptr) {}
  explicit TaskWaiter(Later) {}

  Run run;
  // That of the workers that run the task. Set before the waiter is known to
  // anybody (suspend.h); whoever wakes it makes it runnable there.
  const Home* home;
  // What `run` looks at first, besides this (AskAhead); null: nothing. Of one
  // that resumes a coroutine its address.
  void* about;
};

// Has the memory bring near what lies there, of two cache lines: a hint, any
// address will do. Always inline: gcc 12 leaves out the call of a function that
// does nothing else.
[[gnu::always_inline]] inline void BringNear(const void* what) {
  constexpr std::uintptr_t kLine = 64;
  const auto first = reinterpret_cast<std::uintptr_t>(what);
  __builtin_prefetch(what);
  __builtin_prefetch(reinterpret_cast<const void*>(first + kLine));
}

// Of run queues: brings near what those need that come next, while the one
// before them is at its system calls. Of the next, what it is about; and the
// one behind it, so that it can be asked the same in its turn. With thousands
// of connections nothing of them is in a cache any more.
struct AskAhead {
  [[gnu::always_inline]] static void Ask(const Waiter* next) {
    if (next == nullptr) return;
    BringNear(static_cast<const TaskWaiter*>(next)->about);
    BringNear(next->next);
  }
};

// The coroutine that the library resumed last on this thread and that has not
// returned from it; null if there is none. Whoever else resumes one, code of
// the program's own, leaves no mark here.
inline thread_local void* resumed = nullptr;

inline void ResumeHere(std::coroutine_handle<> task) {
  resumed = task.address();
  task.resume();
}

// Resumes a coroutine.
struct ResumeWaiter : TaskWaiter {
  ResumeWaiter() {
    run = [](TaskWaiter* self) {
      ResumeHere(std::coroutine_handle<>::from_address(self->about));
    };
  }
  void Resumes(std::coroutine_handle<> task) { about = task.address(); }
};

// The coroutine that this thread resumes next. A task that ends names its
// awaiter here instead of resuming it, so that no chain of completions grows
// the stack (a symmetric transfer is a nested call at -O0 and under
// sanitizers). Read by whoever resumed the task: see Task, and the run loop.
inline thread_local std::coroutine_handle<> resume_next = nullptr;

// Runs everything that completes because of what was resumed.
inline void ResumeRest() {
  while (resume_next) {
    const std::coroutine_handle<> next = resume_next;
    resume_next = nullptr;
    ResumeHere(next);
  }
}

// Runs a waiter and everything that completes because of it.
inline void RunWaiter(TaskWaiter* waiter) {
  waiter->run(waiter);
  ResumeRest();
  resumed = nullptr;
}

// `ended` has ended, and `awaiter` goes on. If the library resumed it, whoever
// did so sees to that. If code of the program did, a thread of its own or a
// task in its midst, nobody would: then it is done here. The frame of what
// ended may be gone afterwards.
[[gnu::noinline]] inline void ResumeAwaiter(std::coroutine_handle<> awaiter) {
  void* const outer = resumed;
  const std::coroutine_handle<> pending = resume_next;
  resume_next = awaiter;
  ResumeRest();
  resume_next = pending;
  resumed = outer;
}

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_TASK_WAITER_H_
