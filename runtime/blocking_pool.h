// SPDX-License-Identifier: Apache-2.0
//
// BlockingPool: work that blocks, on threads that are no workers of a runtime.
//
//   BlockingPool pool({.threads = 8});
//   absl::StatusOr<struct stat> info = co_await pool.Run([&] { return
//   Stat(path); });
//
// Work begins in the order in which it was awaited, on one of at most `threads`
// threads, which are started when they are needed and stay. While all are busy
// it waits in the queue, and there may be cancelled: by the stop token that was
// given, by the scope in which it is awaited (cancel.h), or by Stop of the
// runtime that runs the task. Work that has begun goes
// on to its end, and the task with it: nothing is abandoned.
//
// gcc 12.2 destroys twice what a lambda that is written in a coroutine owns (a
// capture by value of a string, say): capture by reference, which is safe since
// the task waits.
//
// Any number of runtimes may share one; it must outlive what is awaited. The
// program's signals are blocked in its threads.

#ifndef NETPOLL_RUNTIME_BLOCKING_POOL_H_
#define NETPOLL_RUNTIME_BLOCKING_POOL_H_

#include "netpoll/core/cpp20.h"

#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/exceptions.h"
#include "netpoll/runtime/protocols/cancel_node.h"
#include "netpoll/runtime/protocols/work_queue.h"
#include "netpoll/runtime/suspend.h"
#include "netpoll/runtime/task_context.h"
#include "netpoll/runtime/task_waiter.h"

namespace netpoll {

struct BlockingPoolOptions {
  int threads = 8;  // 1 to 1,024, or what is run says so.
  // How much may wait for a thread; more is refused.
  std::size_t queue = 4096;
};

class BlockingPool;

namespace internal {

// A piece of work, in the frame of the task that awaits it.
struct Job : ResumeWaiter {
  using Call = void (*)(Job*);

  explicit Job(Call called) : call(called) {}

  const Call call;
  StdEnv::Var<WorkState> state;  // See protocols/work_queue.h.
  StdEnv::Var<Job*> before;
  StdEnv::Var<Job*> behind;
  int error = 0;                              // Of kNoThread.
  CancelReason reason = CancelReason::kNone;  // Of kCancelled.
};

class PoolState;

// What does not depend on the work.
class JobAwaiter : public Job {
 public:
  JobAwaiter(PoolState& pool, Call called, std::stop_token token)
      : Job(called), pool_(pool), token_(std::move(token)) {}
  JobAwaiter(const JobAwaiter&) = delete;
  JobAwaiter& operator=(const JobAwaiter&) = delete;

  bool await_ready() const {
    (void)Pay();
    return false;
  }
  // Inline also where nothing else is: Suspend looks who calls.
  template <class Promise>
  [[gnu::always_inline]] void await_suspend(
      std::coroutine_handle<Promise> task) {
    Suspend(task, ContextOf(task));
  }

 protected:
  // OK: it has run.
  absl::Status Ended();

 private:
  friend struct WaitLister;

  struct Cancel {
    JobAwaiter* job;
    void operator()() const;
  };

  // Out of line: once it is queued the task may go on elsewhere.
  [[gnu::noinline]] void Suspend(std::coroutine_handle<> task,
                                 const TaskContext* context);
  bool Queue();
  static void Interrupt(void* self, CancelReason reason);

  PoolState& pool_;
  std::stop_token token_;
  std::optional<std::stop_callback<Cancel>> by_token_;
  CancelSeat own_seat_;
  CancelSeat* seat_ = nullptr;
  WaitNote note_;
};

template <class T>
struct Offloaded {
  using Type = absl::StatusOr<T>;
};
template <>
struct Offloaded<void> {
  using Type = absl::Status;
};
template <>
struct Offloaded<absl::Status> {
  using Type = absl::Status;
};
template <class T>
struct Offloaded<absl::StatusOr<T>> {
  using Type = absl::StatusOr<T>;
};

template <class Work>
class JobOp : public JobAwaiter {
 public:
  using Value = std::invoke_result_t<Work&>;
  using Result = typename Offloaded<Value>::Type;

  JobOp(PoolState& pool, Work work, std::stop_token token)
      : JobAwaiter(pool, &JobOp::Do, std::move(token)),
        work_(std::move(work)) {}

  Result await_resume() {
    absl::Status ended = Ended();
    if (!ended.ok()) return ended;
    if (exception_) std::rethrow_exception(std::move(exception_));
    return *std::move(result_);
  }

 private:
  static void Do(Job* job) {
    auto* const self = static_cast<JobOp*>(job);
    NETPOLL_TRY {
      if constexpr (std::is_void_v<Value>) {
        self->work_();
        self->result_.emplace();
      } else {
        self->result_.emplace(self->work_());
      }
    }
    NETPOLL_CATCH(...) { self->exception_ = std::current_exception(); }
  }

  Work work_;
  std::optional<Result> result_;
  std::exception_ptr exception_;
};

}  // namespace internal

class BlockingPool {
 public:
  explicit BlockingPool(BlockingPoolOptions options = {});
  // All that was awaited has ended, or this stops the process. Waits for the
  // threads to return.
  ~BlockingPool();
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  // co_await Run(work): what work() returns, as StatusOr<T>; absl::Status for
  // void; a Status or StatusOr as it is. An exception that leaves it is thrown
  // here. Not run at all: kCancelled, it was cancelled before it began,
  // or kDeadlineExceeded, if that was because of a time; kResourceExhausted,
  // too much waits, or no thread could be started; kInvalidArgument, the pool's
  // options. `work` is called once, by a thread of the pool.
  template <class Work>
  internal::JobOp<std::decay_t<Work>> Run(Work&& work,
                                          std::stop_token token = {}) {
    return internal::JobOp<std::decay_t<Work>>(
        *state_, std::forward<Work>(work), std::move(token));
  }

  // Counts, each read on its own.
  int threads() const;          // Started.
  std::size_t waiting() const;  // For a thread.

 private:
  const std::unique_ptr<internal::PoolState> state_;
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_BLOCKING_POOL_H_
