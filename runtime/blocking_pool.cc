// SPDX-License-Identifier: Apache-2.0
//
// In what order work, threads and who cancels meet: protocols/work_queue.h.

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
#include "netpoll/core/types.h"
#include "netpoll/runtime/closers.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/protocols/cancel_node.h"
#include "netpoll/runtime/protocols/work_queue.h"
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
  bool Submit(Job* job) {
    return work_.Submit(job, options_.queue,
                        [=, this](int threads) { return Start(threads, job); });
  }
  // Its task is made runnable, if it was queued.
  void Cancel(Job* job, CancelReason why) {
    if (work_.Cancel(job, [job, why] { job->reason = why; })) {
      Scheduler::MakeRunnable(job);
    }
  }
  void End();
  int threads() { return work_.threads(); }
  std::size_t waiting() { return work_.waiting(); }

 private:
  struct Thread {
    PoolState* pool = nullptr;
    pthread_t id{};
    StdEnv::Parker parker;
    StdEnv::Var<Thread*> behind;
  };

  bool Start(int threads, Job* job);
  static void* Main(void* thread);

  const BlockingPoolOptions options_;
  WorkQueue<StdEnv, Job, Thread> work_;
  std::vector<std::unique_ptr<Thread>> threads_;  // Under the queue's lock.
};

// Under the queue's lock: the pool is not ended meanwhile, and the new thread
// waits for it.
bool PoolState::Start(int threads, Job* job) {
  if (threads >= options_.threads) return false;
  threads_.push_back(std::make_unique<Thread>());
  Thread& thread = *threads_.back();
  thread.pool = this;
  job->error =
      sys.thread_create(&thread.id, nullptr, &PoolState::Main, &thread);
  if (job->error != 0) threads_.pop_back();
  return job->error == 0;
}

void* PoolState::Main(void* argument) {
  Closers::Quiet();
  auto* const thread = static_cast<Thread*>(argument);
  PoolState& pool = *thread->pool;
  for (;;) {
    Job* const job = pool.work_.Next(thread);
    if (job == nullptr) {
      thread->parker.Park("pool.park");
      if (pool.work_.ending()) return nullptr;
      continue;
    }
    job->call(job);
    pool.work_.Ran();
    Scheduler::MakeRunnable(job);
  }
}

void PoolState::End() {
  if (!work_.End()) {
    StdEnv::Misuse("a BlockingPool was destroyed before its work had ended");
  }
  // A thread that is not idle yet will be, and finds the token.
  for (const auto& thread : threads_) thread->parker.Unpark("pool.unpark");
  for (const auto& thread : threads_) sys.thread_join(thread->id, nullptr);
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
  if (state.Get() != WorkState::kNew) {
    StdEnv::Misuse("a piece of blocking work was awaited twice");
  }
  Resumes(task);
  SettleIn(*this, context);
  note_.Write(__builtin_return_address(0), context);
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
  switch (state.Get()) {
    case WorkState::kCancelled:
      if (reason == CancelReason::kTimeout) {
        return absl::DeadlineExceededError(
            "blocking work had no time left to begin");
      }
      return absl::CancelledError(
          "blocking work was cancelled before it began");
    case WorkState::kRefused:
      return absl::ResourceExhaustedError(
          absl::StrCat("blocking work was refused: ", pool_.options().queue,
                       " pieces wait for a thread"));
    case WorkState::kNoThread:
      return absl::ResourceExhaustedError(absl::StrCat(
          "no thread for blocking work could be started: ", ErrnoName(error)));
    case WorkState::kNew:
      return absl::InvalidArgumentError(
          absl::StrCat("a BlockingPool's threads are ", pool_.options().threads,
                       ", but must be 1 to 1024"));
    case WorkState::kQueued:
    case WorkState::kRunning:
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
