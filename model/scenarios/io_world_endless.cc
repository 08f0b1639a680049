// SPDX-License-Identifier: Apache-2.0
//
// Operations for ever: their tasks come again and again, and so does whoever
// speaks, cancels, sets deadlines and has the time pass.

#include "netpoll/model/reference/status_table.h"
#include "netpoll/model/scenarios/io_world.h"
#include "netpoll/runtime/protocols/io_steps.h"

namespace netpoll::model {

// --- Laws --------------------------------------------------------------------

bool IoWorld::IsCancelled(const View& view) const {
  if (canceller_ < 0) return false;
  return cast_.endless ? view.Of(cancelled_) == kTold : view.ended(canceller_);
}

bool IoWorld::TimeHasPassed(const View& view, int task) const {
  if (clock_ < 0) return false;
  if (!cast_.endless) return view.ended(clock_) && view.Of(passed_) == 1;
  const StatusWord expired = DirectionOf(task) == Mode::kRead
                                 ? reference::kReadExpired
                                 : reference::kWriteExpired;
  return (view.Of(*status_) & expired) != 0;
}

const char* IoWorld::Passing(int law) {
  return cast_.endless && law < tasks()
             ? "L11: an operation waits for ever, and what it waits for has "
               "come"
             : nullptr;
}

bool IoWorld::Lasts(const View& view, int law) {
  const int thread = tasks_[law];
  if (!view.parked(thread)) return false;
  if (closing_ >= 0 && view.ended(closing_)) return true;
  if (law == 0 && IsCancelled(view)) return true;
  const Place place = view.note(thread).As<OperationNote>().place;
  return place == Place::kPoller &&
         (HasCome(view, law) || TimeHasPassed(view, law));
}

// --- Threads -----------------------------------------------------------------

void IoWorld::Operation::MarkAt(const char* where) {
  const IoWorld& world = *running_;
  if (!world.cast_.endless) return;
  world.thread_->Mark(
      where,
      {world.begins_ ? 1 : 0, static_cast<std::int64_t>(stage_),
       static_cast<std::int64_t>(bytes_),
       (more_ ? 1 : 0) | (guest_ ? 2 : 0) | (woken_ ? 4 : 0) |
           (resting_ ? 8 : 0) | (rested_ ? 16 : 0) | (no_event_ ? 32 : 0),
       fruitless_, looked_, status_.code});
}

// A scope is cancelled, and the next operation is in another one.
void IoWorld::CancelsAgain(Thread& thread) {
  for (;;) {
    thread.Mark("cancel");
    Thread::MayCall<int>("cancel", cancelled_,
                         [](int& said, std::int64_t) -> Step {
                           if (said != kNotCancelled) return std::nullopt;
                           said = kSaid;
                           return 0;
                         });
    if (cast_.edges > 0) Thread::Call("cancel.passes", kernel_, Passes);
    static_cast<void>(scope_.Cancel(internal::CancelReason::kCancelled));
    Thread::Call("cancelled", cancelled_, Put, kTold);
  }
}

void IoWorld::LeavesScope() {
  const auto told = [](int& said, std::int64_t) -> Step {
    if (said == kSaid) return std::nullopt;
    return said;
  };
  if (Thread::Call<int>("scope.leaves", cancelled_, told) != kTold) return;
  scope_.Renew();
  Thread::Call("scope.another", cancelled_, Put, kNotCancelled);
}

// While the clock acts, only once: it would act without end.
void IoWorld::SetsAgain(Thread& thread) {
  for (;;) {
    thread.Mark("set");
    Thread::MayCall<int>("setter.go", acting_,
                         [](int& acting, std::int64_t) -> Step {
                           if (acting == 2) return std::nullopt;
                           if (acting == 1) acting = 2;
                           return 0;
                         });
    const Deadline which[] = {Deadline::None(), Deadline::At(1)};
    DeadlineResult moved = poller_.SetDeadline(
        state_->desc, Directions(), which[Thread::Choose("setter.which", 2)]);
    WakeAll(moved.wake);
  }
}

void IoWorld::PassesAgain(Thread& thread) {
  for (;;) {
    thread.Mark("time");
    Thread::MayCall("clock.passes", acting_, Put, 1);
    PollResult expired = poller_.ExpireTimers(1).wake;
    WakeAll(expired);
    Thread::Call("clock.acted", acting_, Put, 0);
  }
}

}  // namespace netpoll::model
