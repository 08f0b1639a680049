// SPDX-License-Identifier: Apache-2.0
//
// The deadline of a task that waits: who sets it, polls until then, and acts.

#include <cstring>
#include <optional>
#include <utility>

#include "netpoll/model/scenarios/dispatch_world.h"

namespace netpoll::model {

void DispatchWorld::AddTime() {
  if (cast_.deadline) {
    AddThread("setter", [this](Thread& thread) {
      Enter(thread);
      if (cast_.endless) SetsAgain(thread);
      thread.May("setter.go");
      SetDeadline();
    });
  }
  if (timed()) {
    AddThread("clock", [this](Thread&) {
      Thread::MayCall("clock.passes", system_, Passes);
    });
  }
}

DispatchWorld::Step DispatchWorld::WaitUntil(System& system, std::int64_t) {
  const Step came = Wait(system, 0);
  return !came && system.passed ? 0 : came;
}

DispatchWorld::Step DispatchWorld::Passed(System& system, std::int64_t) {
  return system.passed ? 1 : 0;
}

DispatchWorld::Step DispatchWorld::Armed(System& system, std::int64_t) {
  return system.armed ? 1 : 0;
}

DispatchWorld::Step DispatchWorld::Arm(System& system, std::int64_t) {
  system.armed = true;
  return 0;
}

DispatchWorld::Step DispatchWorld::Passes(System& system, std::int64_t) {
  system.passed = true;
  system.in_time = system.event && system.parked;
  return 0;
}

// 1: its task is to run; 2: which an event has served.
DispatchWorld::Step DispatchWorld::ExpireStep(System& system, std::int64_t) {
  if (!system.armed || !system.passed) return 0;
  system.armed = false;
  if (!std::exchange(system.parked, false)) return 0;
  return system.in_time ? 2 : 1;
}

// While a task waits, and Run is at work.
const char* DispatchWorld::AtRestOfDeadline(const View& view) {
  const System& system = view.Of(system_);
  if (!system.armed || !system.parked) return nullptr;
  if (system.passed) {
    return Of(&system_, "L6: a deadline has passed, and nobody acts on it");
  }
  for (int thread = 0; thread < view.threads(); ++thread) {
    if (std::strcmp(view.Next(thread).site, "poll.until") == 0) return nullptr;
  }
  return Of(&system_, "L6: a deadline is set, and nobody polls until then");
}

int DispatchWorld::PollFor(Delta delta) {
  if (!delta.blocking()) return Thread::Call("look", system_, Fetch);
  if (delta == Delta::Waited()) return Thread::Call("take", system_, TakeBreak);
  return delta.forever() ? Thread::Await("poll", system_, Wait)
                         : Thread::Await("poll.until", system_, WaitUntil);
}

std::int64_t DispatchWorld::Host::Now() {
  if (!world_.timed()) return 0;
  return Thread::Call("clock.now", world_.system_, Passed);
}

std::int64_t DispatchWorld::Host::NextTime() {
  if (!world_.timed()) return kNever;
  return Thread::Call("timers.next", world_.system_, Armed) != 0 ? kTime
                                                                 : kNever;
}

void DispatchWorld::Expire() {
  const int due = Thread::Call("timers.expire", system_, ExpireStep);
  if (due == 2) thread_->Fail("L8: a deadline was believed before an event");
  if (due == 0) return;
  MakesRunnable(waits_);
  host_->Push(waits_);
}

// The time passes once: each deadline that is set later has passed.
void DispatchWorld::SetsAgain(Thread& thread) {
  for (;;) {
    thread.Mark("set");
    Thread::MayCall<System>("setter.again", system_,
                            [](System& system, std::int64_t) -> Step {
                              if (system.armed) return std::nullopt;
                              system.armed = true;
                              return 0;
                            });
    host_->DeadlineMoved(kTime);
  }
}

// None that has passed: it would be served by those without end.
void DispatchWorld::SetsOwnAgain() {
  const auto arm = [](System& system, std::int64_t) -> Step {
    if (system.passed) return 0;
    system.armed = true;
    return 1;
  };
  if (Thread::Call<System>("timers.arm", system_, arm) != 0) {
    host_->DeadlineMoved(kTime);
  }
}

void DispatchWorld::SetDeadline() {
  Thread::Call("timers.arm", system_, Arm);
  host_->DeadlineMoved(kTime);
}

}  // namespace netpoll::model
