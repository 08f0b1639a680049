// SPDX-License-Identifier: Apache-2.0
//
// One lock guards the queue, the threads that are idle, and the state of each
// piece of work. Whoever takes work out of the queue, a thread to run it or
// somebody who cancels, makes its task runnable: nobody else does.

#include "netpoll/runtime/blocking_pool.h"

#include <pthread.h>

#include <cerrno>
#include <coroutine>
#include <cstddef>
#include <memory>
#include <stop_token>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/closers.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/protocols/cancel_node.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/suspend.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task_context.h"

namespace netpoll {
namespace internal {

class PoolState {
 public:
  explicit PoolState(BlockingPoolOptions options) : options_(options) {}

  const BlockingPoolOptions& options() const { return options_; }
  bool valid() const {
    return options_.threads >= 1 && options_.threads <= 1024;
  }

  // False: it is not queued, and its state says why.
  bool Submit(Job* job);
  // Its task is made runnable, if it was queued.
  void Cancel(Job* job, CancelReason why);
  void End();
  int threads();
  std::size_t waiting();

 private:
  struct Thread {
    PoolState* pool = nullptr;
    pthread_t id{};
    StdEnv::Parker parker;
    Thread* next_idle = nullptr;  // Guarded by lock_.
  };

  static void* Main(void* thread);
  Job* Next(Thread* thread);
  void Unlink(Job* job);
  void NoThread(Job* job, int error);

  const BlockingPoolOptions options_;
  StdEnv::Lock lock_;  // Guards what follows.
  Job* first_ = nullptr;
  Job** end_ = &first_;
  std::size_t waiting_ = 0;
  std::size_t running_ = 0;
  Thread* idle_ = nullptr;
  bool ending_ = false;
  std::vector<std::unique_ptr<Thread>> threads_;
};

bool PoolState::Submit(Job* job) {
  Thread* wake = nullptr;
  {
    const LockHolder hold(lock_, "pool.submit");
    if (job->state == Job::State::kCancelled) return false;
    if (waiting_ >= options_.queue) {
      job->state = Job::State::kRefused;
      return false;
    }
    job->state = Job::State::kQueued;
    job->link = end_;
    *end_ = job;
    end_ = &job->next;
    ++waiting_;
    wake = idle_;
    if (wake != nullptr) {
      idle_ = wake->next_idle;
    } else if (threads_.size() < static_cast<std::size_t>(options_.threads)) {
      // Under the lock: the pool is not ended meanwhile, and its thread waits.
      threads_.push_back(std::make_unique<Thread>());
      Thread& thread = *threads_.back();
      thread.pool = this;
      const int error =
          sys.thread_create(&thread.id, nullptr, &PoolState::Main, &thread);
      if (error != 0) {
        threads_.pop_back();
        // Others will come to it.
        if (!threads_.empty()) return true;
        Unlink(job);
        job->state = Job::State::kNoThread;
        job->error = error;
        return false;
      }
    }
  }
  if (wake != nullptr) wake->parker.Unpark("pool.wake");
  return true;
}

void PoolState::Unlink(Job* job) {
  *job->link = job->next;
  if (job->next != nullptr) {
    job->next->link = job->link;
  } else {
    end_ = job->link;
  }
  job->next = nullptr;
  --waiting_;
}

void PoolState::Cancel(Job* job, CancelReason why) {
  {
    const LockHolder hold(lock_, "pool.cancel");
    const Job::State was = job->state;
    if (was == Job::State::kNew || was == Job::State::kQueued) {
      job->state = Job::State::kCancelled;
      job->reason = why;
    }
    if (was != Job::State::kQueued) return;
    Unlink(job);
  }
  Scheduler::MakeRunnable(job);
}

// Null: the thread is among the idle, or all ends.
Job* PoolState::Next(Thread* thread) {
  const LockHolder hold(lock_, "pool.next");
  Job* const job = first_;
  if (job != nullptr) {
    Unlink(job);
    job->state = Job::State::kRunning;
    ++running_;
    return job;
  }
  thread->next_idle = idle_;
  idle_ = thread;
  return nullptr;
}

void* PoolState::Main(void* argument) {
  Closers::Quiet();
  auto* const thread = static_cast<Thread*>(argument);
  PoolState& pool = *thread->pool;
  for (;;) {
    Job* const job = pool.Next(thread);
    if (job == nullptr) {
      thread->parker.Park("pool.park");
      const LockHolder hold(pool.lock_, "pool.ending");
      if (pool.ending_) return nullptr;
      continue;
    }
    job->call(job);
    {
      const LockHolder hold(pool.lock_, "pool.ran");
      --pool.running_;
    }
    Scheduler::MakeRunnable(job);
  }
}

void PoolState::End() {
  {
    const LockHolder hold(lock_, "pool.end");
    if (waiting_ != 0 || running_ != 0) {
      StdEnv::Misuse("a BlockingPool was destroyed before its work had ended");
    }
    ending_ = true;
  }
  // A thread that is not idle yet will be, and finds the token.
  for (const auto& thread : threads_) thread->parker.Unpark("pool.unpark");
  for (const auto& thread : threads_) sys.thread_join(thread->id, nullptr);
}

int PoolState::threads() {
  const LockHolder hold(lock_, "pool.threads");
  return static_cast<int>(threads_.size());
}

std::size_t PoolState::waiting() {
  const LockHolder hold(lock_, "pool.waiting");
  return waiting_;
}

void JobAwaiter::Cancel::operator()() const {
  job->pool_.Cancel(job, CancelReason::kCancelled);
}

void JobAwaiter::Interrupt(void* self, CancelReason reason) {
  auto* const job = static_cast<JobAwaiter*>(self);
  job->pool_.Cancel(job, reason);
}

void JobAwaiter::Suspend(std::coroutine_handle<> task,
                         const TaskContext* context) {
  if (state != State::kNew) {
    StdEnv::Misuse("a piece of blocking work was awaited twice");
  }
  handle = task;
  SettleIn(*this, context);
  if (pool_.valid()) {
    seat_ = &SeatFor(*this, context, own_seat_);
    if (Queue()) return;
  }
  // Whoever is refused again and again lets the others go first.
  GoLast(*this);
}

// True: it is in the queue, and the task may be gone. Whoever cancels is told
// where to find it before that.
bool JobAwaiter::Queue() {
  by_token_.emplace(token_, Cancel{this});
  bool queued = false;
  const CancelReason why =
      seat_->node->Sit(*seat_, this, &JobAwaiter::Interrupt,
                       [&] { queued = pool_.Submit(this); });
  if (why != CancelReason::kNone) pool_.Cancel(this, why);
  return queued;
}

absl::Status JobAwaiter::Ended() {
  // Waits for one that is calling back.
  by_token_.reset();
  if (seat_ != nullptr) seat_->node->Leave(*seat_);
  switch (state) {
    case State::kCancelled:
      if (reason == CancelReason::kTimeout) {
        return absl::DeadlineExceededError(
            "blocking work had no time left to begin");
      }
      return absl::CancelledError(
          "blocking work was cancelled before it began");
    case State::kRefused:
      return absl::ResourceExhaustedError(
          absl::StrCat("blocking work was refused: ", pool_.options().queue,
                       " pieces wait for a thread"));
    case State::kNoThread:
      return absl::ResourceExhaustedError(absl::StrCat(
          "no thread for blocking work could be started: ", ErrnoName(error)));
    case State::kNew:
      return absl::InvalidArgumentError(
          absl::StrCat("a BlockingPool's threads are ", pool_.options().threads,
                       ", but must be 1 to 1024"));
    case State::kQueued:
    case State::kRunning:
      break;
  }
  return absl::OkStatus();
}

}  // namespace internal

BlockingPool::BlockingPool(BlockingPoolOptions options)
    : state_(std::make_unique<internal::PoolState>(options)) {}
BlockingPool::~BlockingPool() { state_->End(); }

int BlockingPool::threads() const { return state_->threads(); }
std::size_t BlockingPool::waiting() const { return state_->waiting(); }

}  // namespace netpoll
