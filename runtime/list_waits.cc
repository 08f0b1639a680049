// SPDX-License-Identifier: Apache-2.0
//
// Who waits for what is no descriptor. Such a wait is found where what ends it
// finds it, under the same lock: among what waits for a time, and in the tree
// of what can be cancelled (protocols/cancel_node.h), whose roots are the
// workers'. While the lock is held who waits cannot go on, so its note may be
// read.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/runtime/blocking_pool.h"
#include "netpoll/runtime/join.h"
#include "netpoll/runtime/mutex.h"
#include "netpoll/runtime/protocols/cancel_node.h"
#include "netpoll/runtime/queue_wait.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/scope.h"
#include "netpoll/runtime/sleep.h"
#include "netpoll/runtime/suspend.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task_group.h"
#include "netpoll/runtime/timed.h"
#include "netpoll/runtime/wait_info.h"
#include "netpoll/runtime/worker.h"

namespace netpoll::internal {

// Knows each kind of wait by what is called to end it.
struct WaitLister {
  using Node = CancelNode<StdEnv>;

  bool Full() const { return left == 0; }

  void Add(const char* what, const WaitNote& note, std::int64_t due = kNever) {
    WaitInfo wait;
    wait.what = what;
    wait.where = note.where;
    wait.age = AgeOf(StampOf(now), note.since);
    if (note.task != nullptr) wait.task = note.task;
    if (due != kNever) wait.left = due > now ? due - now : 0;
    waits.push_back(wait);
    --left;
  }

  bool Timer(const Timed* timed, std::int64_t due) {
    if (timed->due == &SleepAwaiter::Wake) {
      Add("a time", static_cast<const SleepAwaiter*>(timed)->note_, due);
    }
    return !Full();
  }

  bool Sitter(void* whom, Node::Tell tell) {
    if (Full()) return false;
    if (tell == &TellNode) {
      Seats(*static_cast<Node*>(whom));
    } else if (tell == &QueueWait::Interrupt) {
      const auto* const wait = static_cast<const QueueWait*>(whom);
      Add(wait->What(), wait->note_);
    } else if (tell == &ConditionWait::Interrupt) {
      Add("a condition", static_cast<const ConditionWait*>(whom)->note_);
    } else if (tell == &JobAwaiter::Interrupt) {
      Add("blocking work", static_cast<const JobAwaiter*>(whom)->note_);
    } else if (tell == &JoinAwaiterBase::Interrupt) {
      Add(*static_cast<const JoinAwaiterBase*>(whom)->listed_);
    } else if (tell == &GroupJoin::Interrupt) {
      Add(*static_cast<const GroupJoin*>(whom)->listed_);
    } else if (tell == &ListedWait::Unmoved) {
      Add(*static_cast<const ListedWait*>(whom));
    }
    return !Full();
  }
  void Add(const ListedWait& wait) { Add(wait.what, wait.note); }

  // From the top of the tree downwards, as Cancel.
  void Seats(Node& node) {
    node.Visit(
        [this](void* whom, Node::Tell tell) { return Sitter(whom, tell); });
  }

  const std::int64_t now;
  std::size_t left;
  std::vector<WaitInfo>& waits;
};

void AddOtherWaits(Scheduler& scheduler, std::size_t most,
                   std::vector<WaitInfo>& waits) {
  if (most == 0) return;
  WaitLister lister{.now = sys.now(), .left = most, .waits = waits};
  scheduler.VisitTimes([&](const Timed* timed, std::int64_t due) {
    return lister.Timer(timed, due);
  });
  if (lister.Full()) return;
  scheduler.VisitSeats([&](void* whom, WaitLister::Node::Tell tell) {
    return lister.Sitter(whom, tell);
  });
}

}  // namespace netpoll::internal
