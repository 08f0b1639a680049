// SPDX-License-Identifier: Apache-2.0
//
// Reads that the system carries out: who takes their completions, the attempt,
// and what is right where an operation has ended.

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "netpoll/model/scenarios/flight_system.h"
#include "netpoll/model/scenarios/io_world.h"
#include "netpoll/runtime/protocols/io_steps.h"

namespace netpoll::model {

using System = FlightSystem;

void IoWorld::CarriesOut() {
  const auto run = [this](const char* name, auto body) {
    AddThread(name, [=, this](Thread& thread) {
      Enter(thread);
      body(thread);
    });
  };
  run("ring", [this](Thread& thread) { WorkInRing(thread, 0); });
  if (cast_.stale) {
    run("other ring", [this](Thread& thread) { WorkInRing(thread, 1); });
  }
  if (cast_.edges == 0 && !cast_.ends) return;
  run("peer", [this](Thread& thread) {
    for (int i = 0; i < cast_.edges; ++i) {
      thread.Mark("speak", {i});
      Thread::MayCall("peer.speaks", system_, System::Speaks, System::kBytes);
    }
    if (cast_.ends) {
      Thread::MayCall("peer.ends", system_, System::Speaks,
                      System::kEndOfStream);
    }
  });
}

// A worker that waits in its ring.
void IoWorld::WorkInRing(Thread& thread, int me) {
  const auto recall = [this, me](Asked&) {
    Thread::Call("ring.recall", system_, System::Recalls, me);
    state_->Unref();
  };
  const auto pass_on = [this](Asked&, std::uint32_t carrier) {
    RecallElsewhere(static_cast<int>(carrier));
  };
  for (;;) {
    thread.Mark("wait");
    if (cast_.asks) {
      boxes_[me]->Take(static_cast<std::uint32_t>(me), recall, pass_on);
    }
    const int ways = Thread::Await("ring.wait", system_, System::Waits, me) &
                     ~System::kBroken;
    if (ways == 0) continue;
    const bool both =
        (ways & ~System::kCancelled) != 0 && (ways & System::kCancelled) != 0;
    const bool cancelled = both ? Thread::Choose("ring.which", 2) == 1
                                : ways == System::kCancelled;
    const int told =
        Thread::Call("ring.end", system_, System::Ends, cancelled ? 1 : 0);
    // What the completion is of is known by the operation, which has not
    // ended.
    const std::uint32_t generation = state_->desc->generation();
    const int result = told == System::kCancelled ? -ECANCELED
                       : told == System::kBytes   ? 1
                                                  : 0;
    if (told != System::kCancelled) state_->buffer.Set(told);
    PollResult wake;
    state_->flight.End(result, *state_->desc, generation, Mode::kRead, wake);
    WakeAll(wake);
  }
}

// With a reference.
void IoWorld::RecallElsewhere(int carrier) {
  if (boxes_[carrier]->Ask(*state_->call)) {
    Thread::Call("io.break", system_, System::Breaks, carrier);
  } else {
    state_->Unref();
  }
}

bool IoWorld::Operation::ReadByCall() {
  IoWorld& world = fd_->world;
  const auto begin = [this, &world] {
    fd_->flight.Begin();
    const int ring = world.cast_.stale ? 1 : 0;
    if (world.cast_.asks) fd_->call->BeginOn(static_cast<unsigned>(ring));
    Thread::Call("io.begin", world.system_, System::Begins,
                 (world.NumberOf(this) + 1) | ring << System::kRingShift);
    return true;
  };
  std::size_t moved = 0;
  switch (Fly(fd_->flight, begin, &moved)) {
    case Flown::kUnderWay:
      return false;
    case Flown::kFailed:
      return true;
    case Flown::kMoved:
      Thread::Call("io.given", world.system_, System::Given);
      fd_->buffer.Get();
      break;
    case Flown::kGrounded:
      const int got = Thread::Call("io.read", world.system_, System::Reads);
      if (got == 0) return FailOrBlock(EAGAIN);
      moved = got == System::kBytes ? 1 : 0;
      break;
  }
  if (world.cast_.pieces == 1 || moved == 0) {
    Received(moved, 2);
    return true;
  }
  ++bytes_;
  return bytes_ == static_cast<std::size_t>(world.cast_.pieces) || Continue();
}

int IoWorld::Host::Watch(State&) {
  running_->thread_->Fail("A1: a wait for a report that nobody will make");
  return 0;
}

void IoWorld::Host::Recall(State& fd, Mode) {
  if (!fd.world.cast_.asks) {
    Thread::Call("io.recall", fd.world.system_, System::Recalls);
    return;
  }
  fd.Ref();
  fd.world.RecallElsewhere(static_cast<int>(fd.call->Carrier()));
}

void IoWorld::JudgeCall(int task) {
  const int wrong = Thread::Call("io.judge", system_, System::Judge, task + 1);
  if ((wrong & 1) != 0) {
    thread_->Fail("A6: an operation has ended, and the system has its call");
  }
  if ((wrong & 2) != 0) {
    thread_->Fail("A2: an operation has ended without what its call has moved");
  }
  if (end_.code == IoEnd::Cancelled().code && bytes_ == 0 && (wrong & 4) != 0) {
    thread_->Fail("A2: a cancellation won over bytes that had come");
  }
}

}  // namespace netpoll::model
