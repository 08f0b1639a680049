// SPDX-License-Identifier: Apache-2.0
//
// The tasks of three schedulers, for the lines of wait.h: a thread, a fiber of
// Boost.Context, a coroutine. (What a callback needs is in its own state: see
// glue_run_test.cc, and examples/loops/.)

#ifndef NETPOLL_EXAMPLES_GLUE_TASKS_H_
#define NETPOLL_EXAMPLES_GLUE_TASKS_H_

#include <semaphore.h>

#include <boost/context/fiber.hpp>
#include <condition_variable>
#include <coroutine>
#include <cstdlib>
#include <deque>
#include <functional>
#include <mutex>
#include <utility>

#include "netpoll/core/types.h"
#include "netpoll/examples/glue/wait.h"

namespace netpoll::examples {

// --- A thread ----------------------------------------------------------------

// Lives on the thread's stack. So Wake must be done with it when the thread
// goes on: sem_post is, by POSIX; a condition variable that is signalled after
// its mutex was let go is not.
class ThreadTask : public Waiter {
 public:
  ThreadTask() { sem_init(&woken_, 0, 0); }
  ThreadTask(const ThreadTask&) = delete;
  ~ThreadTask() { sem_destroy(&woken_); }

  // A wake-up that came first is remembered; one for nothing is not one.
  void Sleep() {
    while (sem_wait(&woken_) != 0) {
    }
  }
  void Wake() { sem_post(&woken_); }

 private:
  sem_t woken_;
};

// --- Workers for the others --------------------------------------------------

// Runs what is pushed, on as many threads as call Run.
class Workers {
 public:
  void Push(std::function<void()> work) {
    {
      const std::lock_guard<std::mutex> hold(mutex_);
      queue_.push_back(std::move(work));
    }
    some_.notify_one();
  }
  void Stop() {
    {
      const std::lock_guard<std::mutex> hold(mutex_);
      stopped_ = true;
    }
    some_.notify_all();
  }
  void Run() {
    for (;;) {
      std::function<void()> work;
      {
        std::unique_lock<std::mutex> hold(mutex_);
        some_.wait(hold, [this] { return stopped_ || !queue_.empty(); });
        if (queue_.empty()) return;
        work = std::move(queue_.front());
        queue_.pop_front();
      }
      work();
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable some_;
  std::deque<std::function<void()>> queue_;
  bool stopped_ = false;
};

// --- A fiber -----------------------------------------------------------------

class FiberTask : public Waiter {
 public:
  explicit FiberTask(std::function<void(FiberTask&)> body)
      : fiber_([this, body = std::move(body)](boost::context::fiber&& worker) {
          worker_ = std::move(worker);
          body(*this);
          ended_ = true;
          return std::move(worker_);
        }) {}

  // By a worker: the fiber runs until it is left. What is to be done then is
  // done here, on the worker's stack, when the fiber is a value again that any
  // thread may resume.
  void Go() {
    do {
      boost::context::fiber left = std::move(fiber_).resume();
      if (ended_) {
        delete this;
        return;
      }
      fiber_ = std::move(left);
    } while (!std::exchange(commit_, nullptr)());  // True: hands off.
  }

  // By the fiber.
  template <class Commit>
  void LeaveFor(Commit commit) {
    commit_ = commit;
    worker_ = std::move(worker_).resume();
  }

 private:
  boost::context::fiber fiber_;
  boost::context::fiber worker_;
  std::function<bool()> commit_;
  bool ended_ = false;
};

// --- A coroutine -------------------------------------------------------------

// Begins at once, and frees itself when it ends.
struct Detached {
  struct promise_type {
    Detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::abort(); }
  };
};

// The awaitable, and the task that is parked while it waits.
template <class Poller>
class Readiness : public Waiter {
 public:
  Readiness(Poller& poller, typename Poller::Desc* desc, Mode direction)
      : wait_{poller, desc, direction, *this} {}

  bool await_ready() { return false; }
  // Out of line: gcc 12 may otherwise keep what it needs in the frame.
  [[gnu::noinline]] bool await_suspend(std::coroutine_handle<> coroutine) {
    coroutine_ = coroutine;
    return wait_.Suspend();
  }
  PollError await_resume() { return answer_; }

  // By a worker.
  void Go() {
    if (wait_.GoOn()) coroutine_.resume();
  }

  void SetAnswer(PollError answer) { answer_ = answer; }

 private:
  CoroutineWait<Poller, Readiness> wait_;
  std::coroutine_handle<> coroutine_;
  PollError answer_ = PollError::kNone;
};

}  // namespace netpoll::examples

#endif  // NETPOLL_EXAMPLES_GLUE_TASKS_H_
