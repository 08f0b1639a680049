// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/scenarios/fd_world.h"

namespace netpoll::model {

FdWorld::FdWorld(const FdCast& cast)
    : cast_(cast), known_{ObjectOf<Known>(Known{}), ObjectOf<Known>(Known{})} {
  known_[0].name = "descriptor";
  known_[1].name = "descriptor2";
  elsewhere_.name = "closing thread";
  entered_.name = "opened";
  host_memory_ =
      MadeBy("runtime freed", [this] { host_ = std::make_unique<Host>(); });
  MakeState(0, "memory freed");
  (void)states_[0]->Enter([] {});
  if (cast.opens) MakeState(1, "memory2 freed");

  const auto add = [this](bool there, std::string name,
                          std::function<void(Thread&)> body) {
    if (!there) return -1;
    return AddThread(std::move(name), [=, this](Thread& thread) {
      thread_ = &thread;
      stops_here_ = false;
      body(thread);
    });
  };
  for (int i = 0; i < cast.operations; ++i) {
    operating_.push_back(
        add(true, "operation" + std::to_string(i + 1),
            [=, this](Thread& thread) { Operation(thread, i); }));
    Introduce(operations_[i], operating_.back());
    users_.push_back(operating_.back());
    states_[0]->Ref();
  }
  awaiter_ =
      add(cast.awaits, "closer", [this](Thread& thread) { Awaits(thread); });
  if (cast.awaits) {
    Introduce(closer_, awaiter_);
    users_.push_back(awaiter_);
    states_[0]->Ref();
  }
  const int handle =
      add(cast.drops, "handle", [this](Thread& thread) { Drops(thread); });
  if (cast.drops) users_.push_back(handle);
  add(cast.elsewhere, "closing thread",
      [this](Thread& thread) { ClosesElsewhere(thread); });
  seat_.node = &scope_;
  canceller_ = add(cast.cancels, "canceller", [this](Thread& thread) {
    thread.May("cancel");
    (void)scope_.Cancel(internal::CancelReason::kCancelled);
  });
  stopper_ =
      add(cast.stops, "stopper", [this](Thread& thread) { Stops(thread); });
  add(cast.opens, "opener", [this](Thread& thread) { Opens(thread); });
  add(cast.rests, "worker", [this](Thread& thread) { Worker(thread); });
  add(cast.rests, "clock", [this](Thread&) { host_->times().MayPass(3); });
  add(cast.event, "peer", [this](Thread& thread) {
    thread.May("peer.speaks");
    const int task = Thread::Call("fd.ready", known_[0], Comes);
    if (task != 0) Wake(&operations_[task - 1]);
  });
  add(cast.frees, "main", [this](Thread& thread) { Goes(thread); });
  Settle();
}

void FdWorld::MakeState(int number, const char* name) {
  const int memory = MadeBy(name, [=, this] {
    states_[number] =
        std::make_unique<State>(*this, known_[number], 1 + number);
  });
  states_[number]->memory = memory;
}

bool FdWorld::EndedAll(const View& view,
                       const std::vector<int>& threads) const {
  for (const int thread : threads) {
    if (!view.ended(thread)) return false;
  }
  return true;
}

const char* FdWorld::AtRest(const View& view) {
  const Known& known = view.Of(known_[0]);
  if (stopper_ >= 0 && view.ended(stopper_)) {
    if (!known.closing) {
      return Of(&known_[0], "R6: a descriptor is open though all was stopped");
    }
    if (cast_.opens && view.Of(entered_) == 1 && !view.Of(known_[1]).closing) {
      return Of(&known_[1], "R6: a descriptor is open though all was stopped");
    }
  }
  if (cast_.opens && view.Of(entered_) == 2 &&
      !freed(view, states_[1]->memory)) {
    return Of(&known_[1],
              "R5: the memory of a descriptor that was refused is kept");
  }
  if (canceller_ >= 0 && view.ended(canceller_) &&
      view.parked(operating_.back())) {
    return Of(operating_.back(), &known_[0],
              "F12: an operation waits for its turn though it was cancelled");
  }
  for (const int operation : operating_) {
    if (known.closing && view.parked(operation)) {
      return Of(operation, &known_[0],
                "R8: an operation waits on a descriptor that was closed");
    }
  }
  if (known.closing && known.closed == 0) {
    return Of(&known_[0], "R8: a descriptor was closed, and never ends");
  }
  if (awaiter_ >= 0 && view.parked(awaiter_)) {
    return Of(awaiter_, &known_[0], "R8: a task awaits an end that has come");
  }
  if (known.closed != 0 && cast_.drops && EndedAll(view, users_) &&
      !freed(view, states_[0]->memory)) {
    return Of(&known_[0], "R5: memory is kept that nobody refers to");
  }
  return nullptr;
}

// --- Of a descriptor ---------------------------------------------------------

void FdWorld::State::EndInPoller() {
  if (Thread::Call("fd.deregister", known, Deregister) == kWrong) {
    world.thread_->Fail("R8: a descriptor ended that was in use");
  }
}

bool FdWorld::State::EndElsewhere() {
  if (!world.cast_.elsewhere || this != world.states_[0].get()) return false;
  Thread::Call("closers.start", world.elsewhere_, Put, 1);
  return true;
}

// Stop tells all before the first one goes; others may be closing theirs.
void FdWorld::State::CloseSystem() {
  if (world.stops_here_) world.LookWhetherAllWereTold();
  if (Thread::Call("fd.close", known, CloseIn) == kWrong) {
    world.thread_->Fail("R8: the system's descriptor was closed twice");
  }
}

PollResult FdWorld::State::Unblock() {
  return Woken("fd.unblock", FdWorld::Unblock);
}

void FdWorld::State::Nudge(Mode) {
  if (Thread::Call("fd.look", known, HasEnded) != 0) {
    world.thread_->Fail(world.cast_.cancels
                            ? "R8: a cancel reaches a descriptor that has ended"
                            : "R8: a rest ends on a descriptor that has ended");
  }
  PollResult result =
      Woken("fd.nudge", world.cast_.cancels ? Comes : TakeParked);
  Runnable(result);
}

void FdWorld::LookWhetherAllWereTold() {
  if (!cast_.opens || Thread::Call("stop.opened", entered_, Look) != 1) return;
  for (ObjectOf<Known>& known : known_) {
    if (Thread::Call("stop.told", known, IsClosing) == 0) {
      thread_->Fail("R6: Stop ended a descriptor before all were told");
    }
  }
}

// --- Threads -----------------------------------------------------------------

void FdWorld::Wake(Waiter* waiter) {
  if (!Thread::WakeEarly(ThreadOf(waiter))) {
    thread_->Fail("R3: a task was woken twice");
  }
}

// As IoOp: takes the direction, parks, and gives it back. Its reference to the
// memory is its own.
void FdWorld::Operation(Thread& thread, int number) {
  State& fd = *states_[0];
  thread.May("operation.go");
  if (InScope(number)) {
    (void)scope_.Sit(seat_, this, &FdWorld::Interrupt);
  }
  if (Operates(thread, number)) {
    thread.Mark("leaves");
    Thread::Call("operation.leave", known_[0], Leave);
    fd.Release(Mode::kRead);
  }
  thread.Mark("left");
  if (InScope(number)) scope_.Leave(seat_);
  fd.Unref();
}

// False: it has not got the direction.
bool FdWorld::Operates(Thread& thread, int number) {
  State& fd = *states_[0];
  for (;;) {
    thread.Mark("acquire");
    const internal::DirectionTurn turn =
        fd.TakeTurn(Mode::kRead, &operations_[number], false,
                    [=, this] { return IsCancelled(number); });
    if (turn == internal::DirectionTurn::kTaken) break;
    if (turn == internal::DirectionTurn::kParked) thread.Park();
    if (turn == internal::DirectionTurn::kClosed ||
        turn == internal::DirectionTurn::kCancelled) {
      return false;
    }
  }
  thread.Mark("inside");
  if (Thread::Call("operation.enter", known_[0], EnterIn) == kWrong) {
    thread.Fail("R8: an operation uses a descriptor that has ended");
  }
  bool rests = false;
  if (cast_.rests) {
    fd.Ref();
    rests = host_->StartTimer(&fd, 3);
    if (!rests) fd.Unref();
  }
  if (cast_.cancels) {
    WaitsInScope(thread, number);
  } else if (Thread::Call("operation.parks", known_[0], ParkIn, number + 1) ==
             0) {
    thread.Park();
  }
  if (rests && host_->StopTimer(&fd)) fd.Unref();
  return true;
}

void FdWorld::WaitsInScope(Thread& thread, int number) {
  while (!IsCancelled(number)) {
    const int why =
        Thread::Call("operation.again", known_[0], ParkAgain, number + 1);
    if (why == 0) thread.Park();
    if (why == 2) return;
    thread.Mark("woken");
  }
}

// As CloseOp.
void FdWorld::Awaits(Thread& thread) {
  State& fd = *states_[0];
  thread.May("close");
  if (fd.CloseNow([] {})) {
    thread.Mark("closed");
    if (!fd.ended() && fd.ParkCloser(&closer_)) thread.Park();
    if (!fd.ended() || Thread::Call("close.look", known_[0], WasClosed) == 0) {
      thread.Fail("R8: a close ended before its descriptor");
    }
  }
  fd.Unref();
}

void FdWorld::Drops(Thread& thread) {
  thread.May("drop");
  if (cast_.opens) Thread::Call("drop.begins", known_[0], Begin);
  states_[0]->CloseNow([] {});
  states_[0]->Unref();
}

void FdWorld::ClosesElsewhere(Thread&) {
  Thread::Await("closing.begins", elsewhere_, Until, 1);
  states_[0]->EndHere();
}

void FdWorld::Stops(Thread& thread) {
  thread.May("stop");
  stops_here_ = true;
  host_->Stop();
}

void FdWorld::Opens(Thread& thread) {
  thread.May("open");
  const bool entered = states_[1]->Enter([] {});
  Thread::Call("opened", entered_, Put, entered ? 1 : 2);
}

void FdWorld::Worker(Thread& thread) {
  for (;;) {
    thread.Mark("worker");
    host_->WakeSleeps(host_->times().SleepUntilDue());
  }
}

// A task waited for the other end to go, and was the last one.
void FdWorld::Goes(Thread& thread) {
  Thread::Await<Known>("main.run", known_[0],
                       [](Known& known, std::int64_t) -> Step {
                         if (known.closed == 0) return std::nullopt;
                         return 0;
                       });
  Free(thread, host_memory_);
}

}  // namespace netpoll::model
