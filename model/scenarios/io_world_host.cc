// SPDX-License-Identifier: Apache-2.0
//
// What an operation sees: the system, its runtime, and its own frame.

#include <cerrno>
#include <cstring>
#include <new>

#include "netpoll/model/scenarios/io_world.h"
#include "netpoll/runtime/protocols/io_steps.h"

namespace netpoll::model {

// Not the frame of anything: as a pointer it leads nowhere, as a stage to one
// that needs the rest.
constexpr std::byte kNothingHere{0x05};
// What others use of a task that is parked.
constexpr std::size_t kShared = sizeof(TaskOfThread);

// Longer than any rest.
constexpr std::int64_t kALot = 1'000'000'000;

// --- The system --------------------------------------------------------------

IoWorld::Step IoWorld::Speaks(Kernel& kernel, std::int64_t what) {
  if (!kernel.registered) return 0;
  kernel.unread |= static_cast<std::uint8_t>(what);
  kernel.pending |= 1;
  // The mark stays with the report.
  if (what == kEndOfStream) kernel.error = true;
  return 0;
}

IoWorld::Step IoWorld::MakesRoom(Kernel& kernel, std::int64_t reports) {
  if (!kernel.registered) return 0;
  kernel.room = 1;
  if (reports != 0) kernel.pending |= 2;
  return 0;
}

IoWorld::Step IoWorld::Writes(Kernel& kernel, std::int64_t) {
  kernel.in_time &= static_cast<std::uint8_t>(~2);
  return std::exchange(kernel.room, std::uint8_t{0});
}

IoWorld::Step IoWorld::Reads(Kernel& kernel, std::int64_t) {
  const std::uint8_t there = kernel.unread;
  kernel.in_time &= static_cast<std::uint8_t>(~1);
  if ((there & kBytes) != 0) {
    kernel.unread &= static_cast<std::uint8_t>(~kBytes);
    return kBytes;
  }
  return there;
}

void IoWorld::State::CloseSystem() {
  if (Thread::Call("fd.close", world.closed_, Count, 1) != 0) {
    world.thread_->Fail("A1: the system's descriptor was closed twice");
  }
}

IoWorld::Step IoWorld::Whispers(Kernel& kernel, std::int64_t what) {
  if (!kernel.registered) return 0;
  kernel.unread |= static_cast<std::uint8_t>(what);
  // Of a level: the mark is reported as long as it lasts.
  if (what == kEndOfStream) kernel.error = true;
  return 0;
}

void IoWorld::Operation::NoteTry() {
  auto note = fd_->world.thread_->note().As<OperationNote>();
  note.tried = true;
  note.tries = note.tries == 0 ? 1 : 2;
  fd_->world.thread_->SetNote(note);
}

bool IoWorld::Operation::Write() {
  NoteTry();
  if (Thread::Call("io.write", fd_->world.kernel_, Writes) == 0) {
    return FailOrBlock(EAGAIN);
  }
  bytes_ = 1;
  return true;
}

bool IoWorld::Operation::Read() {
  IoWorld& world = fd_->world;
  NoteTry();
  if (world.cast_.flies) return ReadByCall();
  const int got = Thread::Call("io.read", world.kernel_, Reads);
  no_event_ = world.cast_.rests != 0;
  if (got == 0) return FailOrBlock(EAGAIN);
  if (got == kEndOfStream) {
    Received(0, 2);
    return true;
  }
  if (world.cast_.pieces == 1) {
    Received(1, 2);
    return true;
  }
  ++bytes_;
  return bytes_ == static_cast<std::size_t>(world.cast_.pieces) || Continue();
}

// --- The runtime, as an operation sees it ------------------------------------

bool IoWorld::Host::Pay() {
  return !running_->cast_.yields || Thread::Choose("pay", 2) == 0;
}

bool IoWorld::Host::ShareIsLeft() {
  return !running_->cast_.yields || Thread::Choose("share", 2) == 0;
}

void IoWorld::Host::Settle(OpTask& task, Scheduler* fallback) {
  const bool guest = running_->cast_.guest && running_->NumberOf(&task) == 0;
  task.home = guest ? &running_->elsewhere_ : fallback;
}

void IoWorld::Host::GoLast(OpTask& task) {
  running_->TakeAway(&task, Place::kRunnable);
  running_->Wake(&task);
}

std::int64_t IoWorld::Host::Now() {
  if (running_->cast_.rests == 0) return 0;
  return Thread::Call("rest.now", running_->time_, Look) * kALot;
}

// The task goes on: the operation ends with its frame.
void IoWorld::Host::Resume(int task) {
  if (running_->ended_++ != 0) {
    running_->thread_->Fail("A1: an operation has resumed its task twice");
  }
  running_->Ends(task);
}

bool IoWorld::Scheduler::EnterGuest() {
  if (Thread::Choose("guest.enters", 2) == 1) return false;
  Thread::Call("guest.enter", world->guests_, Count, 1);
  return true;
}

void IoWorld::Scheduler::LeaveGuest() {
  Thread::Call("guest.leave", world->guests_, Count, -1);
}

bool IoWorld::Scheduler::StartTimer(Timer*, std::int64_t) {
  if (Thread::Call("rest.arm", world->resting_, Count, 1) != 0) {
    world->thread_->Fail("A1: a rest begins before the last has ended");
  }
  return true;
}

bool IoWorld::Scheduler::StopTimer(Timer*) {
  return Thread::Call("rest.stop", world->resting_, TakeTimer) != 0;
}

PollError IoWorld::Scheduler::Reset(Shipped::Desc* desc, Mode direction) {
  return world->poller_.Reset(desc, direction);
}

WaitResult IoWorld::Scheduler::Park(Shipped::Desc* desc, Mode direction,
                                    OpTask* task, WaitKind kind) {
  return Waited(world->poller_.Park(desc, direction, task, kind), task);
}

WaitResult IoWorld::Scheduler::Resume(Shipped::Desc* desc, Mode direction,
                                      OpTask* task) {
  return Waited(world->poller_.Resume(desc, direction, task), task);
}

WaitResult IoWorld::Scheduler::Waited(WaitResult wait, OpTask* task) {
  if (wait.parked()) world->TakeAway(task, Place::kPoller);
  if (wait.ready()) {
    auto note = world->thread_->note().As<OperationNote>();
    note.tried = false;
    world->thread_->SetNote(note);
    static_cast<Operation*>(task)->MarkAt("ready");
  }
  return wait;
}

void IoWorld::Wake(Waiter* waiter) {
  if (!Thread::WakeEarly(ThreadOf(waiter))) {
    thread_->Fail("A1: an operation was made runnable twice");
  }
}

// --- Frames ------------------------------------------------------------------

void IoWorld::Enter(Thread& thread) {
  thread_ = &thread;
  running_ = this;
  quiet_ = true;
  for (int i = 0; i < tasks(); ++i) Make(i);
  quiet_ = false;
  ended_ = 0;
}

void IoWorld::Make(int task) {
  static_assert(sizeof(Operation) <= kFrame);
  new (frames_[task]) Operation(*state_, DirectionOf(task));
  operation(task).thread = tasks_[task];
  away_[task] = false;
}

void IoWorld::TakeAway(OpTask* task, Place place) {
  const int number = NumberOf(task);
  std::memcpy(kept_[number], frames_[number], kFrame);
  std::memset(frames_[number] + kShared, static_cast<int>(kNothingHere),
              kFrame - kShared);
  away_[number] = true;
  auto note = thread_->note().As<OperationNote>();
  note.place = place;
  thread_->SetNote(note);
}

void IoWorld::GiveBack(int task) {
  std::memcpy(frames_[task] + kShared, kept_[task] + kShared, kFrame - kShared);
  away_[task] = false;
  auto note = thread_->note().As<OperationNote>();
  note.place = Place::kNowhere;
  thread_->SetNote(note);
}

bool IoWorld::Untouched(int task) const {
  for (std::size_t i = kShared; i < kFrame; ++i) {
    if (frames_[task][i] != kNothingHere) return false;
  }
  return true;
}

void IoWorld::Ends(int task) {
  end_ = operation(task).end();
  bytes_ = operation(task).bytes();
  operation(task).Goes();
  TakeAway(&operation(task), Place::kNowhere);
}

}  // namespace netpoll::model
