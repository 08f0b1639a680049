// SPDX-License-Identifier: Apache-2.0
//
// The deadline of a task that waits: who sets it, polls until then, and acts;
// the rounds that pass while a worker is held; and the thread that spawns.

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
  // A sleep's end that a thread sets never comes.
  if (cast_.own_deadline || (cast_.deadline && !cast_.sleep)) {
    AddThread("clock", [this](Thread&) {
      Thread::MayCall("clock.passes", system_, Passes);
    });
  }
}

DispatchWorld::Step DispatchWorld::WaitUntil(System& system,
                                             std::int64_t poller) {
  const Step came = Wait(system, poller);
  return !came && system.passed ? 0 : came;
}

// A round passes only while there is what whoever looks round has to find: so
// none passes for ever. Its own worker finds it anyway, in time.
DispatchWorld::Step DispatchWorld::WaitRound(System& system,
                                             std::int64_t poller) {
  if (const Step came = Wait(system, poller)) return came;
  const bool late = system.armed && system.passed;
  if (late && (system.at == poller || system.at < 0)) return 0;
  const bool due = system.event || late;
  const bool passes = system.idle || (system.held && system.parked && due);
  if (!passes || system.rounds == (system.idle ? 1 : kRounds)) {
    return std::nullopt;
  }
  ++system.rounds;
  return 0;
}

DispatchWorld::Step DispatchWorld::Time(System& system, std::int64_t) {
  return system.rounds + (system.passed ? 1 + kRounds : 0);
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
    if (std::strcmp(view.Next(thread).site, "poll.until") == 0 ||
        std::strcmp(view.Next(thread).site, "poll.round") == 0) {
      return nullptr;
    }
  }
  return Of(&system_, "L6: a deadline is set, and nobody polls until then");
}

int DispatchWorld::PollFor(std::int64_t poller, Delta delta) {
  if (!delta.blocking()) return Thread::Call("look", system_, Fetch, poller);
  if (delta == Delta::Waited()) return Thread::Call("take", system_, TakeBreak);
  if (delta.forever()) return Thread::Await("poll", system_, Wait, poller);
  return cast_.sharded && delta.nanos() <= internal::kRound
             ? Thread::Await("poll.round", system_, WaitRound, poller)
             : Thread::Await("poll.until", system_, WaitUntil, poller);
}

std::int64_t DispatchWorld::Host::Now() {
  if (world_.cast_.sharded) {
    const int time = Thread::Call("clock.now", world_.system_, Time);
    const bool passed = time > kRounds;
    return (passed ? kLate : 0) +
           (passed ? time - 1 - kRounds : time) * 2 * internal::kRound;
  }
  if (!world_.timed()) return 0;
  return Thread::Call("clock.now", world_.system_, Passed);
}

// Of the deadline, whoever asks for it.
std::int64_t DispatchWorld::When(bool asks) {
  if (!timed() || !asks) return kNever;
  if (Thread::Call("timers.next", system_, Armed) == 0) return kNever;
  return cast_.sharded ? kLate : kTime;
}

std::int64_t DispatchWorld::Host::NextDeadline(Worker& of) {
  const DispatchCast& cast = world_.cast_;
  return world_.When(!cast.sleep && world_.PollerOf(of) == cast.event_at);
}

std::int64_t DispatchWorld::Host::NextSleep() {
  return world_.When(world_.cast_.sleep);
}

void DispatchWorld::Expire() {
  const int due = Thread::Call("timers.expire", system_, ExpireStep);
  if (due == 2) thread_->Fail("L8: a deadline was believed before an event");
  if (due == 0) return;
  MakesRunnable(waits_);
  GoesHome(waits_);
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
    host_->DeadlineMoved(kTime, &host_->worker(0));
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
    host_->DeadlineMoved(kTime, &host_->worker(0));
  }
}

void DispatchWorld::SetDeadline() {
  Thread::Call("timers.arm", system_, Arm);
  host_->DeadlineMoved(cast_.sharded ? kLate : kTime,
                       cast_.sleep ? nullptr : &host_->worker(cast_.event_at));
}

void DispatchWorld::Spawner(Thread& thread) {
  while (cast_.endless) {
    thread.Mark("spawn");
    Thread::MayCall("spawner.again", stages_[first_spawned_], Anew);
    Begin(first_spawned_);
  }
  for (int i = 0; i < cast_.spawned; ++i) {
    thread.Mark("spawn", {i});
    if (i == 0 || !cast_.spawned_hold) thread.May("spawner.go");
    Begin(first_spawned_ + i);
  }
  if (cast_.spawned_hold && cast_.event) {
    Thread::MayCall("peer", system_, Comes);
  }
}

}  // namespace netpoll::model
