// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/cancel.h"

#include <cstdint>
#include <new>
#include <stop_token>

#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/exceptions.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/scope.h"
#include "netpoll/runtime/suspend.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/worker.h"

namespace netpoll {
namespace internal {

IoStatus StatusOfScope(const CancelSeat& seat) {
  const CancelReason reason = seat.node->reason();
  return reason == CancelReason::kNone ? IoStatus() : StatusOf(reason);
}

std::int64_t ScopeClock() { return sys.now(); }

void TellNode(void* whom, CancelReason reason) {
  static_cast<CancelNode<StdEnv>*>(whom)->Cancel(reason);
}

void SitBelow(CancelSeat& seat, CancelNode<StdEnv>& node) {
  const CancelReason why = seat.node->Sit(seat, &node, &TellNode);
  if (why != CancelReason::kNone) node.Cancel(why);
}

Scheduler& Scope::Enter(TaskContext* context) {
  Worker* const worker = this_worker;
  Scheduler* const scheduler = worker != nullptr ? worker->scheduler
                               : SpawnedIn(*context) != nullptr
                                   ? SpawnedIn(*context)->home->scheduler
                                   : nullptr;
  if (scheduler == nullptr) {
    StdEnv::Misuse("a coroutine waits that no Runtime runs: spawn it");
  }
  context_ = context;
  before_ = context->seat;
  outer_.node = before_ != nullptr ? before_->node : &scheduler->waits();
  context->seat = &seat_;
  SitBelow(outer_, node_);
  return *scheduler;
}

void Scope::Leave() {
  context_->seat = before_;
  outer_.node->Leave(outer_);
}

void TimeLimit::Begin(TaskContext* context) {
  Scheduler& scheduler = scope_.Enter(context);
  if (deadline_.none()) return;
  if (deadline_.past()) {
    scope_.node().Cancel(CancelReason::kTimeout);
    return;
  }
  if (!scheduler.StartTimer(this, deadline_.value())) {
    scope_.Leave();
    NETPOLL_THROW("there is no memory for a time limit", std::bad_alloc());
  }
  scheduler_ = &scheduler;
}

void TimeLimit::End() {
  if (scheduler_ != nullptr && !scheduler_->StopTimer(this)) {
    done_.Park("limit.passed");
  }
  scope_.Leave();
}

// Stop has every timer come early.
void TimeLimit::Passed(Timed* self) {
  auto* const limit = static_cast<TimeLimit*>(self);
  limit->scope_.node().Cancel(sys.now() < limit->deadline_.value()
                                  ? CancelReason::kClosing
                                  : CancelReason::kTimeout);
  limit->done_.Unpark("limit.passed");
}

void SourceLimit::Begin(TaskContext* context) {
  scope_.Enter(context);
  SitBelow(seat_, scope_.node());
}

void SourceLimit::End() {
  seat_.node->Leave(seat_);
  scope_.Leave();
}

void StopTokenLimit::Begin(TaskContext* context) {
  scope_.Enter(context);
  callback_.emplace(token_, Relay{&scope_.node()});
}

void StopTokenLimit::End() {
  callback_.reset();
  scope_.Leave();
}

}  // namespace internal

CancelSource::CancelSource(CancelSource& parent) : parent_(&parent) {
  seat_.node = &parent.node_;
  internal::SitBelow(seat_, node_);
}

CancelSource::~CancelSource() {
  if (parent_ != nullptr) seat_.node->Leave(seat_);
  if (!node_.Empty()) {
    StdEnv::Misuse(
        "a CancelSource was destroyed before what it can cancel had ended");
  }
}

bool CancelSource::Cancel() {
  const bool first = node_.Cancel(internal::CancelReason::kCancelled);
  std::optional<std::stop_source> stop;
  {
    const LockHolder hold(lock_, "source.cancel.lock");
    stop = stop_;
  }
  if (stop) stop->request_stop();
  return first;
}

std::stop_token CancelSource::stop_token() {
  // Before the lock: a parent's lock is not taken under a child's.
  std::stop_token parents;
  if (parent_ != nullptr) parents = parent_->stop_token();
  std::stop_source made;
  {
    const LockHolder hold(lock_, "source.token.lock");
    if (stop_) return stop_->get_token();
    stop_ = made;
  }
  if (parent_ != nullptr) from_parent_.emplace(parents, Relay{made});
  // Cancel may have looked before it was there.
  if (cancelled()) made.request_stop();
  return made.get_token();
}

}  // namespace netpoll
