// SPDX-License-Identifier: Apache-2.0
//
// Tasks are callbacks inside a loop of somebody else's (docs/loops.md): the
// scheduler's side of ForeignLoop, and what the loop's own side runs.

#ifndef NETPOLL_TESTS_CONSUMER_WORKSPACE_ACCEPTANCE_LOOP_H_
#define NETPOLL_TESTS_CONSUMER_WORKSPACE_ACCEPTANCE_LOOP_H_

#include <deque>
#include <mutex>
#include <thread>

#include "netpoll/core/foreign_loop.h"
#include "talk.h"

struct Task : Waiter {
  explicit Task(Side& does) : side(does) {}
  Side& side;
  bool waits = false;
};

class Loop {
 public:
  Loop() { Check(poller_.Init() == 0, "Init"); }

  // ForeignLoop's.
  std::int64_t Now() { return ::Now(); }
  void Run(Waiter* waiter) {
    const std::lock_guard hold(lock_);
    runnable_.push_back(static_cast<Task*>(waiter));
  }
  bool WorkVisible() {
    const std::lock_guard hold(lock_);
    return !runnable_.empty();
  }

  // `sleep(descriptor, milliseconds)`: whether it is readable.
  template <class Sleep>
  void Go(Sleep sleep) {
    Ends ends(poller_);
    Side sender(ends, true), reader(ends, false);
    Task sends(sender), reads(reader);
    Run(&sends);
    // From another thread, when the loop may be asleep.
    std::thread other([&] {
      Run(&reads);
      loop_.WorkCame();
    });
    bool set = false;
    long sleeps = 0;
    for (;;) {
      while (Task* const task = Pop()) Call(*task);
      if (reader.ended) break;
      if (sender.ended && !set) {
        set = true;
        loop_.Deliver(poller_.SetDeadline(
            reader.desc, Mode::kRead,
            netpoll::Deadline::At(Now() + 50 * kMillisecond)));
      }
      const auto rest = loop_.Prepare();
      if (rest.work) continue;
      ++sleeps;
      loop_.Return(
          sleep(loop_.descriptor(), loop_.MillisecondsUntil(rest.until)));
    }
    other.join();
    // A turn of each side for a few numbers, and not many for the deadline.
    Check(sleeps <= 2 * long{kNumbers}, "the loop does not spin");
  }

 private:
  Task* Pop() {
    const std::lock_guard hold(lock_);
    if (runnable_.empty()) return nullptr;
    Task* const first = runnable_.front();
    runnable_.pop_front();
    return first;
  }
  void Call(Task& task) {
    Side& side = task.side;
    PollError error = PollError::kNone;
    if (task.waits) {
      const auto wait = poller_.Resume(side.desc, side.mode, &task);
      if (wait.parked()) return;
      error = wait.error();
    } else {
      error = poller_.Reset(side.desc, side.mode);
    }
    task.waits = false;
    while (side.Again(error) && !side.Try()) {
      task.waits = true;
      const auto wait = poller_.Park(side.desc, side.mode, &task);
      if (wait.parked()) return;
      task.waits = false;
      error = wait.error();
    }
  }

  Poller poller_;
  std::mutex lock_;
  std::deque<Task*> runnable_;
  netpoll::ForeignLoop<Poller, Loop> loop_{poller_, *this};
};

#endif  // NETPOLL_TESTS_CONSUMER_WORKSPACE_ACCEPTANCE_LOOP_H_
