// SPDX-License-Identifier: Apache-2.0
//
// TaskGroup: spawned tasks that belong together, any number of them, and are
// all awaited; TaskResults: the same for tasks with results, which come as they
// are ready.
//
//   co_await WithTaskGroup(runtime, [&](TaskGroup& group) -> Task<> {
//     for (;;) {
//       AcceptResult accepted = co_await listener.Accept();
//       if (!accepted.ok()) co_return;
//       group.Spawn(Session(std::move(accepted.socket)));
//     }
//   });                              when this returns no session is left
//
// The first exception that leaves one of them cancels the others (cancel.h),
// and what spawns them, above the waits for the next client; none is lost: what
// awaits the group throws it when all have ended, or TaskErrors if several
// failed. Being cancelled is no failure. When whoever awaits the group is
// cancelled, its tasks are.
//
// By hand: construct a TaskGroup, Spawn, and co_await Join() on every way out;
// one that is destroyed while tasks of it live stops the process. What is to
// end when a task fails is awaited by co_await group.Within(...).
//
// Threads: Spawn and Cancel from any thread and task, as long as the group has
// not been joined; a task of the group may spawn more until it ends.

#ifndef NETPOLL_RUNTIME_TASK_GROUP_H_
#define NETPOLL_RUNTIME_TASK_GROUP_H_

#include "netpoll/core/cpp20.h"

#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/cancel.h"
#include "netpoll/runtime/exceptions.h"
#include "netpoll/runtime/join.h"
#include "netpoll/runtime/mutex.h"
#include "netpoll/runtime/protocols/cancel_node.h"
#include "netpoll/runtime/protocols/fork_core.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/runtime_options.h"
#include "netpoll/runtime/suspend.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/task_context.h"
#include "netpoll/runtime/task_errors.h"

namespace netpoll {

class TaskGroup;

namespace internal {

class GroupJoin : public ResumeWaiter {
 public:
  explicit GroupJoin(TaskGroup& group) : group_(group) {}
  GroupJoin(const GroupJoin&) = delete;
  GroupJoin& operator=(const GroupJoin&) = delete;

  bool await_ready() const noexcept { return false; }
  // Inline also where nothing else is: Suspend looks who calls.
  template <class Promise>
  [[gnu::always_inline]] bool await_suspend(
      std::coroutine_handle<Promise> task) {
    return Suspend(task, ContextOf(task));
  }
  void await_resume();

 private:
  friend struct WaitLister;

  [[gnu::noinline]] bool Suspend(std::coroutine_handle<> task,
                                 const TaskContext* context);
  static void Interrupt(void* self, CancelReason reason);

  TaskGroup& group_;
  CancelSeat* seat_ = nullptr;
  std::optional<ListedWait> listed_;
};

class GroupTask;

}  // namespace internal

class TaskGroup {
 public:
  // Throws std::bad_alloc.
  explicit TaskGroup(Runtime& runtime);
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  ~TaskGroup();

  // Starts a task, which has no result but its exception. Throws
  // std::bad_alloc, as Runtime::Spawn. In a group that was cancelled its waits
  // end at once.
  void Spawn(Task<> task, SpawnOptions options = {}) {
    Spawn(runtime_, std::move(task), options);
  }
  // In another runtime, which outlives the group.
  void Spawn(Runtime& runtime, Task<> task, SpawnOptions options = {});

  // Ends the waits of all its tasks, those to come too. Does not block.
  void Cancel() { node_.Cancel(internal::CancelReason::kCancelled); }
  bool cancelled() const {
    return node_.reason() != internal::CancelReason::kNone;
  }

  // co_await Within(awaitable): its result. A failure of a task, and Cancel,
  // end the waits in it too.
  template <class A>
  auto Within(A&& awaitable) {
    return internal::LimitedAwaiter<A, internal::SourceLimit>(
        std::forward<A>(awaitable), node_);
  }

  // co_await Join(): when every task has ended; throws what they threw. Then
  // the group may be used again, unless it was cancelled.
  internal::GroupJoin Join() { return internal::GroupJoin(*this); }

  // As if a task had thrown it.
  void Fail(std::exception_ptr error);

 private:
  friend internal::GroupJoin;
  friend internal::GroupTask;

  void Ended(bool failed);
  void Record(std::exception_ptr error);

  Runtime& runtime_;
  internal::CancelNode<StdEnv> node_;
  internal::CancelSeat outer_;
  internal::ForkCore<StdEnv> core_{node_};
  internal::GroupJoin* joiner_ = nullptr;

  StdEnv::Lock lock_;
  // Guarded by lock_: in the order in which they came.
  std::vector<std::exception_ptr> errors_;
};

// Runs `body(group)` within the group, then waits for all its tasks. An
// exception that leaves the body cancels them, and comes out when they have
// ended; one that leaves a task ends the body's waits.
template <class Body>
Task<> WithTaskGroup(Runtime& runtime, Body body) {
  TaskGroup group(runtime);
  NETPOLL_TRY { co_await group.Within(body(group)); }
  NETPOLL_CATCH(...) { group.Fail(std::current_exception()); }
  co_await group.Join();
}

// The results of a group's tasks, as they come.
//
//   TaskResults<int> sizes(runtime);
//   for (auto& url : urls) sizes.Spawn(Fetch(url));
//   while (auto size = co_await sizes.Next()) Use(size->Get());
//
// An exception is its task's outcome, and cancels nobody. Next is for one task
// at a time, and so is Spawn: they are its owner's.
template <class T>
class TaskResults {
 public:
  explicit TaskResults(Runtime& runtime) : group_(runtime), ready_(0) {}

  // Throws std::bad_alloc.
  void Spawn(Task<T> task) {
    auto entry = std::make_unique<Entry>();
    group_.Spawn(Run(std::move(task), std::move(entry)));
    ++outstanding_;
  }
  void Cancel() { group_.Cancel(); }
  // Tasks whose results have not been handed out.
  std::size_t outstanding() const { return outstanding_; }

  // co_await Next(): the next result; nothing when there is none outstanding,
  // or when whoever waits is cancelled: then outstanding() is not 0, and none
  // is lost. On every way out Cancel if need be, and co_await Join().
  Task<std::optional<Outcome<T>>> Next() {
    if (outstanding_ == 0) {
      co_await group_.Join();
      co_return std::nullopt;
    }
    const IoStatus status = co_await ready_.Acquire();
    if (!status.ok()) co_return std::nullopt;
    --outstanding_;
    std::unique_ptr<Entry> first;
    {
      const LockHolder hold(lock_, "results.take.lock");
      first = std::move(first_);
      first_ = std::move(first->next);
      if (first_ == nullptr) last_ = nullptr;
    }
    co_return std::move(first->outcome);
  }

  // co_await Join(): when all have ended.
  internal::GroupJoin Join() { return group_.Join(); }

 private:
  struct Entry {
    Outcome<T> outcome;
    std::unique_ptr<Entry> next;
  };

  Task<> Run(Task<T> task, std::unique_ptr<Entry> entry) {
    NETPOLL_TRY {
      if constexpr (std::is_void_v<T>) {
        co_await std::move(task);
        entry->outcome.value.emplace();
      } else {
        entry->outcome.value.emplace(co_await std::move(task));
      }
    }
    NETPOLL_CATCH(...) { entry->outcome.error = std::current_exception(); }
    {
      const LockHolder hold(lock_, "results.put.lock");
      Entry* const last = entry.get();
      (last_ == nullptr ? first_ : last_->next) = std::move(entry);
      last_ = last;
    }
    ready_.Release();
  }

  TaskGroup group_;
  Semaphore ready_;
  std::size_t outstanding_ = 0;

  StdEnv::Lock lock_;
  // Guarded by lock_.
  std::unique_ptr<Entry> first_;
  Entry* last_ = nullptr;
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_TASK_GROUP_H_
