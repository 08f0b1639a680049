// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/task_group.h"

#include <coroutine>
#include <exception>
#include <new>
#include <utility>
#include <vector>

#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/exceptions.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/scope.h"
#include "netpoll/runtime/suspend.h"

namespace netpoll {
namespace internal {

// The joiner's scope reaches the tasks while it waits; it waits for them in any
// case.
bool GroupJoin::Suspend(std::coroutine_handle<> task,
                        const TaskContext* context) {
  Resumes(task);
  SettleIn(*this, context);
  listed_.emplace("a task group")
      .note.Write(__builtin_return_address(0), context);
  if (context != nullptr && context->seat != nullptr) {
    seat_ = context->seat;
    const CancelReason why =
        seat_->node->Sit(*seat_, this, &GroupJoin::Interrupt);
    if (why != CancelReason::kNone) group_.node_.Cancel(why);
  } else if (ListedWait::Wanted()) {
    seat_ = &listed_->seat;
    static_cast<void>(listed_->Sit(*this, [] {}));
  }
  group_.joiner_ = this;
  return !group_.core_.Drop();
}

void GroupJoin::Interrupt(void* self, CancelReason reason) {
  static_cast<GroupJoin*>(self)->group_.node_.Cancel(reason);
}

void GroupJoin::await_resume() {
  if (seat_ != nullptr) seat_->node->Leave(*seat_);
  group_.core_.Add();
  std::vector<std::exception_ptr> errors;
  {
    const LockHolder hold(group_.lock_, "group.errors.lock");
    errors = group_.errors_;
    group_.errors_.clear();
  }
  ThrowErrors(std::move(errors));
}

}  // namespace internal

TaskGroup::TaskGroup(Runtime& runtime) : runtime_(runtime) {
  errors_.reserve(1);
  outer_.node = &internal::SchedulerOf(runtime).waits();
  internal::SitBelow(outer_, node_);
}

TaskGroup::~TaskGroup() {
  if (!core_.alone()) {
    StdEnv::Misuse("a TaskGroup was destroyed before its tasks were joined");
  }
  outer_.node->Leave(outer_);
}

// One of the tasks, and where its waits sit.
class internal::GroupTask final : public SpawnedTask {
 public:
  GroupTask(TaskGroup& group, Task<>::Handle task)
      : SpawnedTask(task, &seat_), group_(group) {
    seat_.node = &group.node_;
  }

 private:
  void Keep(TaskPromiseBase& task) override {
    static_cast<TaskPromise<void>&>(task).Take();
  }
  void End(std::exception_ptr exception) override {
    TaskGroup& group = group_;
    delete this;
    const bool failed = exception != nullptr;
    if (failed) group.Record(std::move(exception));
    group.Ended(failed);
  }
  void NeverRan() override { delete this; }

  TaskGroup& group_;
  CancelSeat seat_;
};

void TaskGroup::Spawn(Runtime& runtime, Task<> task, SpawnOptions options) {
  internal::Scheduler& scheduler = internal::SchedulerOf(runtime);
  internal::TaskPlace place(scheduler);
  auto* const spawned =
      new internal::GroupTask(*this, internal::TaskAccess::Fresh(task));
  internal::TaskAccess::Release(task);  // It has it now.
  core_.Add();
  place.Keep();
  spawned->Start(scheduler, options, false);
}

void TaskGroup::Ended(bool failed) {
  if (core_.Ended(1, failed)) internal::Scheduler::MakeRunnable(joiner_);
}

void TaskGroup::Fail(std::exception_ptr error) {
  if (error == nullptr) {
    StdEnv::Misuse("TaskGroup::Fail was given no exception");
  }
  Record(std::move(error));
  Cancel();
}

// The first has its place from the start, the others if there is memory.
void TaskGroup::Record(std::exception_ptr error) {
  const LockHolder hold(lock_, "group.record.lock");
  NETPOLL_TRY { errors_.push_back(std::move(error)); }
  NETPOLL_CATCH(const std::bad_alloc&) {}
}

}  // namespace netpoll
